//! What training makes small: the cross-entropy, and beside it the terms that the recipe weighs.

use hadal_model::{Config, Decoder, Routed, WeightSource};
use hadal_tensor::{Backend, Tensor};
use serde::{Deserialize, Serialize};

use crate::batches::{SecondTargets, TrainingBatch};
use crate::error::Error;
use crate::gradients::Gradients;
use crate::recompute;
use crate::tape::Tape;

/// The weights of the terms beside the cross-entropy.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectiveConfig {
    /// Of `(log Z)²` of the output logits, a mean over the targets: PaLM took 1e-4.
    pub z_loss: f32,
    /// Of the balance loss, a mean over sequences and a sum over layers: DeepSeek-V3 took 1e-4.
    pub balance_loss: f32,
    /// Of the cross-entropy of the token after next, for a model that has the layer; 0.3 where not
    /// given, as in most of DeepSeek-V3's training.
    pub multi_token: Option<f32>,
}

impl ObjectiveConfig {
    /// Refuses weights out of bounds, and weights of what `model` does not have.
    pub(crate) fn check(&self, model: &Config) -> Result<(), Error> {
        let bad = |key, found: f32, expected: &str| {
            let (found, expected) = (found.to_string(), expected.to_owned());
            Err(Error::RecipeValue { key, found, expected })
        };
        for (key, found) in
            [("objective.z_loss", self.z_loss), ("objective.balance_loss", self.balance_loss)]
        {
            if !(0.0..=1.0).contains(&found) {
                return bad(key, found, "from 0 to 1");
            }
        }
        if self.balance_loss > 0.0 && model.mixture.is_none() {
            let expected = "0, because the model has no experts";
            return bad("objective.balance_loss", self.balance_loss, expected);
        }
        match self.multi_token {
            Some(weight) if model.n_predict_layers == 0 => {
                let expected = "no such key, because the model has no layer for it \
                                (model.num_nextn_predict_layers is 0)";
                bad("objective.multi_token", weight, expected)
            }
            Some(weight) if !(weight > 0.0 && weight <= 10.0) => {
                let expected = "above 0 and at most 10; without the layer, \
                                model.num_nextn_predict_layers is 0";
                bad("objective.multi_token", weight, expected)
            }
            _ => Ok(()),
        }
    }

    fn multi_token(&self) -> f32 {
        self.multi_token.unwrap_or(0.3)
    }
}

/// The means that a step's losses are, each without its weight in the objective.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Losses {
    /// Cross-entropy of the next token, nats per target.
    pub(crate) cross_entropy: f64,
    /// Cross-entropy of the token after next, nats per target, where the model predicts it.
    pub(crate) multi_token: Option<f64>,
    /// `(log Z)²` per target, where it has a weight.
    pub(crate) z: Option<f64>,
    /// The balance loss per sequence, summed over the layers with experts, where it has a weight.
    pub(crate) balance: Option<f64>,
}

impl Losses {
    /// The losses of several micro-batches, each already a share of the step's mean.
    pub(crate) fn add(&mut self, other: &Losses) {
        let add = |a: &mut Option<f64>, b: Option<f64>| {
            if let Some(b) = b {
                *a = Some(a.unwrap_or(0.0) + b);
            }
        };
        self.cross_entropy += other.cross_entropy;
        add(&mut self.multi_token, other.multi_token);
        add(&mut self.z, other.z);
        add(&mut self.balance, other.balance);
    }
}

/// What the means of one step are taken over.
pub(crate) struct Counts {
    targets: f64,
    second_targets: f64,
    sequences: f64,
}

impl Counts {
    /// Of all micro-batches of a step together.
    pub(crate) fn of(micro_batches: &[TrainingBatch]) -> Self {
        let sum = |count: fn(&TrainingBatch) -> usize| {
            micro_batches.iter().map(count).sum::<usize>().max(1) as f64
        };
        Counts {
            targets: sum(|batch| batch.n_targets),
            second_targets: sum(|batch| batch.second().n_targets),
            sequences: sum(|batch| batch.inputs.segments.len()),
        }
    }
}

/// One term of one micro-batch: values whose sum, times `share`, is its part of a mean.
struct Term {
    values: Tensor,
    share: f64,
    weight: f32,
}

impl Term {
    fn mean(&self, device: &dyn Backend) -> f64 {
        let values = device.download(&self.values);
        values.as_slice::<f32>().iter().map(|x| f64::from(*x)).sum::<f64>() * self.share
    }

    fn gradient(&self, device: &dyn Backend) -> Tensor {
        let gradient = (f64::from(self.weight) * self.share) as f32;
        let gradient = vec![gradient; self.values.len()];
        device.upload(&Tensor::from_slice(&gradient, self.values.dims()))
    }
}

/// The objective of one micro-batch, computed and not yet differentiated.
pub(crate) struct Objective {
    cross_entropy: Term,
    multi_token: Option<Term>,
    z: Option<Term>,
    balance: Vec<Term>,
    /// What the routers did: the main layers in order, then the layer that predicts the token
    /// after next.
    pub(crate) routed: Vec<Routed>,
}

impl Objective {
    /// Runs a micro-batch through the model on a tape; with `recompute`, one that holds little.
    ///
    /// # Errors
    /// When the forward pass fails.
    pub(crate) fn of(
        config: &ObjectiveConfig,
        (device, recompute): (&Tape<'_>, bool),
        decoder: &Decoder,
        weights: &dyn WeightSource,
        batch: &TrainingBatch,
        counts: &Counts,
    ) -> Result<Self, Error> {
        let output = if recompute {
            recompute::forward(device, decoder, weights, &batch.inputs)?
        } else {
            decoder.forward(device, weights, &batch.inputs, None)?
        };
        let mut routed = output.routed;
        let logits = decoder.logits(device, weights, &output.hidden)?;
        let (losses, squares) =
            device.cross_entropy_with_z(&logits, &device.upload(&batch.targets));
        let share = 1.0 / counts.targets;
        let mut objective = Objective {
            cross_entropy: Term { values: losses, share, weight: 1.0 },
            multi_token: None,
            z: (config.z_loss > 0.0).then(|| Term {
                values: squares,
                share,
                weight: config.z_loss,
            }),
            balance: Vec::new(),
            routed: Vec::new(),
        };
        if decoder.config().n_predict_layers > 0 {
            let SecondTargets { next, targets, .. } = batch.second();
            let (hidden, second) = decoder.predict_second(
                device,
                weights,
                &output.hidden,
                &next,
                &batch.inputs,
                None,
            )?;
            let logits = decoder.logits(device, weights, &hidden)?;
            objective.multi_token = Some(Term {
                values: device.cross_entropy(&logits, &device.upload(&targets)),
                share: 1.0 / counts.second_targets,
                weight: config.multi_token(),
            });
            routed.extend(second);
        }
        if let Some(mixture) = &decoder.config().mixture
            && config.balance_loss > 0.0
        {
            let (segments, share) = (&batch.inputs.segments, 1.0 / counts.sequences);
            let terms = routed.iter().map(|Routed { logits, routing }| Term {
                values: device.balance_loss(logits, &routing.indices, &mixture.router, segments),
                share,
                weight: config.balance_loss,
            });
            objective.balance = terms.collect();
        }
        Ok(Objective { routed, ..objective })
    }

    /// This micro-batch's part of the step's losses.
    pub(crate) fn losses(&self, device: &dyn Backend) -> Losses {
        let mean = |term: &Term| term.mean(device);
        Losses {
            cross_entropy: mean(&self.cross_entropy),
            multi_token: self.multi_token.as_ref().map(mean),
            z: self.z.as_ref().map(mean),
            balance: self.balance.iter().map(mean).reduce(|a, b| a + b),
        }
    }

    /// Plays the tape on which this was computed backwards, from the weighted sum of all terms.
    pub(crate) fn backward(self, tape: Tape<'_>, device: &dyn Backend, gradients: &mut Gradients) {
        let terms = [Some(self.cross_entropy), self.multi_token, self.z];
        let terms: Vec<Term> = terms.into_iter().flatten().chain(self.balance).collect();
        let outputs = terms.iter().map(|term| (&term.values, term.gradient(device)));
        tape.backward_from(outputs, gradients);
    }
}
