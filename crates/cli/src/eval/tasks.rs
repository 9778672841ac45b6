//! The tasks of `hadal eval`: their files, and their results as a table.

use std::cell::RefCell;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use hadal_tokenizer::Tokenizer;
use hadal_train::Error;
use hadal_train::tasks::{
    Choice, Choices, LastWord, LastWords, MinimalPair, MinimalPairs, Score, Scorer, Share, Text,
    choices, last_words, minimal_pairs, records,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{TOKENS_BUDGET, bos, budget};
use crate::open::Model;

/// Files of tasks, .jsonl or .jsonl.zst.
#[derive(Args)]
#[command(next_help_heading = "Tasks")]
pub(super) struct TaskArgs {
    /// BLiMP: pairs of a `good` and a `bad` sentence, with their `field`, `term` and `uid`; the
    /// share in which the good one is the more probable.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    minimal_pairs: Vec<PathBuf>,
    /// LAMBADA: passages, a `text` each; the share whose last word is the likeliest one, and its
    /// perplexity.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    last_word: Vec<PathBuf>,
    /// CHID: `content` with a gap, written #idiom# or ____, its `candidates`, and the index of the
    /// `answer` among them; the share in which the answer gives the most probable text.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    choices: Vec<PathBuf>,
    /// Write a JSON line for each text that a task judged: `context`, `rest`, `log_probability` in
    /// nats, and whether it `is_greedy`.
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
}

/// The tasks asked for, read.
pub(super) struct Tasks {
    minimal_pairs: Option<Vec<MinimalPair>>,
    last_word: Option<Vec<LastWord>>,
    choices: Option<Vec<Choice>>,
    scores: Option<PathBuf>,
}

/// A line of the file of scores.
#[derive(Serialize)]
struct Judged<'a> {
    context: &'a str,
    rest: &'a str,
    log_probability: f64,
    is_greedy: bool,
}

/// How the model fared on each task asked for.
#[derive(Serialize)]
pub(super) struct TaskResults {
    #[serde(skip_serializing_if = "Option::is_none")]
    minimal_pairs: Option<MinimalPairs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_word: Option<LastWords>,
    #[serde(skip_serializing_if = "Option::is_none")]
    choices: Option<Choices>,
}

impl TaskArgs {
    pub(super) fn is_empty(&self) -> bool {
        [&self.minimal_pairs, &self.last_word, &self.choices].iter().all(|files| files.is_empty())
    }

    /// Reads all files before any is measured on, so that a wrong one is told at once.
    pub(super) fn read(&self) -> Result<Tasks> {
        Ok(Tasks {
            minimal_pairs: read(&self.minimal_pairs)?,
            last_word: read(&self.last_word)?,
            choices: read(&self.choices)?,
            scores: self.scores.clone(),
        })
    }
}

fn read<T: DeserializeOwned>(files: &[PathBuf]) -> Result<Option<Vec<T>>> {
    let mut all = Vec::new();
    for file in files {
        let found: Vec<T> = records(file)?;
        if found.is_empty() {
            bail!("{} holds no records to measure on", file.display());
        }
        all.extend(found);
    }
    Ok((!files.is_empty()).then_some(all))
}

impl Tasks {
    pub(super) fn measure(
        self,
        model: &Model,
        tokenizer: &Tokenizer,
        context: usize,
    ) -> Result<TaskResults> {
        let decoder = model.decoder(context);
        let scorer = Scorer {
            device: &*model.device,
            decoder: &decoder,
            weights: &*model.weights,
            tokenizer,
            bos: bos(model, tokenizer),
            budget_tokens: TOKENS_BUDGET,
            budget_judged: budget(model),
        };
        let judged = RefCell::new(Vec::new());
        let score = |texts: &[Text]| {
            let scores = score(&scorer, texts)?;
            if self.scores.is_some() {
                judged.borrow_mut().extend(texts.iter().cloned().zip(scores.iter().copied()));
            }
            Ok(scores)
        };
        let results = TaskResults {
            minimal_pairs: self.minimal_pairs.map(|x| minimal_pairs(&x, score)).transpose()?,
            last_word: self.last_word.map(|x| last_words(&x, score)).transpose()?,
            choices: self.choices.map(|x| choices(&x, score)).transpose()?,
        };
        if let Some(path) = &self.scores {
            write_scores(path, &judged.into_inner())?;
        }
        Ok(results)
    }
}

/// Scores texts behind a progress bar.
fn score(scorer: &Scorer<'_>, texts: &[Text]) -> Result<Vec<Score>, Error> {
    let template = "{bar:40} {human_pos} of {human_len} texts, {per_sec}";
    let style = ProgressStyle::with_template(template).expect("the template is sound");
    let bar = ProgressBar::new(texts.len() as u64).with_style(style);
    let scores = scorer.score(texts, |n| bar.inc(n as u64));
    bar.finish_and_clear();
    scores
}

fn write_scores(path: &Path, judged: &[(Text, Score)]) -> Result<()> {
    let mut lines = String::new();
    for (Text { context, rest }, Score { log_probability, is_greedy }) in judged {
        let (log_probability, is_greedy) = (*log_probability, *is_greedy);
        lines += &serde_json::to_string(&Judged { context, rest, log_probability, is_greedy })?;
        lines.push('\n');
    }
    fs::write(path, lines).with_context(|| path.display().to_string())
}

impl TaskResults {
    /// A line for each result.
    pub(super) fn table(&self) -> String {
        let mut table = String::new();
        let mut row = |name: &str, share: &Share, more: &str| {
            writeln!(table, "{name:<54} {}{more}", percent(share)).expect("a string grows");
        };
        if let Some(MinimalPairs { overall, phenomena }) = &self.minimal_pairs {
            for group in phenomena {
                row(&format!("{} / {}", group.field, group.phenomenon), &group.share, "");
                for paradigm in &group.paradigms {
                    row(&format!("  {}", paradigm.paradigm), &paradigm.share, "");
                }
            }
            row("minimal pairs", overall, "");
        }
        if let Some(LastWords { share, perplexity, perplexity_standard_error }) = &self.last_word {
            let error =
                perplexity_standard_error.map_or_else(String::new, |e| format!(" ± {e:.1}"));
            row("last word", share, &format!(", perplexity {perplexity:.1}{error}"));
        }
        if let Some(Choices { share, chance }) = &self.choices {
            let chance = 100.0 * chance;
            row("choices", share, &format!(", by guessing {chance:.1} %"));
        }
        table
    }
}

/// A share as people read it: `61.2 % ± 0.4 of 13398`.
fn percent(Share { accuracy, standard_error, n }: &Share) -> String {
    let error = standard_error.map_or_else(String::new, |error| format!(" ± {:.1}", 100.0 * error));
    format!("{:5.1} %{error} of {n}", 100.0 * accuracy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_in_percent() {
        let share = Share::of((0..200).map(|i| i < 50));
        assert_eq!(percent(&share), " 25.0 % ± 3.1 of 200");
        assert_eq!(percent(&Share::of([true])), "100.0 % of 1");
    }
}
