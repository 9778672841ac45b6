//! What a run will ask for, before it begins: memory, arithmetic, data, disk.

mod data;
mod memory;

use hadal_model::{Flops, Size};
use hadal_tensor::DType;
use serde::Serialize;

pub use data::DataForecast;
pub use memory::MemoryForecast;

use crate::error::Error;
use crate::recipe::Recipe;

/// The demands of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Forecast {
    /// All parameters.
    pub parameters: usize,
    /// Those that take part for one token.
    pub active_parameters: usize,
    /// Peak bytes of memory, by what they are for.
    pub memory: MemoryForecast,
    /// Floating-point operations of a step, forward and backward.
    pub flops_per_step: f64,
    /// Of all steps.
    pub flops: f64,
    /// Tokens of a step.
    pub tokens_per_step: usize,
    /// Of all steps.
    pub tokens: usize,
    /// What there is to learn from.
    pub data: DataForecast,
    /// How often the run sees its data.
    pub passes: f64,
    /// Bytes of one checkpoint.
    pub checkpoint_bytes: usize,
    /// Bytes on disk while the last checkpoint is written beside those that stay, with the shards.
    pub disk_bytes: usize,
}

impl Forecast {
    /// The demands of `recipe`. Nothing is written.
    ///
    /// # Errors
    /// When its tokenizer or its documents cannot be read.
    pub fn of(recipe: &Recipe) -> Result<Forecast, Error> {
        let size = Size::of(&recipe.model);
        let (tokens_per_step, steps) = (recipe.batch.tokens(), recipe.schedule.steps);
        let per_token = Flops::per_token(&recipe.model, recipe.batch.length).training();
        let flops_per_step = per_token * tokens_per_step as f64;
        let tokens = tokens_per_step * steps as usize;
        let data = DataForecast::of(recipe)?;
        let checkpoint_bytes = size.bytes(DType::Bf16) + size.total * 3 * size_of::<f32>();
        let n_saved = steps.div_ceil(recipe.output.save_every) as usize;
        Ok(Forecast {
            parameters: size.total,
            active_parameters: size.active,
            memory: MemoryForecast::of(recipe),
            flops_per_step,
            flops: flops_per_step * f64::from(steps),
            tokens_per_step,
            tokens,
            passes: tokens as f64 / data.tokens.max(1) as f64,
            checkpoint_bytes,
            disk_bytes: checkpoint_bytes * n_saved.min(recipe.output.keep + 1)
                + data.tokens * size_of::<i32>(),
            data,
        })
    }
}
