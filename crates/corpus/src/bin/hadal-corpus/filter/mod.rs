//! `hadal corpus filter`: published rules, the classifier, personal data.

mod scorer;
mod train;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use hadal_corpus::Step;
use hadal_corpus::filter::classifier::Model;
use hadal_corpus::filter::{Decision, Personal, Segmenter, Steps, rules};
use hadal_corpus::pack::Decontaminate;

use crate::through;
use scorer::Program;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Filter {
    #[command(subcommand)]
    command: Option<Command>,
    /// Published rules, in this order: gopher_repetition, gopher_quality, c4, fineweb.
    #[arg(long, value_delimiter = ',', value_name = "RULE,...")]
    rules: Vec<String>,
    /// A classifier trained by `filter train`, asked after the rules.
    #[arg(long, value_name = "FILE")]
    classifier: Option<PathBuf>,
    /// Keep what the classifier gives this probability or more.
    #[arg(long, value_name = "P", requires = "classifier", conflicts_with_all = ["precision", "recall"])]
    threshold: Option<f32>,
    /// Keep as much as this share of the kept being good allows, as measured when it was trained.
    #[arg(long, value_name = "SHARE", requires = "classifier", conflicts_with = "recall")]
    precision: Option<f32>,
    /// Keep as little as this share of the good being kept allows.
    #[arg(long, value_name = "SHARE", requires = "classifier")]
    recall: Option<f32>,
    /// A program to ask where the classifier is unsure: it reads a record a line and answers each
    /// with a probability a line.
    #[arg(long, value_name = "COMMAND", requires = "classifier")]
    scorer: Option<String>,
    /// How far from the threshold the scorer is asked.
    #[arg(long, value_name = "WIDTH", default_value_t = 0.1, requires = "scorer")]
    borderline: f32,
    /// Mask e-mail addresses, telephone numbers, keys and identity cards.
    #[arg(long)]
    mask_personal: bool,
    /// Drop records that share a run of words with the records of these files, of evaluation sets.
    #[arg(long, value_name = "PATH")]
    against: Vec<PathBuf>,
    /// Words in a run that must not be shared.
    #[arg(long, value_name = "N", default_value_t = 13, requires = "against")]
    n_words: usize,
    /// Where dropped records go, with the reason.
    #[arg(long, value_name = "FILE")]
    dropped: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Trains a classifier on labelled records from standard input.
    Train(train::Train),
}

impl Filter {
    pub(crate) fn run(self) -> Result<()> {
        if let Some(Command::Train(train)) = self.command {
            return train.run();
        }
        let mut steps = rules(&self.rules, &Arc::new(Segmenter::default()))?;
        let failure = self.classifier(&mut steps)?;
        if self.mask_personal {
            steps.push(Box::new(Personal::default()));
        }
        if !self.against.is_empty() {
            ensure!(self.n_words > 0, "--n-words 0: a run has words");
            let mut step = Decontaminate::new(self.n_words);
            self.against.iter().try_for_each(|path| step.add_file(path))?;
            steps.push(Box::new(step));
        }
        if steps.is_empty() {
            bail!("nothing to filter by: give --rules, --classifier, --mask-personal or --against");
        }
        through::run(&Steps(steps), self.dropped.as_deref())?;
        match failure.and_then(|failure| failure.take()) {
            Some(failure) => bail!("{failure}"),
            None => Ok(()),
        }
    }

    /// Adds the classifier, if one was given, and says where a failing scorer is noted.
    fn classifier(&self, steps: &mut Vec<Box<dyn Step>>) -> Result<Option<Arc<scorer::Failure>>> {
        let Some(path) = &self.classifier else { return Ok(None) };
        let model = Model::open(path)?;
        let threshold = self.threshold(&model)?;
        let decision = Decision::new(model, threshold);
        let Some(command) = &self.scorer else {
            steps.push(Box::new(decision));
            return Ok(None);
        };
        let program = Program::start(command)?;
        let failure = program.failure();
        steps.push(Box::new(decision.with_scorer(self.borderline, Box::new(program))));
        Ok(Some(failure))
    }

    /// The threshold that was asked for, or where F1 was best.
    fn threshold(&self, model: &Model) -> Result<f32> {
        let curve = &model.curve;
        if let Some(threshold) = self.threshold {
            return Ok(threshold);
        }
        let (point, asked) = match (self.precision, self.recall) {
            (Some(precision), _) => {
                (curve.with_precision(precision), format!("a precision of {precision}"))
            }
            (_, Some(recall)) => (curve.with_recall(recall), format!("a recall of {recall}")),
            _ => (curve.best(), "a threshold".to_owned()),
        };
        let point = point.with_context(|| format!("no threshold of the classifier has {asked}"))?;
        eprintln!(
            "threshold {:.2}: precision {:.3} and recall {:.3} when it was trained",
            point.threshold, point.precision, point.recall
        );
        Ok(point.threshold)
    }
}
