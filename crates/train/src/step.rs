//! One optimiser step: forward and backward over its micro-batches, then the update.

use hadal_model::{Config, Decoder, Parameter};
use hadal_tensor::{Backend, Differentiable, Routing, Tensor};

use crate::batches::TrainingBatch;
use crate::error::Error;
use crate::optimiser::{Method, OptimiserConfig, TrainedWeights};
use crate::tape::Tape;

/// A model in training on a device.
pub struct Trainer<'d> {
    device: &'d dyn Differentiable,
    decoder: Decoder,
    weights: TrainedWeights,
}

/// What one step saw.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutcome {
    /// Mean loss in nats per target, before the update.
    pub loss: f64,
    /// Norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// Tokens each expert was given, for each layer with experts.
    pub expert_loads: Vec<Vec<u64>>,
    /// Assignments dropped because their expert was full.
    pub n_dropped: usize,
}

/// Why a step made no update: its loss or gradient norm, which is not a finite number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotFinite {
    /// Loss or gradient norm.
    pub what: &'static str,
    /// What it was.
    pub found: f64,
}

impl<'d> Trainer<'d> {
    /// Training of `weights` on windows of up to `length` tokens.
    pub fn new(
        device: &'d dyn Differentiable,
        config: Config,
        weights: TrainedWeights,
        length: usize,
    ) -> Self {
        Trainer { device, decoder: Decoder::new(config, device, length), weights }
    }

    /// Training from fresh weights by AdamW.
    pub fn begin(
        device: &'d dyn Differentiable,
        config: Config,
        weights: Vec<(Parameter, Tensor)>,
        length: usize,
    ) -> Self {
        let weights = TrainedWeights::begin(config.clone(), device, weights, Method::AdamW);
        Trainer::new(device, config, weights, length)
    }

    /// The device.
    pub fn device(&self) -> &'d dyn Differentiable {
        self.device
    }

    /// The mathematics.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The weights.
    pub fn weights(&self) -> &TrainedWeights {
        &self.weights
    }

    /// Learns from the micro-batches of step `step`, from 1. A loss or gradient that is not finite
    /// leaves the weights as they were.
    ///
    /// # Errors
    /// When the forward pass fails.
    pub fn step(
        &mut self,
        micro_batches: &[TrainingBatch],
        (step, learning_rate): (u32, f32),
        optimiser: &OptimiserConfig,
        bias_update: f32,
    ) -> Result<Result<StepOutcome, NotFinite>, Error> {
        let n_targets = micro_batches.iter().map(|batch| batch.n_targets).sum::<usize>().max(1);
        let mut gradients = self.weights.gradients();
        let (mut loss, mut expert_loads, mut n_dropped) = (0.0, Vec::new(), 0);
        {
            let weights = self.weights.weights();
            for batch in micro_batches {
                let tape = Tape::around(self.device);
                let output = self.decoder.forward(&tape, &weights, &batch.inputs, None)?;
                let logits = self.decoder.logits(&tape, &weights, &output.hidden)?;
                let losses = tape.cross_entropy(&logits, &self.device.upload(&batch.targets));
                drop(logits);
                loss += sum(&self.device.download(&losses)) / n_targets as f64;
                n_dropped += output.routings.iter().map(Routing::n_dropped).sum::<usize>();
                add_loads(&mut expert_loads, &output.routings);
                let share = vec![1.0 / n_targets as f32; losses.len()];
                let d_losses = self.device.upload(&Tensor::from_slice(&share, &[losses.len()]));
                tape.backward(&losses, d_losses, &mut gradients);
            }
        }
        if !loss.is_finite() {
            return Ok(Err(NotFinite { what: "loss", found: loss }));
        }
        let gradient_norm = self.weights.gradient_norm(self.device, &gradients);
        if !gradient_norm.is_finite() {
            return Ok(Err(NotFinite { what: "gradient norm", found: gradient_norm }));
        }
        let at = (step, learning_rate);
        self.weights.update(self.device, &gradients, gradient_norm, at, optimiser);
        if bias_update > 0.0 {
            self.weights.balance(self.device, &expert_loads, bias_update);
        }
        Ok(Ok(StepOutcome { loss, gradient_norm, expert_loads, n_dropped }))
    }
}

fn sum(values: &Tensor) -> f64 {
    values.as_slice::<f32>().iter().map(|x| f64::from(*x)).sum()
}

/// Adds the tokens that chose each expert, dropped or not: the router is judged by its choice.
fn add_loads(loads: &mut Vec<Vec<u64>>, routings: &[Routing]) {
    loads.resize(routings.len(), Vec::new());
    for (loads, routing) in loads.iter_mut().zip(routings) {
        loads.resize(routing.offsets.len() - 1, 0);
        for &expert in routing.indices.as_slice::<i32>() {
            loads[expert as usize] += 1;
        }
    }
}
