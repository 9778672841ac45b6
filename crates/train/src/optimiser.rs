//! The weights being trained, and the optimiser's pass over them.

use hadal_model::{Config, Parameter, ResidentWeights};
use hadal_tensor::{AdamW, Differentiable, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::gradients::Gradients;

/// AdamW with clipping; weight decay is for matrices alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimiserConfig {
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squared gradients.
    pub beta2: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// Of matrices, embeddings included.
    pub weight_decay: f32,
    /// Greatest norm of all gradients together.
    pub clip: f32,
}

impl Default for OptimiserConfig {
    /// DeepSeek-V3's (section 4.2).
    fn default() -> Self {
        OptimiserConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip: 1.0 }
    }
}

/// Every tensor of a model with its moments, all `f32`.
pub struct TrainedWeights {
    config: Config,
    slots: Vec<Slot>,
}

struct Slot {
    parameter: Parameter,
    weight: Tensor,
    /// Means of the gradient and of its square; absent where gradients do not train it.
    moments: Option<[Tensor; 2]>,
}

/// The suffixes under which moments are saved.
const MOMENT_NAMES: [&str; 2] = ["mean", "mean_square"];

impl TrainedWeights {
    /// Weights to begin with, moments zero.
    pub fn begin(
        config: Config,
        device: &dyn Differentiable,
        weights: Vec<(Parameter, Tensor)>,
    ) -> Self {
        let slots = weights
            .into_iter()
            .map(|(parameter, weight)| Slot {
                moments: parameter
                    .is_trained()
                    .then(|| [device.zeros(&parameter.dims), device.zeros(&parameter.dims)]),
                weight: device.upload(&weight),
                parameter,
            })
            .collect();
        TrainedWeights { config, slots }
    }

    /// The weights, for one forward pass: nothing may hold them when they are next updated.
    pub fn weights(&self) -> ResidentWeights {
        let mut by_name: std::collections::HashMap<&str, &Tensor> =
            self.slots.iter().map(|slot| (slot.parameter.name.as_str(), &slot.weight)).collect();
        ResidentWeights::assemble(&self.config, &mut |name, _| {
            Ok(by_name.get_mut(name).expect("every name of the configuration is there").clone())
        })
        .expect("nothing is read")
    }

    /// Empty places for the gradients of what gradients train.
    pub fn gradients(&self) -> Gradients {
        Gradients::of(self.trained().map(|(_, weight)| weight))
    }

    /// What gradients train, by name.
    pub fn trained(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        let slots = self.slots.iter().filter(|slot| slot.moments.is_some());
        slots.map(|slot| (slot.parameter.name.as_str(), &slot.weight))
    }

    /// The Euclidean norm of all gradients together.
    pub fn gradient_norm(&self, device: &dyn Differentiable, gradients: &Gradients) -> f64 {
        let squares = self.slots.iter().filter_map(|slot| gradients.get(&slot.weight));
        squares.map(|gradient| device.sum_of_squares(gradient)).sum::<f64>().sqrt()
    }

    /// One AdamW step. `norm` is the gradients' norm.
    pub fn update(
        &mut self,
        device: &dyn Differentiable,
        gradients: &Gradients,
        norm: f64,
        (step, learning_rate): (u32, f32),
        optimiser: &OptimiserConfig,
    ) {
        // PyTorch's clipping, its 1e-6 included.
        let gradient_scale = (f64::from(optimiser.clip) / (norm + 1e-6)).min(1.0) as f32;
        for slot in &mut self.slots {
            let Some([mean, mean_square]) = &mut slot.moments else { continue };
            let weight_decay =
                if slot.parameter.is_matrix() { optimiser.weight_decay } else { 0.0 };
            let update = AdamW {
                learning_rate,
                beta1: optimiser.beta1,
                beta2: optimiser.beta2,
                epsilon: optimiser.epsilon,
                weight_decay,
                step,
                gradient_scale,
            };
            let gradient = gradients.get(&slot.weight);
            device.adamw(&mut slot.weight, gradient, [mean, mean_square], &update);
        }
    }

    /// Moves the selection bias of each expert by `rate` towards the mean load (DeepSeek-V3,
    /// section 2.1.2). `loads` are the tokens per expert of each layer with experts, in order.
    pub fn balance(&mut self, device: &dyn Differentiable, loads: &[Vec<u64>], rate: f32) {
        let biases = self
            .slots
            .iter_mut()
            .filter(|slot| slot.parameter.name.ends_with("e_score_correction_bias"));
        for (slot, loads) in biases.zip(loads) {
            let mean = loads.iter().sum::<u64>() as f64 / loads.len() as f64;
            let mut bias = device.download(&slot.weight).to_f32_vec();
            for (bias, &load) in bias.iter_mut().zip(loads) {
                let missing = mean - load as f64;
                *bias += if missing == 0.0 { 0.0 } else { rate * missing.signum() as f32 };
            }
            slot.weight = device.upload(&Tensor::from_slice(&bias, &slot.parameter.dims));
        }
    }

    /// The weights by name, on the host.
    pub fn named(&self, device: &dyn Differentiable) -> Vec<(String, Tensor)> {
        let slots = self.slots.iter();
        slots.map(|slot| (slot.parameter.name.clone(), device.download(&slot.weight))).collect()
    }

    /// The moments by name, on the host.
    pub fn named_moments(&self, device: &dyn Differentiable) -> Vec<(String, Tensor)> {
        let moments = self.slots.iter().filter_map(|slot| {
            slot.moments.as_ref().map(|moments| (&slot.parameter.name, moments))
        });
        moments
            .flat_map(|(name, moments)| {
                moments
                    .iter()
                    .zip(MOMENT_NAMES)
                    .map(move |(moment, kind)| (format!("{name}.{kind}"), device.download(moment)))
            })
            .collect()
    }

    /// Puts saved weights and moments in place; `take` gives a tensor by name and shape.
    ///
    /// # Errors
    /// The first that `take` gives.
    pub fn restore(
        config: Config,
        device: &dyn Differentiable,
        mut take: impl FnMut(&str, &[usize]) -> Result<Tensor, Error>,
    ) -> Result<Self, Error> {
        let mut slots = Vec::new();
        for parameter in hadal_model::parameters(&config) {
            let weight = device.upload(&take(&parameter.name, &parameter.dims)?);
            let moments = if parameter.is_trained() {
                let [mean, mean_square] = MOMENT_NAMES
                    .map(|kind| take(&format!("{}.{kind}", parameter.name), &parameter.dims));
                Some([device.upload(&mean?), device.upload(&mean_square?)])
            } else {
                None
            };
            slots.push(Slot { parameter, weight, moments });
        }
        Ok(TrainedWeights { config, slots })
    }
}
