//! A recipe: the file that describes a training run.

use std::fs;
use std::path::{Path, PathBuf};

use hadal_model::Config;
use serde::{Deserialize, Serialize};

use crate::error::{Error, at};
use crate::lasting::Lasting;
use crate::moving_average::MovingAverage;
use crate::objective::ObjectiveConfig;
use crate::optimiser::OptimiserConfig;
use crate::pack::{DataFormat, DocumentFilter, PackSpec};
use crate::schedule::Schedule;

/// A training run, checked. Paths are relative to the recipe's folder.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Where it was read.
    pub path: PathBuf,
    /// Its text, as it was read.
    pub text: String,
    /// Seeds the fresh weights and the order of the data.
    pub seed: u64,
    /// How matrices are multiplied; whoever opens the device follows it.
    pub precision: Precision,
    /// The model to make.
    pub model: Config,
    /// The folder of its tokenizer.
    pub tokenizer: PathBuf,
    /// The folder of the model whose weights the run begins with; fresh ones where not given.
    pub initialise_from: Option<PathBuf>,
    /// The documents.
    pub data: DataConfig,
    /// How many tokens a step sees.
    pub batch: BatchConfig,
    /// How many steps, and the learning rate at each.
    pub schedule: Schedule,
    /// The optimiser.
    pub optimiser: OptimiserConfig,
    /// The terms beside the cross-entropy.
    pub objective: ObjectiveConfig,
    /// What happens to routers beside the gradient.
    pub router: RouterConfig,
    /// The moving average of the weights, where one is wanted: it is what is measured and kept.
    pub average: Option<MovingAverage>,
    /// What is written, and when.
    pub output: OutputConfig,
    /// What of all this may not change while the run lasts.
    pub(crate) lasting: Lasting,
}

/// How the factors of matrix products are held. Weights, gradients and moments are `f32` in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As they are.
    F32,
    /// Rounded to bf16 where the device multiplies those faster.
    #[default]
    Bf16,
}

/// The documents of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Whether the records are texts, conversations, or packed already.
    #[serde(default)]
    pub format: DataFormat,
    /// The share of texts that are rearranged to fill in the middle.
    #[serde(default)]
    pub fill_in_the_middle: f64,
    /// Files to learn from: `.txt`, or `.jsonl` with one `text` each; `.zst` of either.
    /// Conversations are `.jsonl` with `messages` each. Tokens are folders of shards.
    pub train: Vec<PathBuf>,
    /// Files to measure on.
    #[serde(default)]
    pub validation: Vec<PathBuf>,
    /// Licences whose documents are kept, as the records state them; all where not given.
    pub licences: Option<Vec<String>>,
    /// Documents whose `src` begins with one of these are left out.
    #[serde(default)]
    pub exclude_sources: Vec<String>,
}

/// The tokens of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchConfig {
    /// Windows that pass through the model together.
    pub sequences: usize,
    /// Tokens of a window.
    pub length: usize,
    /// Passes whose gradients make up one step.
    #[serde(default = "one")]
    pub accumulation: usize,
    /// Whether the backward pass computes each layer's activations again instead of keeping them:
    /// less memory for about a third more work.
    #[serde(default)]
    pub recompute: bool,
}

impl BatchConfig {
    /// Tokens of one step.
    pub fn tokens(&self) -> usize {
        self.sequences * self.length * self.accumulation
    }
}

/// What happens to routers beside the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouterConfig {
    /// After each step the selection bias of an expert moves by this much towards the mean load
    /// (DeepSeek-V3, section 2.1.2); 0 leaves it alone.
    pub bias_update: f32,
    /// After this step the biases stay as they are, as at the end of DeepSeek-V3's training; 0 for
    /// never.
    pub bias_update_until: u32,
}

impl RouterConfig {
    /// How much the biases move after step `step`, from 1.
    pub(crate) fn bias_update_at(&self, step: u32) -> f32 {
        let is_over = self.bias_update_until > 0 && step > self.bias_update_until;
        if is_over { 0.0 } else { self.bias_update }
    }
}

/// What is written, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputConfig {
    /// The run's folder.
    pub folder: PathBuf,
    /// Steps between checkpoints; the last step always makes one.
    #[serde(default = "five_hundred")]
    pub save_every: u32,
    /// Steps between measurements on the validation documents.
    #[serde(default = "five_hundred")]
    pub evaluate_every: u32,
    /// How many of the newest checkpoints stay.
    #[serde(default = "two")]
    pub keep: usize,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipeFile {
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    precision: Precision,
    model: Option<toml::Table>,
    tokenizer: Option<PathBuf>,
    initialise_from: Option<PathBuf>,
    data: DataConfig,
    batch: BatchConfig,
    schedule: Schedule,
    #[serde(default)]
    optimiser: OptimiserConfig,
    #[serde(default)]
    objective: ObjectiveConfig,
    #[serde(default)]
    router: RouterConfig,
    average: Option<MovingAverage>,
    output: OutputConfig,
}

impl Recipe {
    /// Reads and checks a recipe.
    ///
    /// # Errors
    /// When the file cannot be read, is not of this form, or asks for what cannot be.
    pub fn read(path: &Path) -> Result<Recipe, Error> {
        Recipe::parse(&fs::read_to_string(path).map_err(at(path))?, path)
    }

    /// Checks the text of a recipe that lies, or would lie, at `path`.
    ///
    /// # Errors
    /// When it is not of this form, or asks for what cannot be.
    pub fn parse(text: &str, path: &Path) -> Result<Recipe, Error> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let wrong = |reason: String| Error::Recipe { path: path.to_path_buf(), reason };
        let file: RecipeFile =
            toml::from_str(text).map_err(|error| wrong(error.to_string().trim().to_owned()))?;
        let lasting = serde_json::to_value(&file).map_err(|error| wrong(error.to_string()))?;
        let initialise_from = file.initialise_from.map(|from| folder.join(from));
        let model = match (&file.model, &initialise_from) {
            (Some(model), _) => {
                let json = serde_json::to_value(model).map_err(|error| wrong(error.to_string()))?;
                Config::from_value(json)?
            }
            (None, Some(from)) => Config::read(from)?,
            (None, None) => {
                return Err(wrong("it has neither [model] nor `initialise_from`".to_owned()));
            }
        };
        let tokenizer = file.tokenizer.map(|tokenizer| folder.join(tokenizer));
        let tokenizer = tokenizer
            .or_else(|| initialise_from.clone())
            .ok_or_else(|| wrong("it has neither `tokenizer` nor `initialise_from`".to_owned()))?;
        let recipe = Recipe {
            path: path.to_path_buf(),
            text: text.to_owned(),
            seed: file.seed,
            precision: file.precision,
            model,
            tokenizer,
            initialise_from,
            data: DataConfig {
                train: file.data.train.iter().map(|path| folder.join(path)).collect(),
                validation: file.data.validation.iter().map(|path| folder.join(path)).collect(),
                ..file.data
            },
            batch: file.batch,
            schedule: file.schedule,
            optimiser: file.optimiser,
            objective: file.objective,
            router: file.router,
            average: file.average,
            output: OutputConfig { folder: folder.join(file.output.folder), ..file.output },
            lasting: Lasting::of(&lasting),
        };
        recipe.check()?;
        Ok(recipe)
    }

    /// How the run's documents become tokens.
    pub(crate) fn pack_spec(&self) -> PackSpec {
        PackSpec {
            filter: DocumentFilter {
                licences: self.data.licences.clone(),
                exclude_sources: self.data.exclude_sources.clone(),
            },
            format: self.data.format,
            fill_in_the_middle: self.data.fill_in_the_middle,
            seed: self.seed,
        }
    }

    fn check(&self) -> Result<(), Error> {
        // A conversation with its middle at its end is none.
        let most_gaps = if self.data.format == DataFormat::Text { 1.0 } else { 0.0 };
        let bounds = [
            ("batch.sequences", self.batch.sequences as f64, 1.0, 65_536.0),
            ("batch.length", self.batch.length as f64, 2.0, self.model.max_positions as f64),
            ("batch.accumulation", self.batch.accumulation as f64, 1.0, 65_536.0),
            ("schedule.steps", f64::from(self.schedule.steps), 1.0, 1e9),
            (
                "schedule.warm_up",
                f64::from(self.schedule.warm_up),
                0.0,
                f64::from(self.schedule.steps),
            ),
            (
                "schedule.decay",
                f64::from(self.schedule.decay()),
                0.0,
                f64::from(self.schedule.steps.saturating_sub(self.schedule.warm_up)),
            ),
            ("schedule.learning_rate", f64::from(self.schedule.learning_rate), 0.0, 10.0),
            ("schedule.final_fraction", f64::from(self.schedule.final_fraction), 0.0, 1.0),
            ("optimiser.momentum", f64::from(self.optimiser.momentum), 0.0, 0.9999),
            ("optimiser.beta1", f64::from(self.optimiser.beta1), 0.0, 0.9999),
            ("optimiser.beta2", f64::from(self.optimiser.beta2), 0.0, 0.99999),
            ("optimiser.epsilon", f64::from(self.optimiser.epsilon), 1e-30, 1.0),
            ("optimiser.weight_decay", f64::from(self.optimiser.weight_decay), 0.0, 10.0),
            ("optimiser.clip", f64::from(self.optimiser.clip), 1e-6, 1e6),
            ("router.bias_update", f64::from(self.router.bias_update), 0.0, 1.0),
            ("router.bias_update_until", f64::from(self.router.bias_update_until), 0.0, 1e9),
            ("output.save_every", f64::from(self.output.save_every), 1.0, 1e9),
            ("output.evaluate_every", f64::from(self.output.evaluate_every), 1.0, 1e9),
            ("output.keep", self.output.keep as f64, 1.0, 1e6),
            ("data.fill_in_the_middle", self.data.fill_in_the_middle, 0.0, most_gaps),
            ("data.train", self.data.train.len() as f64, 1.0, 1e6),
        ];
        for (key, found, least, most) in bounds {
            if !(least..=most).contains(&found) {
                let expected = format!("from {least} to {most}");
                return Err(Error::RecipeValue { key, found: found.to_string(), expected });
            }
        }
        let is_chosen = self.data.licences.is_some() || !self.data.exclude_sources.is_empty();
        if self.data.format == DataFormat::Tokens && is_chosen {
            return Err(Error::RecipeValue {
                key: "data.licences",
                found: "given".to_owned(),
                expected: "none where format is tokens, which were chosen when they were packed"
                    .to_owned(),
            });
        }
        self.average.as_ref().map_or(Ok(()), MovingAverage::check)?;
        self.objective.check(&self.model)
    }
}

fn one() -> usize {
    1
}

fn two() -> usize {
    2
}

fn five_hundred() -> u32 {
    500
}
