//! What tensors are called in GGUF, and in the published checkpoints.

/// Tensors of the whole model.
const WHOLE: [(&str, &str); 3] = [
    ("token_embd.weight", "model.embed_tokens.weight"),
    ("output_norm.weight", "model.norm.weight"),
    ("output.weight", "lm_head.weight"),
];

/// Tensors of layer `N`: behind `blk.N.` in GGUF, behind `model.layers.N.` in published names.
const OF_LAYER: [(&str, &str); 29] = [
    ("attn_norm.weight", "input_layernorm.weight"),
    ("attn_q.weight", "self_attn.q_proj.weight"),
    ("attn_k.weight", "self_attn.k_proj.weight"),
    ("attn_v.weight", "self_attn.v_proj.weight"),
    ("attn_q.bias", "self_attn.q_proj.bias"),
    ("attn_k.bias", "self_attn.k_proj.bias"),
    ("attn_v.bias", "self_attn.v_proj.bias"),
    ("attn_q_norm.weight", "self_attn.q_norm.weight"),
    ("attn_k_norm.weight", "self_attn.k_norm.weight"),
    ("attn_q_a.weight", "self_attn.q_a_proj.weight"),
    ("attn_q_a_norm.weight", "self_attn.q_a_layernorm.weight"),
    ("attn_q_b.weight", "self_attn.q_b_proj.weight"),
    ("attn_kv_a_mqa.weight", "self_attn.kv_a_proj_with_mqa.weight"),
    ("attn_kv_a_norm.weight", "self_attn.kv_a_layernorm.weight"),
    ("attn_kv_b.weight", "self_attn.kv_b_proj.weight"),
    ("attn_output.weight", "self_attn.o_proj.weight"),
    ("ffn_norm.weight", "post_attention_layernorm.weight"),
    ("ffn_gate.weight", "mlp.gate_proj.weight"),
    ("ffn_up.weight", "mlp.up_proj.weight"),
    ("ffn_down.weight", "mlp.down_proj.weight"),
    ("ffn_gate_inp.weight", "mlp.gate.weight"),
    ("exp_probs_b.bias", "mlp.gate.e_score_correction_bias"),
    ("ffn_gate_shexp.weight", "mlp.shared_experts.gate_proj.weight"),
    ("ffn_up_shexp.weight", "mlp.shared_experts.up_proj.weight"),
    ("ffn_down_shexp.weight", "mlp.shared_experts.down_proj.weight"),
    ("nextn.eh_proj.weight", "eh_proj.weight"),
    ("nextn.enorm.weight", "enorm.weight"),
    ("nextn.hnorm.weight", "hnorm.weight"),
    ("nextn.shared_head_norm.weight", "shared_head.norm.weight"),
];

/// Tensors of a layer that are the main model's once more.
const REPEATED: [&str; 2] = ["nextn.embed_tokens.weight", "nextn.shared_head_head.weight"];

/// Tensors of a layer that hold one matrix of every expert.
const STACKED: [(&str, &[&str]); 4] = [
    ("ffn_gate_exps.weight", &["gate_proj"]),
    ("ffn_up_exps.weight", &["up_proj"]),
    ("ffn_down_exps.weight", &["down_proj"]),
    // One after the other in the rows of each expert.
    ("ffn_gate_up_exps.weight", &["gate_proj", "up_proj"]),
];

/// What a tensor of a GGUF file is to a model.
pub(super) enum Role {
    /// What divides the frequency of each rotary pair.
    RopeDivisors,
    /// There already.
    Repeated,
    /// One tensor, by its published name.
    One(String),
    /// In the rows of each expert of a layer, these of its projections one after the other.
    Stacked { layer: usize, projections: &'static [&'static str] },
    /// A half of a layer's projection from the latent.
    LatentHalf { layer: usize, half: LatentHalf },
}

/// The projection from the latent, as it is split in newer files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LatentHalf {
    /// To keys, each head transposed: `[H, R, nope]`.
    Key,
    /// To values: `[H, value, R]`.
    Value,
}

impl LatentHalf {
    pub(super) const BOTH: [LatentHalf; 2] = [LatentHalf::Key, LatentHalf::Value];

    /// Its name behind `blk.N.`.
    pub(super) fn name(self) -> &'static str {
        match self {
            LatentHalf::Key => "attn_k_b.weight",
            LatentHalf::Value => "attn_v_b.weight",
        }
    }
}

/// The role of a tensor by its name in GGUF; none for one that no model here has.
pub(super) fn role(name: &str) -> Option<Role> {
    if let Some(published) = find(&WHOLE, name) {
        return Some(Role::One(published.to_owned()));
    }
    if name == "rope_freqs.weight" {
        return Some(Role::RopeDivisors);
    }
    let (layer, rest) = name.strip_prefix("blk.")?.split_once('.')?;
    let layer: usize = layer.parse().ok()?;
    if let Some(published) = find(&OF_LAYER, rest) {
        return Some(Role::One(format!("model.layers.{layer}.{published}")));
    }
    if let Some(half) = LatentHalf::BOTH.into_iter().find(|half| half.name() == rest) {
        return Some(Role::LatentHalf { layer, half });
    }
    if REPEATED.contains(&rest) {
        return Some(Role::Repeated);
    }
    let (_, projections) = STACKED.iter().find(|(stacked, _)| *stacked == rest)?;
    Some(Role::Stacked { layer, projections })
}

/// The name in GGUF of a published tensor that stands alone.
pub(super) fn in_gguf(published: &str) -> Option<String> {
    let back = |(gguf, name): &(&'static str, &str)| (*name == published).then_some(*gguf);
    if let Some(name) = WHOLE.iter().find_map(back) {
        return Some(name.to_owned());
    }
    let (layer, rest) = published.strip_prefix("model.layers.")?.split_once('.')?;
    let (name, _) = OF_LAYER.iter().find(|(_, name)| *name == rest)?;
    Some(format!("blk.{layer}.{name}"))
}

/// The stacked tensor that a published expert's matrix goes to: its name, and which expert it is.
pub(super) fn in_stack(published: &str) -> Option<(String, usize)> {
    let (layer, rest) = published.strip_prefix("model.layers.")?.split_once('.')?;
    let (expert, rest) = rest.strip_prefix("mlp.experts.")?.split_once('.')?;
    let projection = rest.strip_suffix(".weight")?;
    let (name, _) = STACKED.iter().find(|(_, projections)| *projections == [projection])?;
    Some((format!("blk.{layer}.{name}"), expert.parse().ok()?))
}

fn find(table: &[(&'static str, &'static str)], gguf: &str) -> Option<&'static str> {
    table.iter().find(|(name, _)| *name == gguf).map(|(_, published)| *published)
}
