//! One optimiser step: forward and backward over its micro-batches, then the update.

use hadal_model::{Config, Decoder, Parameter};
use hadal_tensor::{Differentiable, Routing, Tensor};

use crate::batches::TrainingBatch;
use crate::error::Error;
use crate::gradients::Gradients;
use crate::moving_average::MovingAverage;
use crate::objective::{Counts, Losses, Objective, ObjectiveConfig};
use crate::optimiser::{Method, OptimiserConfig, TrainedWeights};
use crate::tape::Tape;

/// A model in training on a device.
pub struct Trainer<'d> {
    device: &'d dyn Differentiable,
    decoder: Decoder,
    weights: TrainedWeights,
    objective: ObjectiveConfig,
    recompute: bool,
    average: Option<MovingAverage>,
}

/// What one step saw.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutcome {
    /// Mean cross-entropy in nats per target, before the update; the terms below are no part of it.
    pub loss: f64,
    /// The same of the token after next, where the model predicts it.
    pub multi_token_loss: Option<f64>,
    /// Mean `(log Z)²` per target, where the objective weighs it.
    pub z_loss: Option<f64>,
    /// Balance loss, a mean over sequences summed over layers, where the objective weighs it.
    pub balance_loss: Option<f64>,
    /// Norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// Tokens each expert was given, for each layer with experts; the layer that predicts the token
    /// after next is the last.
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
        let decoder = Decoder::new(config, device, length);
        let objective = ObjectiveConfig::default();
        Trainer { device, decoder, weights, objective, recompute: false, average: None }
    }

    /// The same training with these terms beside the cross-entropy.
    pub fn with_objective(self, objective: ObjectiveConfig) -> Self {
        Trainer { objective, ..self }
    }

    /// The same training, which keeps of each layer only its input when `recompute` is set.
    pub fn with_recompute(self, recompute: bool) -> Self {
        Trainer { recompute, ..self }
    }

    /// The same training, which moves the averages of its weights after each step.
    pub fn with_average(self, average: Option<MovingAverage>) -> Self {
        Trainer { average, ..self }
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
        let (outcome, gradients) = self.differentiate(micro_batches)?;
        if let Some(not_finite) = outcome.not_finite() {
            return Ok(Err(not_finite));
        }
        let at = (step, learning_rate);
        self.weights.update(self.device, &gradients, outcome.gradient_norm, at, optimiser);
        if bias_update > 0.0 {
            self.weights.balance(self.device, &outcome.expert_loads, bias_update);
        }
        if let Some(average) = &self.average {
            self.weights.average(self.device, average.keep(step));
        }
        Ok(Ok(outcome))
    }

    /// What a step on these micro-batches sees, and the gradients of its objective, without the
    /// update.
    ///
    /// # Errors
    /// When the forward pass fails.
    pub fn differentiate(
        &self,
        micro_batches: &[TrainingBatch],
    ) -> Result<(StepOutcome, Gradients), Error> {
        let counts = Counts::of(micro_batches);
        let weights = self.weights.weights();
        let mut gradients = self.weights.gradients();
        let (mut losses, mut expert_loads, mut n_dropped) = (Losses::default(), Vec::new(), 0);
        for batch in micro_batches {
            let tape = Tape::around(self.device);
            let (config, decoder) = (&self.objective, &self.decoder);
            let on = (&tape, self.recompute);
            let objective = Objective::of(config, on, decoder, &weights, batch, &counts)?;
            losses.add(&objective.losses(self.device));
            let routings = objective.routed.iter().map(|routed| &routed.routing);
            n_dropped += routings.clone().map(Routing::n_dropped).sum::<usize>();
            add_loads(&mut expert_loads, routings);
            objective.backward(tape, self.device, &mut gradients);
        }
        let outcome = StepOutcome {
            loss: losses.cross_entropy,
            multi_token_loss: losses.multi_token,
            z_loss: losses.z,
            balance_loss: losses.balance,
            gradient_norm: self.weights.gradient_norm(self.device, &gradients),
            expert_loads,
            n_dropped,
        };
        Ok((outcome, gradients))
    }
}

impl StepOutcome {
    /// The first of its numbers that is not finite.
    fn not_finite(&self) -> Option<NotFinite> {
        let all = [
            ("loss", Some(self.loss)),
            ("loss of the token after next", self.multi_token_loss),
            ("z-loss", self.z_loss),
            ("balance loss", self.balance_loss),
            ("gradient norm", Some(self.gradient_norm)),
        ];
        let found = all.into_iter().filter_map(|(what, found)| Some((what, found?)));
        found.map(|(what, found)| NotFinite { what, found }).find(|wrong| !wrong.found.is_finite())
    }
}

/// Adds the tokens that chose each expert, dropped or not: the router is judged by its choice.
fn add_loads<'r>(loads: &mut Vec<Vec<u64>>, routings: impl ExactSizeIterator<Item = &'r Routing>) {
    loads.resize(routings.len(), Vec::new());
    for (loads, routing) in loads.iter_mut().zip(routings) {
        loads.resize(routing.offsets.len() - 1, 0);
        for &expert in routing.indices.as_slice::<i32>() {
            loads[expert as usize] += 1;
        }
    }
}
