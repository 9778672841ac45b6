//! What attention remembers of one sequence.

use std::ops::Range;

use hadal_tensor::{Backend, DType, Tensor};

use crate::config::{AttentionConfig, Config};
use crate::error::Error;

/// The cache of one sequence: per layer, two matrices of one row per position.
pub struct Cache {
    layers: Vec<LayerCache>,
    /// The number of the first of them.
    first_layer: usize,
    len: usize,
    capacity: usize,
}

/// The cache of one layer: latent and rotary key, or keys and values.
pub(crate) struct LayerCache {
    first: Tensor,
    second: Tensor,
}

impl Cache {
    /// An empty cache with room for `capacity` positions.
    pub fn new(config: &Config, device: &dyn Backend, capacity: usize) -> Self {
        Cache::of_layers(0..config.n_layers, config, device, capacity)
    }

    /// An empty cache of the layer that predicts the token after next.
    pub fn of_predict_layer(config: &Config, device: &dyn Backend, capacity: usize) -> Self {
        Cache::of_layers(config.n_layers..config.n_layers + 1, config, device, capacity)
    }

    fn of_layers(
        layers: Range<usize>,
        config: &Config,
        device: &dyn Backend,
        capacity: usize,
    ) -> Self {
        let (first, second) = row_widths(config);
        let first_layer = layers.start;
        let layers = layers
            .map(|_| LayerCache {
                first: device.empty(DType::F32, &[capacity, first]),
                second: device.empty(DType::F32, &[capacity, second]),
            })
            .collect();
        Cache { layers, first_layer, len: 0, capacity }
    }

    /// Bytes that one position takes in a cache of `config`.
    pub fn bytes_per_position(config: &Config) -> usize {
        let (first, second) = row_widths(config);
        (first + second) * size_of::<f32>() * config.n_layers
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Positions there is room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets the positions from `len` on, so that another continuation can take their place.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Makes sure that `n_tokens` more fit.
    pub(crate) fn reserve(&self, n_tokens: usize) -> Result<(), Error> {
        let (wanted, capacity) = (self.len + n_tokens, self.capacity);
        if wanted > capacity { Err(Error::ContextFull { wanted, capacity }) } else { Ok(()) }
    }

    pub(crate) fn advance(&mut self, n_tokens: usize) {
        self.len += n_tokens;
    }

    /// Appends rows to a layer and gives all that it holds then.
    pub(crate) fn append(
        &mut self,
        device: &dyn Backend,
        layer: usize,
        first: &Tensor,
        second: &Tensor,
    ) -> (Tensor, Tensor) {
        let cache = &mut self.layers[layer - self.first_layer];
        device.store_rows(&mut cache.first, self.len, first);
        device.store_rows(&mut cache.second, self.len, second);
        let held = 0..self.len + first.rows();
        (cache.first.row_range(held.clone()), cache.second.row_range(held))
    }
}

fn row_widths(config: &Config) -> (usize, usize) {
    match config.attention {
        AttentionConfig::Latent { kv_rank, rope, .. } => (kv_rank, rope),
        AttentionConfig::MultiHead { n_kv_heads, head_dim, .. } => {
            (n_kv_heads * head_dim, n_kv_heads * head_dim)
        }
    }
}
