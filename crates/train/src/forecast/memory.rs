//! The peak memory of a training run, from its recipe alone.
//!
//! What is counted is what the tape keeps: every operation's inputs, until the backward pass has
//! used them. Freed memory stays in the device's pool for the next step, so the parts add up.

use hadal_model::{AttentionConfig, Config, Size};
use serde::Serialize;

use crate::optimiser::Method;
use crate::recipe::Recipe;
use crate::run::EVALUATION_BUDGET;

/// Bytes by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryForecast {
    /// Weights in `f32`.
    pub weights: usize,
    /// Their gradients.
    pub gradients: usize,
    /// What the optimiser remembers, and the moving average where there is one.
    pub moments: usize,
    /// What the forward pass keeps for the backward pass.
    pub activations: usize,
    /// What the backward pass of one layer makes and frees.
    pub workspace: usize,
    /// Logits and their gradient.
    pub logits: usize,
    /// What a measurement on validation documents makes.
    pub evaluation: usize,
    /// Copies of weights and moments while a checkpoint is written: one by tensor, and the file.
    pub saving: usize,
    /// All of it.
    pub total: usize,
}

impl MemoryForecast {
    /// Of a run by `recipe`.
    pub fn of(recipe: &Recipe) -> MemoryForecast {
        let (config, batch) = (&recipe.model, recipe.batch);
        let n_tokens = batch.sequences * batch.length; // of one pass
        let size = Size::of(config);
        let n_parameters = size.total + size.predict_layer;
        let weights = n_parameters * F32;
        let layers: Vec<usize> = (0..config.n_layers).map(|l| layer(config, l)).collect();
        let ends = 3 * config.hidden_size; // embedded, leaving the last layer, normalised
        let widest = layers.iter().copied().max().unwrap_or(0);
        let kept = if batch.recompute {
            // The inputs of all layers, and one layer in full.
            config.n_layers * config.hidden_size + widest
        } else {
            layers.into_iter().sum()
        };
        let activations = n_tokens * (kept + ends) * F32;
        let workspace = n_tokens * (widest + experts_workspace(config)) * F32;
        let logits = 2 * n_tokens * config.vocab_size * F32;
        let evaluated =
            if recipe.data.validation.is_empty() { 0 } else { EVALUATION_BUDGET + batch.length };
        let evaluation = evaluated * config.vocab_size * F32;
        let hidden_matrices = n_parameters - size.embedding - size.vectors;
        let remembered = match recipe.optimiser.method {
            Method::AdamW => 2 * n_parameters,
            Method::Muon => 2 * n_parameters - hidden_matrices,
        };
        let averages = if recipe.average.is_some() { n_parameters } else { 0 };
        let (gradients, moments) = (weights, (remembered + averages) * F32);
        let saving = 2 * (weights + moments);
        let passing = activations + workspace + logits + evaluation;
        MemoryForecast {
            weights,
            gradients,
            moments,
            activations,
            workspace,
            logits,
            evaluation,
            saving,
            total: weights + gradients + moments + passing + saving,
        }
    }
}

const F32: usize = size_of::<f32>();

/// Numbers that the tape keeps of layer `index` for one token.
fn layer(config: &Config, index: usize) -> usize {
    let hidden = config.hidden_size;
    // Two norms' outputs, what attention and feed-forward add, and the two sums.
    let residual = 6 * hidden;
    let fed = match config.mixture_of_layer(index) {
        // Gate, up and their product.
        None => 3 * config.dense_width,
        Some(mixture) => {
            let routed = 2 * mixture.router.n_active * mixture.expert_width;
            let shared = mixture.n_shared * mixture.expert_width;
            let outputs = if shared > 0 { 2 * hidden } else { 0 };
            mixture.router.n_experts + routed + 3 * shared + outputs
        }
    };
    residual + attention(config.attention) + fed
}

/// Numbers that attention keeps for one token: projections before and after rotation, keys and
/// values, the mixed values.
fn attention(attention: AttentionConfig) -> usize {
    match attention {
        AttentionConfig::MultiHead { n_heads, n_kv_heads, head_dim, bias, head_norm } => {
            let (query, key) = (n_heads * head_dim, n_kv_heads * head_dim);
            let biased = if bias { query + 2 * key } else { 0 };
            let normed = if head_norm { query + key } else { 0 };
            2 * query + 3 * key + biased + normed + query + n_heads
        }
        AttentionConfig::Latent { n_heads, q_rank, kv_rank, nope, rope, value } => {
            let query = 2 * q_rank.unwrap_or(0) + 2 * n_heads * (nope + rope);
            let latent = (kv_rank + rope) + kv_rank + rope;
            let keys_values = n_heads * (nope + value) + n_heads * (nope + rope) + n_heads * value;
            query + latent + keys_values + n_heads * value + n_heads
        }
    }
}

/// Numbers that the backward pass of one layer's experts makes for one token: its input, output
/// gradient and input gradient once for each expert visited, and three of the expert's width.
fn experts_workspace(config: &Config) -> usize {
    config.mixture.as_ref().map_or(0, |mixture| {
        mixture.router.n_active * 3 * (config.hidden_size + mixture.expert_width)
    })
}
