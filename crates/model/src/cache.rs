//! What attention remembers of the sequences it continues.

use std::ops::Range;

use hadal_tensor::{Backend, DType, Segment, Tensor};

use crate::config::{AttentionConfig, Config};
use crate::error::Error;

/// The cache of one sequence, or of several with the same room each: per layer, two matrices of one
/// row per position, sequence after sequence.
pub struct Cache {
    layers: Vec<LayerCache>,
    /// The number of the first of them.
    first_layer: usize,
    /// Positions held of each sequence.
    lens: Vec<usize>,
    capacity: usize,
}

/// The cache of one layer: latent and rotary key, or keys and values.
pub(crate) struct LayerCache {
    first: Tensor,
    second: Tensor,
}

impl Cache {
    /// An empty cache of one sequence with room for `capacity` positions.
    pub fn new(config: &Config, device: &dyn Backend, capacity: usize) -> Self {
        Cache::of_sequences(config, device, 1, capacity)
    }

    /// An empty cache of `n_sequences` sequences with room for `capacity` positions each.
    pub fn of_sequences(
        config: &Config,
        device: &dyn Backend,
        n_sequences: usize,
        capacity: usize,
    ) -> Self {
        Cache::of_layers(0..config.n_layers, config, device, [n_sequences, capacity])
    }

    /// An empty cache of the layer that predicts the token after next.
    pub fn of_predict_layer(config: &Config, device: &dyn Backend, capacity: usize) -> Self {
        Cache::of_layers(config.n_layers..config.n_layers + 1, config, device, [1, capacity])
    }

    fn of_layers(
        layers: Range<usize>,
        config: &Config,
        device: &dyn Backend,
        [n_sequences, capacity]: [usize; 2],
    ) -> Self {
        let ((first, second), dtype) = (row_widths(config), dtype(config));
        let n_rows = n_sequences * capacity;
        let first_layer = layers.start;
        let layers = layers
            .map(|_| LayerCache {
                first: device.empty(dtype, &[n_rows, first]),
                second: device.empty(dtype, &[n_rows, second]),
            })
            .collect();
        Cache { layers, first_layer, lens: vec![0; n_sequences], capacity }
    }

    /// Bytes that one position takes in a cache of `config`.
    pub fn bytes_per_position(config: &Config) -> usize {
        let (first, second) = row_widths(config);
        dtype(config).row_bytes(first + second) * config.n_layers
    }

    /// Positions held of the first sequence.
    pub fn len(&self) -> usize {
        self.lens[0]
    }

    /// Whether nothing is held of the first sequence.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Positions there is room for, of each sequence.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets the first sequence's positions from `len` on, so that another continuation can take
    /// their place.
    pub fn truncate(&mut self, len: usize) {
        self.lens[0] = self.lens[0].min(len);
    }

    /// Makes sure that a batch fits.
    pub(crate) fn reserve(&self, segments: &[Segment]) -> Result<(), Error> {
        let longest = segments.iter().map(|s| s.keys.len()).max().unwrap_or(0);
        let capacity = self.capacity;
        if longest > capacity {
            return Err(Error::ContextFull { wanted: longest, capacity });
        }
        Ok(())
    }

    /// Holds what the layers were given of a batch.
    pub(crate) fn advance(&mut self, segments: &[Segment]) {
        for segment in segments {
            self.lens[segment.keys.start / self.capacity] = segment.keys.len();
        }
    }

    /// Appends rows to a layer, each where its segment's keys end, and gives all rows up to the last
    /// of them.
    pub(crate) fn append(
        &mut self,
        device: &dyn Backend,
        layer: usize,
        segments: &[Segment],
        [first, second]: [&Tensor; 2],
    ) -> (Tensor, Tensor) {
        let cache = &mut self.layers[layer - self.first_layer];
        for Segment { queries, keys } in segments {
            let at = keys.end - queries.len();
            device.store_rows(&mut cache.first, at, &first.row_range(queries.clone()));
            device.store_rows(&mut cache.second, at, &second.row_range(queries.clone()));
        }
        let held = 0..segments.iter().map(|segment| segment.keys.end).max().unwrap_or(0);
        (cache.first.row_range(held.clone()), cache.second.row_range(held))
    }
}

/// A packed model rounds what meets its weights to 8 bits; latents lose less in `bf16`, in half the
/// bytes and at twice the pace of `f32`. What any other model computes is not rounded.
fn dtype(config: &Config) -> DType {
    match config.attention {
        AttentionConfig::Latent { .. } if config.packed.is_some() => DType::Bf16,
        _ => DType::F32,
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
