//! How large a model is, from its configuration alone.

use hadal_tensor::DType;

use crate::cache::Cache;
use crate::config::Config;
use crate::parameter::parameters;

/// Counts of a model's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// All parameters but those of the layer that predicts the token after next.
    pub total: usize,
    /// Parameters that take part for one token: of the routed experts, only the chosen.
    pub active: usize,
    /// Parameters of the routed experts.
    pub routed: usize,
    /// Parameters of the embedding, which is looked up and not multiplied.
    pub embedding: usize,
    /// Parameters of one-dimensional tensors, which stay `f32` in a packed model.
    pub vectors: usize,
    /// Parameters of the layer that predicts the token after next, which are in no other count:
    /// the main forward pass does without them.
    pub predict_layer: usize,
    /// Bytes of cache for one position.
    pub cache_bytes_per_position: usize,
}

impl Size {
    /// Counts the model of `config`.
    pub fn of(config: &Config) -> Size {
        let mut size = Size {
            total: 0,
            active: 0,
            routed: 0,
            embedding: config.vocab_size * config.hidden_size,
            vectors: 0,
            predict_layer: 0,
            cache_bytes_per_position: Cache::bytes_per_position(config),
        };
        for parameter in parameters(config) {
            let len: usize = parameter.dims.iter().product();
            if parameter.is_of_predict_layer(config) {
                size.predict_layer += len;
                continue;
            }
            size.total += len;
            size.routed += if parameter.is_routed_expert() { len } else { 0 };
            size.vectors += if parameter.is_matrix() { 0 } else { len };
        }
        let chosen = config
            .mixture
            .as_ref()
            .map_or(0, |mixture| size.routed / mixture.router.n_experts * mixture.router.n_active);
        size.active = size.total - size.routed + chosen;
        size
    }

    /// Bytes of the weights with matrices stored as `dtype`.
    pub fn bytes(&self, dtype: DType) -> usize {
        let block = 32;
        (self.total - self.vectors).div_ceil(block) * dtype.row_bytes(block) + self.vectors * 4
    }
}
