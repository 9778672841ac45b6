//! A training run: *fetch* a batch, take a *step*, *report*; at intervals measure and save.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use hadal_model::{Config, Flops, initialise};
use hadal_tensor::{DType, Differentiable};
use hadal_tokenizer::Tokenizer;
use serde::Serialize;

use crate::batches::Batches;
use crate::card;
use crate::checkpoint::{self, Progress, list_checkpoints};
use crate::data::Data;
use crate::encode::text_len;
use crate::error::Error;
use crate::evaluate::{evaluate, evaluate_conversations};
use crate::health::{RouterHealth, RouterLoads, max_violation};
use crate::initial_weights::weights_from;
use crate::manifest::Manifest;
use crate::metrics::Metrics;
use crate::optimiser::TrainedWeights;
use crate::pace::Pace;
use crate::pack::PackReport;
use crate::peak::measured_peak;
use crate::recipe::Recipe;
use crate::start::Start;
use crate::step::{NotFinite, Trainer};
use crate::windows::{ConversationWindows, Windows};

/// Tokens that a measurement passes through the model at once.
pub(crate) const EVALUATION_BUDGET: usize = 4096;

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
    /// A checkpoint is damaged; the run goes on from an older one.
    Damaged {
        /// Where the damaged one lies now.
        folder: PathBuf,
        /// Which file, and what is wrong with it.
        reason: String,
    },
    /// Shards that were there were damaged and have been packed again.
    Repacked {
        /// Their folder.
        folder: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// The conversations to learn from lie in windows.
    Windows(ConversationWindows),
    /// The steps begin.
    Begun {
        /// The step that comes first.
        first_step: u32,
        /// The last.
        steps: u32,
        /// The device.
        device: String,
        /// Floating-point operations per second of its best product, measured now.
        measured_peak: f64,
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
    /// What the routers did since the last such event.
    Router {
        /// After this step.
        step: u32,
        /// Tokens each expert was given, for each layer with experts.
        loads: Vec<Vec<u64>>,
        /// Their maximum violation.
        max_violation: f64,
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
    /// The same of the token after next, where the model predicts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_token_loss: Option<f64>,
    /// Mean `(log Z)²` per target, where the objective weighs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub z_loss: Option<f64>,
    /// Balance loss, a mean over sequences summed over layers, where the objective weighs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance_loss: Option<f64>,
    /// Of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// Of this step.
    pub learning_rate: f32,
    /// Tokens of the step by the seconds it took.
    pub tokens_per_second: f64,
    /// The same over about the last twenty steps.
    pub smoothed_tokens_per_second: f64,
    /// The model's floating-point operations per second, smoothed, as a share of the device's
    /// measured peak.
    pub mfu: f64,
    /// Until the end of the run, at the pace so far.
    pub seconds_left: f64,
    /// The routers' health.
    pub router: Option<RouterHealth>,
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

/// How a run begins, and how it is asked to end early.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Whether it goes on from the newest whole checkpoint in the output folder.
    pub resume: bool,
    /// Once this is set, the run finishes its step, saves a checkpoint and ends.
    pub stop: &'a AtomicBool,
}

/// Trains by `recipe` on `device`. Every event is also a line of `metrics.jsonl` in the output
/// folder.
///
/// # Errors
/// When the recipe asks for what is not there, a file cannot be read or written, the loss is not
/// finite, a thread panics, or `control` asks for it; checkpoints made until then stay.
pub fn train(
    recipe: &Recipe,
    device: &dyn Differentiable,
    control: Control<'_>,
    report: &mut dyn FnMut(&Event),
) -> Result<Summary, Error> {
    let step = Cell::new(0);
    // Nothing that a panic could have left half-changed is looked at again.
    let run = AssertUnwindSafe(|| prepare_and_go(recipe, device, control, report, &step));
    catch_unwind(run).unwrap_or_else(|panic| {
        let place = match step.get() {
            0 => "before its first step".to_owned(),
            step => format!("at step {step}"),
        };
        let words = panic.downcast_ref::<&str>().copied();
        let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = words.unwrap_or("it gave no message").to_owned();
        let advice = how_to_go_on(&recipe.output.folder, "go on with --resume", "Begin anew");
        Err(Error::Panicked { place, message, advice })
    })
}

/// `step` is told which step is being taken.
fn prepare_and_go(
    recipe: &Recipe,
    device: &dyn Differentiable,
    control: Control<'_>,
    report: &mut dyn FnMut(&Event),
    step: &Cell<u32>,
) -> Result<Summary, Error> {
    let folder = &recipe.output.folder;
    let start = Start::in_folder(folder, control.resume, &recipe.lasting)?;
    let tokenizer = Tokenizer::from_folder(&recipe.tokenizer)?;
    check_vocabulary(&tokenizer, &recipe.model)?;
    let data = Data::pack(recipe, &tokenizer)?;
    let config = recipe.model.clone();
    let weights = match &start.checkpoint {
        None => {
            let weights = match &recipe.initialise_from {
                None => initialise(&config, recipe.seed),
                Some(folder) => weights_from(folder, &config, recipe.seed)?,
            };
            let weights =
                TrainedWeights::begin(config.clone(), device, weights, recipe.optimiser.method);
            if recipe.average.is_some() { weights.with_averages(device) } else { weights }
        }
        Some((folder, progress)) => {
            data.check_same(progress, folder)?;
            let kind = (recipe.optimiser.method, recipe.average.is_some());
            checkpoint::load(folder, &config, kind, device)?
        }
    };

    let mut metrics = Metrics::open(&folder.join("metrics.jsonl"), start.step(), report)?;
    for (folder, reason) in start.set_damaged_aside()? {
        metrics.tell(Event::Damaged { folder, reason })?;
    }
    let [train, validation] = [&data.train.1, &data.validation.1].map(PackReport::clone);
    let validation = (validation.n_documents > 0).then_some(validation);
    card::begin(recipe, &device.name(), &train, validation.as_ref())?;
    for (folder, reason) in data.repacked.iter().cloned() {
        metrics.tell(Event::Repacked { folder, reason })?;
    }
    metrics.tell_once(Event::Packed { train, validation })?;
    if let Some((folder, progress)) = &start.checkpoint {
        // A run that was killed right after saving did not come to say so.
        metrics.tell_once(Event::Saved { step: progress.step, folder: folder.clone() })?;
    }
    let trainer = Trainer::new(device, config, weights, recipe.batch.length)
        .with_objective(recipe.objective)
        .with_recompute(recipe.batch.recompute)
        .with_average(recipe.average);
    let (first_step, steps, name) = (start.step() + 1, recipe.schedule.steps, device.name());
    let measured_peak = measured_peak(device, DType::F32);
    metrics.tell_once(Event::Begun { first_step, steps, device: name, measured_peak })?;
    let tokens = recipe.batch.tokens();
    let flops = Flops::per_token(&recipe.model, recipe.batch.length).training() * tokens as f64;
    let pace = Pace::begin(tokens, flops, measured_peak);
    let loads = start.checkpoint.as_ref().map(|(_, progress)| progress.loads.clone());
    let loads = loads.unwrap_or_default();
    let run = Run { recipe, tokenizer, data: &data, trainer, metrics, pace, loads };
    let summary = run.go(first_step, control.stop, step)?;
    card::end(recipe, &summary)?;
    Ok(summary)
}

struct Run<'a> {
    recipe: &'a Recipe,
    tokenizer: Tokenizer,
    data: &'a Data,
    trainer: Trainer<'a>,
    metrics: Metrics<'a>,
    pace: Pace,
    loads: RouterLoads,
}

impl Run<'_> {
    fn go(
        mut self,
        first_step: u32,
        stop: &AtomicBool,
        current: &Cell<u32>,
    ) -> Result<Summary, Error> {
        let recipe = self.recipe;
        let steps = recipe.schedule.steps;
        let mut batches = Batches::of(&self.data.train.0, recipe.batch, recipe.seed)?;
        if let Some(windows) = batches.of_conversations() {
            self.metrics.tell_once(Event::Windows(windows))?;
        }
        let mut summary = Summary {
            steps: first_step - 1,
            loss: f64::NAN,
            validation_bits_per_byte: None,
            checkpoint: recipe.output.folder.join(format!("checkpoint-{:07}", first_step - 1)),
        };
        for step in first_step..=steps {
            if stop.load(Ordering::Relaxed) {
                return Err(self.stopped(step - 1));
            }
            current.set(step);
            let began = Instant::now();
            let batch = batches.step(step)?;
            let learning_rate = recipe.schedule.learning_rate(step);
            let at = (step, learning_rate);
            let bias_update = recipe.router.bias_update_at(step);
            let outcome = self
                .trainer
                .step(&batch, at, &recipe.optimiser, bias_update)?
                .map_err(|wrong| self.not_finite(step, wrong))?;
            summary = Summary { steps: step, loss: outcome.loss, ..summary };
            let timing = self.pace.step(began.elapsed().as_secs_f64(), steps - step);
            self.loads.add(&outcome.expert_loads);
            self.metrics.tell(Event::Step(StepReport {
                step,
                loss: outcome.loss,
                multi_token_loss: outcome.multi_token_loss,
                z_loss: outcome.z_loss,
                balance_loss: outcome.balance_loss,
                gradient_norm: outcome.gradient_norm,
                learning_rate,
                tokens_per_second: timing.tokens_per_second,
                smoothed_tokens_per_second: timing.smoothed_tokens_per_second,
                mfu: timing.mfu,
                seconds_left: timing.seconds_left,
                router: RouterHealth::of(&outcome),
            }))?;
            if step % recipe.output.evaluate_every == 0 || step == steps {
                summary.validation_bits_per_byte = self.measure(step)?;
                if let Some(loads) = self.loads.take() {
                    let max_violation = max_violation(&loads).expect("there are loads");
                    self.metrics.tell(Event::Router { step, loads, max_violation })?;
                }
            }
            let is_due = step % recipe.output.save_every == 0 || step == steps;
            if is_due || stop.load(Ordering::Relaxed) {
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
        let (device, weights) = (self.trainer.device(), self.trainer.weights().averaged());
        let shape = (self.recipe.batch.length, EVALUATION_BUDGET);
        let decoder = self.trainer.decoder();
        let found = if shards.are_conversations() {
            let bytes_of = |id| text_len(&self.tokenizer, id as u32);
            let windows = Windows::of(shards, shape.0);
            evaluate_conversations(device, decoder, &weights, &windows, shape.1, bytes_of)?
        } else {
            evaluate(device, decoder, &weights, shards.documents(), shape, |_| ())?
        };
        let (loss, bits_per_byte) = (found.loss(), found.bits_per_byte());
        self.metrics.tell(Event::Evaluated { step, loss, bits_per_byte })?;
        Ok(Some(bits_per_byte))
    }

    fn save(&mut self, step: u32) -> Result<PathBuf, Error> {
        self.metrics.sync()?;
        let folder = checkpoint::save(
            &self.recipe.output.folder,
            (&self.recipe.model, &self.tokenizer),
            self.trainer.device(),
            self.trainer.weights(),
            &Progress {
                step,
                n_tokens: self.data.train.0.n_tokens(),
                recipe: self.recipe.lasting.clone(),
                loads: self.loads.clone(),
            },
            self.recipe.output.keep,
        )?;
        self.metrics.tell(Event::Saved { step, folder: folder.clone() })?;
        Ok(folder)
    }

    fn not_finite(&self, step: u32, NotFinite { what, found }: NotFinite) -> Error {
        let advice = how_to_go_on(
            &self.recipe.output.folder,
            "lower schedule.learning_rate and go on with --resume",
            "Lower schedule.learning_rate or lengthen schedule.warm_up",
        );
        Error::NotFinite { what, step, found, advice }
    }

    fn stopped(&self, step: u32) -> Error {
        let folder = &self.recipe.output.folder;
        let advice = how_to_go_on(folder, "go on with --resume", "Begin anew");
        Error::Stopped { step, steps: self.recipe.schedule.steps, advice }
    }
}

/// What to do after a run that broke off: `then` where it left a whole checkpoint, or else
/// `otherwise`.
fn how_to_go_on(run_folder: &Path, then: &str, otherwise: &str) -> String {
    let checkpoints = list_checkpoints(run_folder).unwrap_or_default();
    let whole = checkpoints.into_iter().rev().find(|folder| Manifest::verify(folder).is_ok());
    match whole {
        Some(folder) => format!("{} is whole: {then}", folder.display()),
        None => format!("No checkpoint was made yet. {otherwise}"),
    }
}

fn check_vocabulary(tokenizer: &Tokenizer, config: &Config) -> Result<(), Error> {
    let (tokens, vocab_size) = (tokenizer.vocab_size(), config.vocab_size);
    if tokens > vocab_size { Err(Error::Vocabulary { tokens, vocab_size }) } else { Ok(()) }
}
