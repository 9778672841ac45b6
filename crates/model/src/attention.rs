//! Attention of one layer: latent (DeepSeek-V2, section 2.1) or multi-head.

use hadal_tensor::{AttentionSpec, Backend, LatentDims, RotarySpec, Tensor};

use crate::batch::Batch;
use crate::cache::Cache;
use crate::config::{AttentionConfig, Config};
use crate::weights::{AttentionWeights, LatentWeights, MultiHeadWeights, QueryWeights};

/// Everything about one layer's attention but its input and weights.
pub(crate) struct Attention<'a> {
    pub(crate) device: &'a dyn Backend,
    pub(crate) config: &'a Config,
    pub(crate) rotary: &'a RotarySpec,
    pub(crate) batch: &'a Batch,
    pub(crate) layer: usize,
}

/// New rows of a sequence up to which latent attention over a cache is absorbed: above, making keys and values
/// once is less work than turning every query into the latent's space.
const ABSORBED_ROWS: usize = 8;

impl Attention<'_> {
    /// From `h` `[T, D]` to `[T, D]`, appending to the cache where there is one.
    pub(crate) fn forward(
        &self,
        h: &Tensor,
        weights: &AttentionWeights,
        cache: Option<&mut Cache>,
    ) -> Tensor {
        match weights {
            AttentionWeights::Latent(weights) => self.latent(h, weights, cache),
            AttentionWeights::MultiHead(weights) => self.multi_head(h, weights, cache),
        }
    }

    fn spec(&self, n_kv_heads: usize) -> AttentionSpec {
        AttentionSpec {
            n_heads: self.config.attention.n_heads(),
            n_kv_heads,
            scale: self.config.softmax_scale(),
            window: self.config.window_of_layer(self.layer),
            segments: self.batch.segments.clone(),
        }
    }

    fn rotate(&self, x: &Tensor, head_dim: usize) -> Tensor {
        let spec = RotarySpec { head_dim, ..self.rotary.clone() };
        self.device.rotary(x, &spec, &self.batch.positions)
    }

    /// Each head of `x` `[T, H · head_dim]` by itself, with `norm` `[head_dim]`.
    fn normalise_heads(&self, x: &Tensor, norm: &Tensor) -> Tensor {
        let heads = self.device.reshape(x, &[x.len() / norm.len(), norm.len()]); // [T · H, head_dim]
        let heads = self.device.rms_norm(&heads, norm, self.config.norm_epsilon);
        self.device.reshape(&heads, x.dims())
    }

    fn multi_head(
        &self,
        h: &Tensor,
        weights: &MultiHeadWeights,
        cache: Option<&mut Cache>,
    ) -> Tensor {
        let device = self.device;
        let AttentionConfig::MultiHead { n_kv_heads, head_dim, .. } = self.config.attention else {
            unreachable!("the weights were assembled from this configuration");
        };
        let mut q = device.linear(h, &weights.query); // [T, H · head_dim]
        let mut k = device.linear(h, &weights.key); // [T, Hkv · head_dim]
        let mut v = device.linear(h, &weights.value); // [T, Hkv · head_dim]
        if let Some(bias) = &weights.bias {
            q = device.add_row(&q, &bias.query);
            k = device.add_row(&k, &bias.key);
            v = device.add_row(&v, &bias.value);
        }
        if let Some(norms) = &weights.head_norm {
            q = self.normalise_heads(&q, &norms.query);
            k = self.normalise_heads(&k, &norms.key);
        }
        let q = self.rotate(&q, head_dim);
        let k = self.rotate(&k, head_dim);
        let (k, v) = match cache {
            None => (k, v),
            Some(cache) => cache.append(device, self.layer, &self.batch.segments, [&k, &v]), // [S, Hkv · head_dim]
        };
        let mixed = device.attention(&q, &k, &v, &self.spec(n_kv_heads)); // [T, H · head_dim]
        device.linear(&mixed, &weights.output)
    }

    fn latent(&self, h: &Tensor, weights: &LatentWeights, cache: Option<&mut Cache>) -> Tensor {
        let device = self.device;
        let AttentionConfig::Latent { n_heads, kv_rank, nope, rope, value, .. } =
            self.config.attention
        else {
            unreachable!("the weights were assembled from this configuration");
        };
        let dims = LatentDims { n_heads, nope, rope, value };
        let q = match &weights.query {
            QueryWeights::Full(query) => device.linear(h, query),
            QueryWeights::LowRank { down, norm, up } => {
                let narrow =
                    device.rms_norm(&device.linear(h, down), norm, self.config.norm_epsilon);
                device.linear(&narrow, up)
            }
        };
        let q = self.rotate(&q, nope + rope); // [T, H · (nope + rope)]
        let kv = device.linear(h, &weights.kv_down); // [T, R + rope]
        let latent = device.columns(&kv, 0..kv_rank);
        let latent = device.rms_norm(&latent, &weights.kv_norm, self.config.norm_epsilon); // [T, R]
        let k_rope = device.columns(&kv, kv_rank..kv_rank + rope);
        let k_rope = self.rotate(&k_rope, rope); // [T, rope]
        let decoding = cache.is_some() && self.batch.longest_segment() <= ABSORBED_ROWS;
        let (latent, k_rope) = match cache {
            None => (latent, k_rope),
            Some(cache) => {
                cache.append(device, self.layer, &self.batch.segments, [&latent, &k_rope])
            } // [S, R], [S, rope]
        };
        let spec = self.spec(n_heads);
        let mixed = if decoding {
            let key = weights.absorbed_key.as_ref();
            device.absorbed_attention(&q, &weights.kv_up, key, &latent, &k_rope, dims, &spec)
        } else {
            let kv = device.linear(&device.widen(&latent), &weights.kv_up); // [S, H · (nope + value)]
            let (k, v) = device.join_keys(&kv, &k_rope, dims);
            device.attention(&q, &k, &v, &spec)
        }; // [T, H · value]
        device.linear(&mixed, &weights.output)
    }
}
