//! Sizes of attention, and what of them a configuration may say.

use crate::error::Error;
use crate::keys::Keys;

use super::family::{AttentionFamily, Family};

/// Sizes of the attention of every layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionConfig {
    /// Multi-head attention, where several query heads may share keys and values.
    MultiHead {
        /// Query heads.
        n_heads: usize,
        /// Key and value heads.
        n_kv_heads: usize,
        /// Numbers in one head; heads together may have more or fewer than the hidden state.
        head_dim: usize,
        /// Whether query, key and value have a bias (Qwen2).
        bias: bool,
        /// Whether each head of query and key is normalised before its rotation (Qwen3).
        head_norm: bool,
    },
    /// Multi-head latent attention (DeepSeek-V2, section 2.1).
    Latent {
        /// Heads.
        n_heads: usize,
        /// Rank of the query's bottleneck; none in the Lite models.
        q_rank: Option<usize>,
        /// Rank of the cached latent.
        kv_rank: usize,
        /// Query and key numbers of a head without position.
        nope: usize,
        /// Query and key numbers of a head with position.
        rope: usize,
        /// Value numbers of a head.
        value: usize,
    },
}

impl AttentionConfig {
    /// Query heads.
    pub fn n_heads(self) -> usize {
        match self {
            AttentionConfig::MultiHead { n_heads, .. }
            | AttentionConfig::Latent { n_heads, .. } => n_heads,
        }
    }

    /// Numbers of a query head.
    pub fn query_dim(self) -> usize {
        match self {
            AttentionConfig::MultiHead { head_dim, .. } => head_dim,
            AttentionConfig::Latent { nope, rope, .. } => nope + rope,
        }
    }

    /// Numbers of a query head that carry position.
    pub fn rotary_dim(self) -> usize {
        match self {
            AttentionConfig::MultiHead { head_dim, .. } => head_dim,
            AttentionConfig::Latent { rope, .. } => rope,
        }
    }
}

/// Reads the sizes of heads.
pub(super) fn attention(
    keys: &mut Keys,
    family: &Family,
    hidden_size: usize,
) -> Result<AttentionConfig, Error> {
    let n_heads = keys.size("num_attention_heads")?;
    let n_kv_heads = keys.size_if_given("num_key_value_heads")?.unwrap_or(n_heads);
    let head_dim = keys.size_if_given("head_dim")?;
    if let AttentionFamily::MultiHead { bias, head_norm, head_dim: usual } = family.attention {
        if !n_heads.is_multiple_of(n_kv_heads) {
            let expected = format!("a divisor of num_attention_heads, {n_heads}");
            return Err(keys.bad("num_key_value_heads", n_kv_heads, expected));
        }
        let head_dim = head_dim.or(usual);
        if head_dim.is_none() && !hidden_size.is_multiple_of(n_heads) {
            let expected = format!("a multiple of num_attention_heads, {n_heads}");
            return Err(keys.bad("hidden_size", hidden_size, expected));
        }
        let head_dim = head_dim.unwrap_or(hidden_size / n_heads);
        if !head_dim.is_multiple_of(2) {
            return Err(keys.bad("head_dim", head_dim, "an even number, for its rotary pairs"));
        }
        return Ok(AttentionConfig::MultiHead { n_heads, n_kv_heads, head_dim, bias, head_norm });
    }
    if n_kv_heads != n_heads {
        let expected = format!("num_attention_heads, {n_heads}: latent attention shares no heads");
        return Err(keys.bad("num_key_value_heads", n_kv_heads, expected));
    }
    let nope = keys.size("qk_nope_head_dim")?;
    let rope = keys.size("qk_rope_head_dim")?;
    if !rope.is_multiple_of(2) {
        return Err(keys.bad("qk_rope_head_dim", rope, "an even number, for its rotary pairs"));
    }
    // Transformers writes the rotary dims as `head_dim`; some publishers the whole head's.
    if let Some(head_dim) = head_dim.filter(|dim| ![rope, nope + rope].contains(dim)) {
        let expected = format!("qk_rope_head_dim, {rope}");
        return Err(keys.bad("head_dim", head_dim, expected));
    }
    if let Some(dim) = keys.size_if_given("qk_head_dim")?.filter(|dim| *dim != nope + rope) {
        let expected = format!("qk_nope_head_dim + qk_rope_head_dim, {}", nope + rope);
        return Err(keys.bad("qk_head_dim", dim, expected));
    }
    Ok(AttentionConfig::Latent {
        n_heads,
        q_rank: keys.size_if_given("q_lora_rank")?,
        kv_rank: keys.size("kv_lora_rank")?,
        nope,
        rope,
        value: keys.size("v_head_dim")?,
    })
}
