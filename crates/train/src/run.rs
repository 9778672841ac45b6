//! A training run: *fetch* a batch, take a *step*, *report*; at intervals measure and save.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hadal_model::{Config, initialise};
use hadal_tensor::Differentiable;
use hadal_tokenizer::Tokenizer;
use serde::Serialize;

use crate::batches::Batches;
use crate::checkpoint::{self, Progress, list_checkpoints};
use crate::error::{Error, at};
use crate::evaluate::evaluate;
use crate::optimiser::TrainedWeights;
use crate::recipe::Recipe;
use crate::shards::{DocumentFilter, PackReport, Shards};
use crate::step::{NotFinite, StepOutcome, Trainer};

/// Tokens that a measurement passes through the model at once.
const EVALUATION_BUDGET: usize = 4096;

/// What a run tells while it goes.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The data is there.
    Packed {
        /// What the training documents held.
        train: PackReport,
        /// What the validation documents held.
        validation: Option<PackReport>,
    },
    /// The steps begin.
    Begun {
        /// The step that comes first.
        first_step: u32,
        /// The last.
        steps: u32,
        /// The device.
        device: String,
    },
    /// A step was taken.
    Step(StepReport),
    /// The model was measured on the validation documents.
    Evaluated {
        /// After this step.
        step: u32,
        /// Nats per token.
        loss: f64,
        /// Bits per byte of text.
        bits_per_byte: f64,
    },
    /// A checkpoint is on disk.
    Saved {
        /// After this step.
        step: u32,
        /// Its folder.
        folder: PathBuf,
    },
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepReport {
    /// From 1.
    pub step: u32,
    /// Mean nats per target, before the update.
    pub loss: f64,
    /// Of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// Of this step.
    pub learning_rate: f32,
    /// Tokens of the step by the seconds it took.
    pub tokens_per_second: f64,
    /// The routers' health.
    pub router: Option<RouterHealth>,
}

/// How evenly experts are used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RouterHealth {
    /// The greatest load over the mean load, less 1, of the worst layer (MaxVio of Wang et al.
    /// 2024).
    pub max_violation: f64,
    /// Assignments dropped because their expert was full.
    pub n_dropped: usize,
}

/// How a run ended.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Steps done.
    pub steps: u32,
    /// The last step's loss.
    pub loss: f64,
    /// The last measurement, in bits per byte.
    pub validation_bits_per_byte: Option<f64>,
    /// The last checkpoint.
    pub checkpoint: PathBuf,
}

/// Trains by `recipe` on `device`; with `resume`, goes on from the newest checkpoint in the output
/// folder. Every event is also a line of `metrics.jsonl` there.
///
/// # Errors
/// When the recipe asks for what is not there, a file cannot be read or written, or the loss is
/// not finite; checkpoints made until then stay.
pub fn train(
    recipe: &Recipe,
    device: &dyn Differentiable,
    resume: bool,
    report: &mut dyn FnMut(&Event),
) -> Result<Summary, Error> {
    let folder = &recipe.output.folder;
    let checkpoint = newest_checkpoint(folder, resume)?;
    let tokenizer = Tokenizer::from_folder(&recipe.tokenizer)?;
    check_vocabulary(&tokenizer, &recipe.model)?;
    let data = Data::pack(recipe, &tokenizer)?;
    let mut metrics = Metrics::open(&folder.join("metrics.jsonl"), report)?;
    let [train, validation] = [&data.train.1, &data.validation.1].map(PackReport::clone);
    let validation = (validation.n_documents > 0).then_some(validation);
    metrics.tell(Event::Packed { train, validation })?;

    let config = recipe.model.clone();
    let (weights, done) = match checkpoint {
        None => {
            let fresh = initialise(&config, recipe.seed);
            (TrainedWeights::begin(config.clone(), device, fresh, recipe.optimiser.method), 0)
        }
        Some(folder) => {
            let (weights, progress) =
                checkpoint::load(&folder, &config, recipe.optimiser.method, device)?;
            if progress.seed != recipe.seed {
                let reason = format!("its seed is {}, the recipe's {}", progress.seed, recipe.seed);
                return Err(Error::Checkpoint { folder, reason });
            }
            (weights, progress.step)
        }
    };
    let trainer = Trainer::new(device, config, weights, recipe.batch.length);
    let (first_step, steps, name) = (done + 1, recipe.schedule.steps, device.name());
    metrics.tell(Event::Begun { first_step, steps, device: name })?;
    Run { recipe, tokenizer, data: &data, trainer, metrics }.go(first_step)
}

struct Run<'a> {
    recipe: &'a Recipe,
    tokenizer: Tokenizer,
    data: &'a Data,
    trainer: Trainer<'a>,
    metrics: Metrics<'a>,
}

impl Run<'_> {
    fn go(mut self, first_step: u32) -> Result<Summary, Error> {
        let recipe = self.recipe;
        let steps = recipe.schedule.steps;
        let mut batches = Batches::of(&self.data.train.0, recipe.batch, recipe.seed)?;
        let mut summary = Summary {
            steps: first_step - 1,
            loss: f64::NAN,
            validation_bits_per_byte: None,
            checkpoint: recipe.output.folder.join(format!("checkpoint-{:07}", first_step - 1)),
        };
        for step in first_step..=steps {
            let began = Instant::now();
            let batch = batches.step(step)?;
            let learning_rate = recipe.schedule.learning_rate(step);
            let at = (step, learning_rate);
            let bias_update = recipe.router.bias_update;
            let outcome = self
                .trainer
                .step(&batch, at, &recipe.optimiser, bias_update)?
                .map_err(|wrong| self.not_finite(step, wrong))?;
            summary = Summary { steps: step, loss: outcome.loss, ..summary };
            let seconds = began.elapsed().as_secs_f64();
            let tokens_per_second = recipe.batch.tokens() as f64 / seconds;
            self.metrics.tell(Event::Step(StepReport {
                step,
                loss: outcome.loss,
                gradient_norm: outcome.gradient_norm,
                learning_rate,
                tokens_per_second,
                router: router_health(&outcome),
            }))?;
            if step % recipe.output.evaluate_every == 0 || step == steps {
                summary.validation_bits_per_byte = self.measure(step)?;
            }
            if step % recipe.output.save_every == 0 || step == steps {
                summary.checkpoint = self.save(step)?;
            }
        }
        Ok(summary)
    }

    fn measure(&mut self, step: u32) -> Result<Option<f64>, Error> {
        let (shards, report) = &self.data.validation;
        if report.n_documents == 0 {
            return Ok(None);
        }
        let (device, weights) = (self.trainer.device(), self.trainer.weights().weights());
        let shape = (self.recipe.batch.length, EVALUATION_BUDGET);
        let decoder = self.trainer.decoder();
        let found = evaluate(device, decoder, &weights, shards.documents(), shape, |_| ())?;
        let (loss, bits_per_byte) = (found.loss(), found.bits_per_byte());
        self.metrics.tell(Event::Evaluated { step, loss, bits_per_byte })?;
        Ok(Some(bits_per_byte))
    }

    fn save(&mut self, step: u32) -> Result<PathBuf, Error> {
        let folder = checkpoint::save(
            &self.recipe.output.folder,
            (&self.recipe.model, &self.tokenizer),
            self.trainer.device(),
            self.trainer.weights(),
            &Progress { step, seed: self.recipe.seed },
            self.recipe.output.keep,
        )?;
        self.metrics.tell(Event::Saved { step, folder: folder.clone() })?;
        Ok(folder)
    }

    fn not_finite(&self, step: u32, NotFinite { what, found }: NotFinite) -> Error {
        let newest = list_checkpoints(&self.recipe.output.folder).ok().and_then(|mut c| c.pop());
        let advice = match newest {
            Some(folder) => format!(
                "{} is whole: lower schedule.learning_rate and go on with --resume",
                folder.display()
            ),
            None => "No checkpoint was made yet: lower schedule.learning_rate or lengthen \
                     schedule.warm_up"
                .to_owned(),
        };
        Error::NotFinite { what, step, found, advice }
    }
}

/// The packed documents of a run.
struct Data {
    train: (Shards, PackReport),
    validation: (Shards, PackReport),
}

impl Data {
    fn pack(recipe: &Recipe, tokenizer: &Tokenizer) -> Result<Data, Error> {
        let filter = DocumentFilter {
            licences: recipe.data.licences.clone(),
            exclude_sources: recipe.data.exclude_sources.clone(),
        };
        let pack = |files: &[PathBuf], name: &str| {
            let folder = recipe.output.folder.join("shards").join(name);
            Shards::pack(files, &filter, tokenizer, &folder)
        };
        Ok(Data {
            train: pack(&recipe.data.train, "train")?,
            validation: pack(&recipe.data.validation, "validation")?,
        })
    }
}

/// Writes each event to a file and shows it to the caller.
struct Metrics<'a> {
    path: PathBuf,
    file: File,
    report: &'a mut dyn FnMut(&Event),
}

impl<'a> Metrics<'a> {
    fn open(path: &Path, report: &'a mut dyn FnMut(&Event)) -> Result<Self, Error> {
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(at(path))?;
        Ok(Metrics { path: path.to_path_buf(), file, report })
    }

    fn tell(&mut self, event: Event) -> Result<(), Error> {
        let mut line = serde_json::to_string(&event).expect("an event is plain data");
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(at(&self.path))?;
        (self.report)(&event);
        Ok(())
    }
}

/// Makes the output folder, and finds what to resume where that is asked for.
fn newest_checkpoint(folder: &Path, resume: bool) -> Result<Option<PathBuf>, Error> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let newest = list_checkpoints(folder)?.pop();
    match (newest, resume) {
        (None, true) => Err(Error::NothingToResume { folder: folder.to_path_buf() }),
        (Some(_), false) => Err(Error::RunExists { folder: folder.to_path_buf() }),
        (newest, _) => Ok(newest),
    }
}

fn check_vocabulary(tokenizer: &Tokenizer, config: &Config) -> Result<(), Error> {
    let (tokens, vocab_size) = (tokenizer.vocab_size(), config.vocab_size);
    if tokens > vocab_size { Err(Error::Vocabulary { tokens, vocab_size }) } else { Ok(()) }
}

fn router_health(outcome: &StepOutcome) -> Option<RouterHealth> {
    let violation = |loads: &Vec<u64>| {
        let mean = loads.iter().sum::<u64>() as f64 / loads.len() as f64;
        loads.iter().max().map_or(0.0, |most| *most as f64 / mean - 1.0)
    };
    let worst = outcome.expert_loads.iter().map(violation).reduce(f64::max)?;
    Some(RouterHealth { max_violation: worst, n_dropped: outcome.n_dropped })
}
