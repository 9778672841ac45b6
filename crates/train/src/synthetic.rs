//! Training steps on made-up tokens, to time what a run will do before there is data.

use std::time::Instant;

use hadal_model::{Config, initialise};
use hadal_tensor::Differentiable;

use crate::batches::TrainingBatch;
use crate::error::Error;
use crate::optimiser::{OptimiserConfig, TrainedWeights};
use crate::recipe::BatchConfig;
use crate::step::Trainer;

/// The seconds each of `n_steps` training steps took, in order, on fresh weights and made-up
/// tokens. The first allocate memory and are slower than those of a run.
///
/// # Errors
/// When a forward pass fails.
pub fn time_steps(
    device: &dyn Differentiable,
    config: &Config,
    batch: BatchConfig,
    optimiser: &OptimiserConfig,
    n_steps: u32,
) -> Result<Vec<f64>, Error> {
    let weights = initialise(config, 0);
    let weights = TrainedWeights::begin(config.clone(), device, weights, optimiser.method);
    let mut trainer =
        Trainer::new(device, config.clone(), weights, batch.length).with_recompute(batch.recompute);
    let mut seconds = Vec::new();
    for step in 1..=n_steps {
        let micro_batches: Vec<TrainingBatch> =
            (0..batch.accumulation).map(|_| made_up(config, batch)).collect::<Result<_, _>>()?;
        let began = Instant::now();
        // A gradient beyond any number changes no time.
        let _ = trainer.step(&micro_batches, (step, 1e-4), optimiser, 0.0)?;
        seconds.push(began.elapsed().as_secs_f64());
    }
    Ok(seconds)
}

/// Windows of tokens in no order, the same every time.
fn made_up(config: &Config, batch: BatchConfig) -> Result<TrainingBatch, Error> {
    // Knuth's multiplicative hash; its high bits are well mixed.
    let id = |i: usize| ((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) as usize;
    let ids: Vec<i32> = (0..batch.sequences * (batch.length + 1))
        .map(|i| (id(i) % config.vocab_size) as i32)
        .collect();
    TrainingBatch::of_windows(ids.chunks(batch.length + 1).map(|window| (window, Vec::new())))
}
