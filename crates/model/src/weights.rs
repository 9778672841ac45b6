//! The weights of one model: their structure, their published names and shapes, and how they are
//! handed to the forward pass layer by layer.

use std::sync::Arc;

use hadal_tensor::{DType, ExpertWeights, Memory, Tensor};

use crate::config::{AttentionConfig, Config, MixtureConfig};
use crate::error::Error;
use crate::mapped::MappedFile;

/// Hands weights to the forward pass, layer by layer: resident, mapped, gathered or computed.
pub trait WeightSource: Send + Sync {
    /// The embedding `[V, D]`.
    ///
    /// # Errors
    /// When the weights cannot be had.
    fn embedding(&self) -> Result<Tensor, Error>;

    /// The weights of layer `index`.
    ///
    /// # Errors
    /// When the weights cannot be had.
    fn layer(&self, index: usize) -> Result<Arc<LayerWeights>, Error>;

    /// The last normalisation `[D]` and the output projection `[V, D]`.
    ///
    /// # Errors
    /// When the weights cannot be had.
    fn head(&self) -> Result<(Tensor, Tensor), Error>;

    /// The layer that predicts the token after next.
    ///
    /// # Errors
    /// When the weights have none, or it cannot be had.
    fn predict_layer(&self) -> Result<Arc<PredictLayerWeights>, Error>;
}

/// One layer.
#[derive(Clone, Debug)]
pub struct LayerWeights {
    /// Normalisation before attention, `[D]`.
    pub attention_norm: Tensor,
    /// Attention.
    pub attention: AttentionWeights,
    /// Normalisation before the feed-forward, `[D]`.
    pub feed_forward_norm: Tensor,
    /// Feed-forward.
    pub feed_forward: FeedForwardWeights,
}

/// The layer that predicts the token after next; embedding and output projection are the main
/// model's.
#[derive(Clone, Debug)]
pub struct PredictLayerWeights {
    /// Normalisation of the next token's embedding, `[D]`.
    pub embedding_norm: Tensor,
    /// Normalisation of the main model's hidden state, `[D]`.
    pub hidden_norm: Tensor,
    /// From both, the embedding first, `[D, 2 D]`.
    pub projection: Tensor,
    /// The layer itself.
    pub layer: LayerWeights,
    /// Normalisation before the output projection, `[D]`.
    pub norm: Tensor,
}

/// Attention of one layer.
#[derive(Clone, Debug)]
pub enum AttentionWeights {
    /// Keys and values of their own.
    MultiHead(MultiHeadWeights),
    /// Keys and values from a latent.
    Latent(LatentWeights),
}

/// Multi-head attention.
#[derive(Clone, Debug)]
pub struct MultiHeadWeights {
    /// `[H · head_dim, D]`.
    pub query: Tensor,
    /// `[Hkv · head_dim, D]`.
    pub key: Tensor,
    /// `[Hkv · head_dim, D]`.
    pub value: Tensor,
    /// Added to query, key and value.
    pub bias: Option<QkvBias>,
    /// Normalisation of each head before its rotation.
    pub head_norm: Option<HeadNorms>,
    /// `[D, H · head_dim]`.
    pub output: Tensor,
}

/// What is added after the projections of attention.
#[derive(Clone, Debug)]
pub struct QkvBias {
    /// `[H · head_dim]`.
    pub query: Tensor,
    /// `[Hkv · head_dim]`.
    pub key: Tensor,
    /// `[Hkv · head_dim]`.
    pub value: Tensor,
}

/// Normalisation of heads, the same for all of a layer.
#[derive(Clone, Debug)]
pub struct HeadNorms {
    /// `[head_dim]`.
    pub query: Tensor,
    /// `[head_dim]`.
    pub key: Tensor,
}

/// The query's projection in latent attention.
#[derive(Clone, Debug)]
pub enum QueryWeights {
    /// At once, `[H · (nope + rope), D]`.
    Full(Tensor),
    /// Through a bottleneck.
    LowRank {
        /// `[q_rank, D]`.
        down: Tensor,
        /// Normalisation between, `[q_rank]`.
        norm: Tensor,
        /// `[H · (nope + rope), q_rank]`.
        up: Tensor,
    },
}

/// Multi-head latent attention.
#[derive(Clone, Debug)]
pub struct LatentWeights {
    /// Query.
    pub query: QueryWeights,
    /// To the latent and the shared rotary key, `[R + rope, D]`.
    pub kv_down: Tensor,
    /// Normalisation of the latent alone, `[R]`.
    pub kv_norm: Tensor,
    /// From the latent to keys and values, `[H · (nope + value), R]`.
    pub kv_up: Tensor,
    /// The key part of `kv_up` with rows and columns exchanged within each head, `[H · R, nope]`:
    /// what decoding reads of it where weights are packed, for they are read by whole rows.
    pub absorbed_key: Option<Tensor>,
    /// `[D, H · value]`.
    pub output: Tensor,
}

/// Feed-forward of one layer.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a layer lies behind one pointer as a whole")]
pub enum FeedForwardWeights {
    /// One wide SwiGLU.
    Dense(SwiGluWeights),
    /// Experts.
    Mixture(MixtureWeights),
}

/// A SwiGLU feed-forward.
#[derive(Clone, Debug)]
pub struct SwiGluWeights {
    /// `[F, D]`.
    pub gate: Tensor,
    /// `[F, D]`.
    pub up: Tensor,
    /// `[D, F]`.
    pub down: Tensor,
}

/// A mixture of experts.
#[derive(Clone, Debug)]
pub struct MixtureWeights {
    /// Router, `[E, D]`.
    pub router: Tensor,
    /// Added to affinities for the choice alone, `[E]`.
    pub selection_bias: Option<Tensor>,
    /// Routed experts.
    pub experts: ExpertWeights,
    /// Shared experts, as one of `n_shared` times the width.
    pub shared: Option<SwiGluWeights>,
}

/// The name, before `.weight`, of [`LatentWeights::kv_up`].
pub(crate) const LATENT_UP: &str = "kv_b_proj";

/// The name, before `.weight`, of [`LatentWeights::absorbed_key`], which is in packed checkpoints
/// alone.
pub(crate) const ABSORBED_KEY: &str = "kv_b_proj.absorbed_key";

/// Where a tensor comes from, by its published name and its shape.
pub type Take<'a> = dyn FnMut(&str, &[usize]) -> Result<Tensor, Error> + 'a;

/// The published name of the embedding.
pub(crate) const EMBEDDING: &str = "model.embed_tokens.weight";

/// The embedding `[V, D]`.
pub(crate) fn embedding(config: &Config, take: &mut Take<'_>) -> Result<Tensor, Error> {
    take(EMBEDDING, &[config.vocab_size, config.hidden_size])
}

/// The last normalisation and the output projection.
pub(crate) fn head(config: &Config, take: &mut Take<'_>) -> Result<(Tensor, Tensor), Error> {
    let norm = take("model.norm.weight", &[config.hidden_size])?;
    let projection = if config.tied_embeddings {
        embedding(config, take)?
    } else {
        take("lm_head.weight", &[config.vocab_size, config.hidden_size])?
    };
    Ok((norm, projection))
}

/// The weights of layer `index`; the one place that knows the published names and shapes.
pub(crate) fn layer(
    config: &Config,
    index: usize,
    take: &mut Take<'_>,
) -> Result<LayerWeights, Error> {
    let hidden = config.hidden_size;
    let mut take = |name: &str, dims: &[usize]| take(&format!("model.layers.{index}.{name}"), dims);
    Ok(LayerWeights {
        attention_norm: take("input_layernorm.weight", &[hidden])?,
        attention: attention(config, &mut take)?,
        feed_forward_norm: take("post_attention_layernorm.weight", &[hidden])?,
        feed_forward: match config.mixture_of_layer(index) {
            None => {
                FeedForwardWeights::Dense(swiglu("mlp", hidden, config.dense_width, &mut take)?)
            }
            Some(mixture) => {
                FeedForwardWeights::Mixture(mixture_weights(mixture, hidden, &mut take)?)
            }
        },
    })
}

/// The layer that predicts the token after next, which stands after the main ones.
fn predict_layer(config: &Config, take: &mut Take<'_>) -> Result<PredictLayerWeights, Error> {
    let hidden = config.hidden_size;
    let prefix = config.predict_layer_prefix();
    let mut own = |name: &str, dims: &[usize]| take(&format!("{prefix}{name}.weight"), dims);
    Ok(PredictLayerWeights {
        embedding_norm: own("enorm", &[hidden])?,
        hidden_norm: own("hnorm", &[hidden])?,
        projection: own("eh_proj", &[hidden, 2 * hidden])?,
        norm: own("shared_head.norm", &[hidden])?,
        layer: layer(config, config.n_layers, take)?,
    })
}

fn attention(config: &Config, take: &mut Take<'_>) -> Result<AttentionWeights, Error> {
    let mut take = |name: &str, dims: &[usize]| take(&format!("self_attn.{name}"), dims);
    match config.attention {
        AttentionConfig::MultiHead { .. } => {
            multi_head(config, &mut take).map(AttentionWeights::MultiHead)
        }
        AttentionConfig::Latent { .. } => latent(config, &mut take).map(AttentionWeights::Latent),
    }
}

fn multi_head(config: &Config, take: &mut Take<'_>) -> Result<MultiHeadWeights, Error> {
    let hidden = config.hidden_size;
    let AttentionConfig::MultiHead { n_heads, n_kv_heads, head_dim, bias, head_norm } =
        config.attention
    else {
        unreachable!("the caller looked at this configuration");
    };
    let (query_dim, key_dim) = (n_heads * head_dim, n_kv_heads * head_dim);
    let query = take("q_proj.weight", &[query_dim, hidden])?;
    let key = take("k_proj.weight", &[key_dim, hidden])?;
    let value = take("v_proj.weight", &[key_dim, hidden])?;
    let bias = if bias {
        Some(QkvBias {
            query: take("q_proj.bias", &[query_dim])?,
            key: take("k_proj.bias", &[key_dim])?,
            value: take("v_proj.bias", &[key_dim])?,
        })
    } else {
        None
    };
    let head_norm = if head_norm {
        Some(HeadNorms {
            query: take("q_norm.weight", &[head_dim])?,
            key: take("k_norm.weight", &[head_dim])?,
        })
    } else {
        None
    };
    let output = take("o_proj.weight", &[hidden, query_dim])?;
    Ok(MultiHeadWeights { query, key, value, bias, head_norm, output })
}

/// Whether [`LatentWeights::absorbed_key`] is stored.
pub(crate) fn has_absorbed_key(config: &Config) -> bool {
    matches!(config.packed, Some(DType::Packed(_)))
}

fn latent(config: &Config, take: &mut Take<'_>) -> Result<LatentWeights, Error> {
    let hidden = config.hidden_size;
    let AttentionConfig::Latent { n_heads, q_rank, kv_rank, nope, rope, value } = config.attention
    else {
        unreachable!("the caller looked at this configuration");
    };
    let mut take = |name: &str, dims: &[usize]| take(&format!("{name}.weight"), dims);
    let query_dim = n_heads * (nope + rope);
    let query = match q_rank {
        None => QueryWeights::Full(take("q_proj", &[query_dim, hidden])?),
        Some(rank) => QueryWeights::LowRank {
            down: take("q_a_proj", &[rank, hidden])?,
            norm: take("q_a_layernorm", &[rank])?,
            up: take("q_b_proj", &[query_dim, rank])?,
        },
    };
    Ok(LatentWeights {
        query,
        kv_down: take("kv_a_proj_with_mqa", &[kv_rank + rope, hidden])?,
        kv_norm: take("kv_a_layernorm", &[kv_rank])?,
        kv_up: take(LATENT_UP, &[n_heads * (nope + value), kv_rank])?,
        absorbed_key: has_absorbed_key(config)
            .then(|| take(ABSORBED_KEY, &[n_heads * kv_rank, nope]))
            .transpose()?,
        output: take("o_proj", &[hidden, n_heads * value])?,
    })
}

fn swiglu(
    prefix: &str,
    hidden: usize,
    width: usize,
    take: &mut Take<'_>,
) -> Result<SwiGluWeights, Error> {
    Ok(SwiGluWeights {
        gate: take(&format!("{prefix}.gate_proj.weight"), &[width, hidden])?,
        up: take(&format!("{prefix}.up_proj.weight"), &[width, hidden])?,
        down: take(&format!("{prefix}.down_proj.weight"), &[hidden, width])?,
    })
}

fn mixture_weights(
    mixture: &MixtureConfig,
    hidden: usize,
    take: &mut Take<'_>,
) -> Result<MixtureWeights, Error> {
    let n_experts = mixture.router.n_experts;
    let router = take("mlp.gate.weight", &[n_experts, hidden])?;
    let selection_bias = mixture
        .selection_bias
        .then(|| take("mlp.gate.e_score_correction_bias", &[n_experts]))
        .transpose()?;
    let mut experts = ExpertWeights { gate: Vec::new(), up: Vec::new(), down: Vec::new() };
    for expert in 0..n_experts {
        let prefix = format!("mlp.experts.{expert}");
        let expert = swiglu(&prefix, hidden, mixture.expert_width, take)?;
        experts.gate.push(expert.gate);
        experts.up.push(expert.up);
        experts.down.push(expert.down);
    }
    let shared_width = mixture.n_shared * mixture.expert_width;
    let shared = (shared_width > 0)
        .then(|| swiglu("mlp.shared_experts", hidden, shared_width, take))
        .transpose()?;
    Ok(MixtureWeights { router, selection_bias, experts, shared })
}

/// Weights that are all there: in memory of their own, or mapped.
#[derive(Clone)]
pub struct ResidentWeights {
    embedding: Tensor,
    layers: Vec<Arc<LayerWeights>>,
    head: (Tensor, Tensor),
    predict_layer: Option<Arc<PredictLayerWeights>>,
    /// What the tensors lie in, asked before each layer whether it is still whole.
    memories: Vec<Arc<dyn Memory>>,
}

impl ResidentWeights {
    /// The same weights, which fail once a mapped file among `memories` was written to.
    pub(crate) fn lying_in(self, memories: Vec<Arc<dyn Memory>>) -> Self {
        ResidentWeights { memories, ..self }
    }

    fn check(&self) -> Result<(), Error> {
        let mut files = self.memories.iter().filter_map(|memory| MappedFile::behind(&**memory));
        files.try_for_each(MappedFile::check)
    }

    /// Assembles a model from tensors by their published names and shapes.
    ///
    /// # Errors
    /// The first that `take` gives.
    pub fn assemble(config: &Config, take: &mut Take<'_>) -> Result<Self, Error> {
        Ok(ResidentWeights {
            embedding: embedding(config, take)?,
            layers: (0..config.n_layers)
                .map(|index| layer(config, index, take).map(Arc::new))
                .collect::<Result<_, _>>()?,
            head: head(config, take)?,
            predict_layer: (config.n_predict_layers > 0)
                .then(|| predict_layer(config, take).map(Arc::new))
                .transpose()?,
            memories: Vec::new(),
        })
    }
}

impl WeightSource for ResidentWeights {
    fn embedding(&self) -> Result<Tensor, Error> {
        self.check()?;
        Ok(self.embedding.clone())
    }

    fn layer(&self, index: usize) -> Result<Arc<LayerWeights>, Error> {
        self.check()?;
        Ok(Arc::clone(&self.layers[index]))
    }

    fn head(&self) -> Result<(Tensor, Tensor), Error> {
        self.check()?;
        Ok(self.head.clone())
    }

    fn predict_layer(&self) -> Result<Arc<PredictLayerWeights>, Error> {
        self.predict_layer.clone().ok_or(Error::NoPredictLayer)
    }
}
