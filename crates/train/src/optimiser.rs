//! The weights being trained, and the optimiser's pass over them.

use hadal_model::{Config, Parameter, ResidentWeights};
use hadal_tensor::{AdamW, AdamWTensor, Differentiable, Muon, MuonMatrix, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::gradients::Gradients;

/// The rule by which hidden matrices are trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// AdamW, as everything else.
    #[default]
    AdamW,
    /// Muon, each expert's matrices on their own; its steps have the size of AdamW's, so that one
    /// learning rate and one weight decay serve both (Liu et al. 2025).
    Muon,
}

/// The optimiser, with clipping; weight decay is for matrices alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimiserConfig {
    /// The rule for hidden matrices.
    pub method: Method,
    /// Muon's decay of the mean of gradients.
    pub momentum: f32,
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
    /// DeepSeek-V3's (section 4.2), and the momentum of Jordan et al. 2024.
    fn default() -> Self {
        OptimiserConfig {
            method: Method::AdamW,
            momentum: 0.95,
            beta1: 0.9,
            beta2: 0.95,
            epsilon: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
        }
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
    /// What its optimiser remembers; absent where gradients do not train it.
    memory: Option<Memory>,
    /// The moving average of the weight, where the run keeps one.
    average: Option<Tensor>,
}

/// The suffix under which averages are saved.
const AVERAGE: &str = "average";

impl Slot {
    fn averaged(&self) -> &Tensor {
        self.average.as_ref().unwrap_or(&self.weight)
    }
}

/// What an optimiser remembers of one tensor.
enum Memory {
    /// Means of the gradient and of its square.
    AdamW([Tensor; 2]),
    /// Mean of the gradient.
    Muon(Tensor),
}

impl Memory {
    /// The memory that `method` wants for a tensor, each part made by `take` from the suffix under
    /// which it is saved; `None` where gradients do not train the tensor.
    fn of(
        parameter: &Parameter,
        method: Method,
        mut take: impl FnMut(&str) -> Result<Tensor, Error>,
    ) -> Result<Option<Self>, Error> {
        if !parameter.is_trained() {
            return Ok(None);
        }
        Ok(Some(if method == Method::Muon && is_hidden_matrix(parameter) {
            Memory::Muon(take("momentum")?)
        } else {
            Memory::AdamW([take("mean")?, take("mean_square")?])
        }))
    }

    /// Its parts, with the suffixes under which they are saved.
    fn parts(&self) -> Vec<(&'static str, &Tensor)> {
        match self {
            Memory::AdamW([mean, square]) => vec![("mean", mean), ("mean_square", square)],
            Memory::Muon(momentum) => vec![("momentum", momentum)],
        }
    }
}

/// Whether Muon is for this tensor: a map between hidden states. Embedding and output projection
/// are looked up by token, and a router's rows are compared with each other: AdamW trains them
/// (Jordan et al. 2024; Liu et al. 2025).
fn is_hidden_matrix(parameter: &Parameter) -> bool {
    const OTHERS: [&str; 4] =
        ["embed_tokens.weight", "lm_head.weight", "shared_head.head.weight", "mlp.gate.weight"];
    parameter.is_matrix() && !OTHERS.iter().any(|name| parameter.name.ends_with(name))
}

impl TrainedWeights {
    /// Weights to begin with, trained by `method` from empty moments.
    pub fn begin(
        config: Config,
        device: &dyn Differentiable,
        weights: Vec<(Parameter, Tensor)>,
        method: Method,
    ) -> Self {
        let slots = weights
            .into_iter()
            .map(|(parameter, weight)| Slot {
                memory: Memory::of(&parameter, method, |_| Ok(device.zeros(&parameter.dims)))
                    .expect("nothing is read"),
                weight: device.upload(&weight),
                average: None,
                parameter,
            })
            .collect();
        TrainedWeights { config, slots }
    }

    /// The same weights with averages of what gradients train, which begin with them.
    pub fn with_averages(mut self, device: &dyn Differentiable) -> Self {
        for slot in self.slots.iter_mut().filter(|slot| slot.memory.is_some()) {
            slot.average = Some(device.upload(&device.download(&slot.weight)));
        }
        self
    }

    /// The weights, for one forward pass: nothing may hold them when they are next updated.
    pub fn weights(&self) -> ResidentWeights {
        self.assemble(|slot| &slot.weight)
    }

    /// The weights to measure and to keep: the averages, where the run has them. For one forward
    /// pass, as [`TrainedWeights::weights`].
    pub fn averaged(&self) -> ResidentWeights {
        self.assemble(Slot::averaged)
    }

    fn assemble<'a>(&'a self, of: impl Fn(&'a Slot) -> &'a Tensor) -> ResidentWeights {
        let mut by_name: std::collections::HashMap<&str, &Tensor> =
            self.slots.iter().map(|slot| (slot.parameter.name.as_str(), of(slot))).collect();
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
        let slots = self.slots.iter().filter(|slot| slot.memory.is_some());
        slots.map(|slot| (slot.parameter.name.as_str(), &slot.weight))
    }

    /// The Euclidean norm of all gradients together.
    pub fn gradient_norm(&self, device: &dyn Differentiable, gradients: &Gradients) -> f64 {
        let gradients: Vec<&Tensor> =
            self.slots.iter().filter_map(|slot| gradients.get(&slot.weight)).collect();
        device.sum_of_squares(&gradients).sqrt()
    }

    /// One step of every tensor's optimiser. `norm` is the gradients' norm.
    pub fn update(
        &mut self,
        device: &dyn Differentiable,
        gradients: &Gradients,
        norm: f64,
        (step, learning_rate): (u32, f32),
        optimiser: &OptimiserConfig,
    ) {
        let OptimiserConfig { momentum, beta1, beta2, epsilon, weight_decay, clip, .. } =
            *optimiser;
        // PyTorch's clipping, its 1e-6 included.
        let gradient_scale = (f64::from(clip) / (norm + 1e-6)).min(1.0) as f32;
        let muon = Muon { learning_rate, momentum, weight_decay, gradient_scale };
        let (mut tensors, mut matrices) = (Vec::new(), Vec::new());
        for Slot { parameter, weight, memory, .. } in &mut self.slots {
            let gradient = gradients.get(weight);
            match memory {
                None => {}
                Some(Memory::Muon(momentum)) => {
                    matrices.push(MuonMatrix { weight, gradient, momentum, update: muon });
                }
                Some(Memory::AdamW([mean, mean_square])) => {
                    let weight_decay = if parameter.is_matrix() { weight_decay } else { 0.0 };
                    let update = AdamW {
                        learning_rate,
                        beta1,
                        beta2,
                        epsilon,
                        weight_decay,
                        step,
                        gradient_scale,
                    };
                    let moments = [mean, mean_square];
                    tensors.push(AdamWTensor { weight, gradient, moments, update });
                }
            }
        }
        device.adamw(tensors);
        device.muon(matrices);
    }

    /// Moves the averages towards the weights; `keep` of them stays.
    pub fn average(&mut self, device: &dyn Differentiable, keep: f32) {
        let pairs = self.slots.iter_mut().filter_map(|slot| {
            let Slot { weight, average, .. } = slot;
            Some((average.as_mut()?, &*weight))
        });
        device.average(pairs.collect(), keep);
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

    /// The weights to keep by name, on the host: the averages, where the run has them.
    pub fn named_averaged(&self, device: &dyn Differentiable) -> Vec<(String, Tensor)> {
        let slots = self.slots.iter();
        slots.map(|slot| (slot.parameter.name.clone(), device.download(slot.averaged()))).collect()
    }

    /// The moments and averages by name, on the host.
    pub fn named_moments(&self, device: &dyn Differentiable) -> Vec<(String, Tensor)> {
        let parts = self.slots.iter().flat_map(|slot| {
            let memory = slot.memory.iter().flat_map(Memory::parts);
            let average = slot.average.iter().map(|average| (AVERAGE, average));
            memory.chain(average).map(|(kind, part)| (&slot.parameter.name, kind, part))
        });
        parts.map(|(name, kind, part)| (format!("{name}.{kind}"), device.download(part))).collect()
    }

    /// Puts saved weights and moments in place, and the averages where they are `averaged`; `take`
    /// gives a tensor by name and shape.
    ///
    /// # Errors
    /// The first that `take` gives.
    pub fn restore(
        config: Config,
        device: &dyn Differentiable,
        (method, averaged): (Method, bool),
        mut take: impl FnMut(&str, &[usize]) -> Result<Tensor, Error>,
    ) -> Result<Self, Error> {
        let mut slots = Vec::new();
        for parameter in hadal_model::parameters(&config) {
            let Parameter { name, dims } = &parameter;
            let weight = device.upload(&take(name, dims)?);
            let memory = Memory::of(&parameter, method, |kind| {
                Ok(device.upload(&take(&format!("{name}.{kind}"), dims)?))
            })?;
            let average = (averaged && memory.is_some())
                .then(|| Ok::<_, Error>(device.upload(&take(&format!("{name}.{AVERAGE}"), dims)?)))
                .transpose()?;
            slots.push(Slot { parameter, weight, memory, average });
        }
        Ok(TrainedWeights { config, slots })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn muon_is_for_maps_between_hidden_states_alone() {
        let is_hidden = |name: &str, dims: &[usize]| {
            is_hidden_matrix(&Parameter { name: name.to_owned(), dims: dims.to_vec() })
        };
        for name in [
            "model.layers.0.self_attn.kv_b_proj.weight",
            "model.layers.0.mlp.gate_proj.weight",
            "model.layers.1.mlp.experts.3.down_proj.weight",
            "model.layers.1.mlp.shared_experts.up_proj.weight",
            "model.layers.2.eh_proj.weight",
        ] {
            assert!(is_hidden(name, &[4, 8]), "{name}");
        }
        for name in [
            "model.embed_tokens.weight",
            "lm_head.weight",
            "model.layers.1.mlp.gate.weight",
            "model.layers.2.shared_head.head.weight",
        ] {
            assert!(!is_hidden(name, &[4, 8]), "{name}");
        }
        assert!(!is_hidden("model.layers.0.input_layernorm.weight", &[8]));
    }
}
