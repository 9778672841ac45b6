//! How much arithmetic a model asks for, from its configuration alone.

use crate::config::{AttentionConfig, Config};
use crate::size::Size;

/// Floating-point operations for one token in the middle of a window of `length` tokens.
///
/// A multiply-add counts as two. Matrix products and the two products of attention are counted, the
/// latter over the keys that a causal window really has: `(length + 1) / 2` of them on average, and
/// no more than a layer's sliding window. Norms, softmax and the look-up of the embedding are a
/// few in a thousand and left out, as in Chowdhery et al. 2022, appendix B.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flops {
    /// Of the forward pass.
    pub forward: f64,
}

impl Flops {
    /// Counts the model of `config` on windows of `length` tokens.
    pub fn per_token(config: &Config, length: usize) -> Flops {
        let size = Size::of(config);
        // A tied embedding is counted once and multiplied once, as the output projection.
        let looked_up = if config.tied_embeddings { 0 } else { size.embedding };
        let multiplied = size.active - size.vectors - looked_up;
        let (n_heads, query_dim) = (config.attention.n_heads(), config.attention.query_dim());
        let value_dim = match config.attention {
            AttentionConfig::MultiHead { head_dim, .. } => head_dim,
            AttentionConfig::Latent { value, .. } => value,
        };
        let n_keys: f64 = config.windows.iter().map(|window| mean_keys(length, *window)).sum();
        let attended = n_keys * (n_heads * (query_dim + value_dim)) as f64;
        Flops { forward: 2.0 * (multiplied as f64 + attended) }
    }

    /// Of a training step: the backward pass multiplies twice for each product of the forward one.
    pub fn training(self) -> f64 {
        3.0 * self.forward
    }
}

/// Keys that a token of a window of `length` sees on average, itself included.
fn mean_keys(length: usize, window: Option<usize>) -> f64 {
    let width = window.unwrap_or(length).min(length);
    let (length, width) = (length as f64, width as f64);
    // The first `width` tokens see 1, 2, … keys; the others `width`.
    (width * (width + 1.0) / 2.0 + (length - width) * width) / length
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_what_a_count_by_hand_gives() {
        let config = json!({
            "model_type": "deepseek_v3", "vocab_size": 100, "hidden_size": 32,
            "num_hidden_layers": 2, "num_attention_heads": 2, "kv_lora_rank": 16,
            "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 6,
            "intermediate_size": 64, "first_k_dense_replace": 1, "n_routed_experts": 4,
            "num_experts_per_tok": 2, "n_shared_experts": 1, "moe_intermediate_size": 10,
            "max_position_embeddings": 128
        });
        let attention = 32 * 24 // query
            + 32 * (16 + 4) // down to the latent
            + 16 * 2 * (8 + 6) // up to keys and values
            + 2 * 6 * 32 // output
            + 5 * (24 + 12); // 5 keys on average: scores over 2 · 12 numbers, values over 2 · 6
        let dense = 3 * 32 * 64;
        let mixture = 32 * 4 + (2 + 1) * 3 * 32 * 10; // router, two routed experts, a shared one
        let expected = 2 * (2 * attention + dense + mixture + 32 * 100);
        let count = |config: &serde_json::Value| {
            Flops::per_token(&Config::from_value(config.clone()).expect("it is sound"), 9)
        };
        assert_eq!(count(&config).forward, f64::from(expected));
        assert_eq!(count(&config).training(), f64::from(3 * expected));

        // The embedding is looked up, whether it is also the output projection or not.
        let mut tied = config;
        tied["tie_word_embeddings"] = json!(true);
        assert_eq!(count(&tied).forward, f64::from(expected));
    }

    #[test]
    fn heads_biases_and_norms_of_other_families_are_counted() {
        let count = |model_type: &str| {
            let config = json!({
                "model_type": model_type, "vocab_size": 100, "hidden_size": 32,
                "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
                "head_dim": 12, "intermediate_size": 64, "max_position_embeddings": 128
            });
            let config = Config::from_value(config).expect("it is sound");
            (Flops::per_token(&config, 9).forward, Size::of(&config).total)
        };
        let (query, key) = (4 * 12, 2 * 12);
        let matrices = 32 * (2 * query + 2 * key) + 3 * 32 * 64;
        let attended = 5 * 2 * query; // 5 keys on average, scores and values
        let forward = f64::from(2 * (2 * (matrices + attended) + 32 * 100));
        let total = |vectors: i32| (2 * (matrices + 2 * 32 + vectors) + 2 * 32 * 100 + 32) as usize;
        assert_eq!(count("llama"), (forward, total(0)));
        assert_eq!(count("qwen2"), (forward, total(query + 2 * key)));
        assert_eq!(count("qwen3"), (forward, total(12 + 12)));
    }

    #[test]
    fn a_sliding_window_bounds_the_keys() {
        assert_eq!(mean_keys(9, None), 5.0);
        assert_eq!(mean_keys(4, Some(2)), (1.0 + 2.0 + 2.0 + 2.0) / 4.0);
        assert_eq!(mean_keys(4, Some(9)), 2.5);
    }
}
