//! The DeepSeek architectures of GGUF as the `config.json` that says the same.

use serde_json::{Value, json};

use super::architecture::{Keys, joined};
use super::error::GgufError;

/// The numbers by which files say how a router scores.
pub(super) const SOFTMAX: u64 = 1;
pub(super) const SIGMOID: u64 = 2;

/// llama.cpp keeps `mscale_all_dim` multiplied by this in `rope.scaling.yarn_log_multiplier`, as
/// its formula for the temperature of the softmax once wanted it.
pub(super) const LOG_MULTIPLIER: f32 = 0.1;

/// `deepseek2`: latent attention, DeepSeek-V2 with a softmax router and V3 with a sigmoid.
pub(super) fn latent(keys: &Keys<'_, '_>) -> Result<Value, GgufError> {
    let is_v3 = match keys.count("expert_gating_func")? {
        // Files from before V3 do not say.
        None | Some(0 | SOFTMAX) => false,
        Some(SIGMOID) => true,
        Some(other) => {
            return Err(keys.bad("expert_gating_func", other, "1 (softmax) or 2 (sigmoid)"));
        }
    };
    let common = keys.common(if is_v3 { "deepseek_v3" } else { "deepseek_v2" })?;
    // Files whose projection from the latent is split call the sizes of the cached latent
    // `key_length` and `value_length`, and those of a head so.
    let split =
        (keys.count("attention.key_length_mla")?, keys.count("attention.value_length_mla")?);
    let (query_dim, value) = match split {
        (Some(query_dim), Some(value)) => (query_dim, value),
        _ => (keys.required("attention.key_length")?, keys.required("attention.value_length")?),
    };
    let rope = keys.required("rope.dimension_count")?;
    let nope = query_dim.checked_sub(rope).filter(|nope| *nope > 0).ok_or_else(|| {
        keys.bad("rope.dimension_count", rope, &format!("less than a key's {query_dim}"))
    })?;
    let config = joined(
        common,
        json!({
            "num_key_value_heads": keys.required("attention.head_count")?,
            "q_lora_rank": keys.count("attention.q_lora_rank")?.filter(|rank| *rank > 0),
            "kv_lora_rank": keys.required("attention.kv_lora_rank")?,
            "qk_nope_head_dim": nope,
            "qk_rope_head_dim": rope,
            "v_head_dim": value,
            "rope_scaling": scaling(keys)?,
        }),
    );
    let n_groups = keys.count("expert_group_count")?.filter(|n| *n > 1);
    let topk_method = match (is_v3, n_groups) {
        (true, _) => "noaux_tc",
        (false, Some(_)) => "group_limited_greedy",
        (false, None) => "greedy",
    };
    mixture(keys, config, || {
        Ok(json!({
            "scoring_func": if is_v3 { "sigmoid" } else { "softmax" },
            "topk_method": topk_method,
            "n_group": n_groups,
            "topk_group": n_groups.and(keys.count("expert_group_used_count")?),
        }))
    })
}

/// `deepseek`: DeepSeekMoE, multi-head attention and a softmax router.
pub(super) fn multi_head(keys: &Keys<'_, '_>) -> Result<Value, GgufError> {
    let head_dim = match keys.count("attention.key_length")? {
        Some(head_dim) => Some(head_dim),
        None => keys.count("rope.dimension_count")?,
    };
    let config = joined(
        keys.common("deepseek")?,
        json!({
            "num_key_value_heads": keys.count("attention.head_count_kv")?,
            "head_dim": head_dim,
            "rope_scaling": scaling(keys)?,
        }),
    );
    mixture(keys, config, || Ok(json!({"scoring_func": "softmax", "topk_method": "greedy"})))
}

/// The configuration with what it says of experts, and `more`; without either in a dense model.
fn mixture(
    keys: &Keys<'_, '_>,
    config: Value,
    more: impl FnOnce() -> Result<Value, GgufError>,
) -> Result<Value, GgufError> {
    let Some(n_experts) = keys.count("expert_count")?.filter(|n| *n > 0) else {
        return Ok(config);
    };
    let scale = keys.number("expert_weights_scale")?.filter(|scale| *scale != 0.0);
    let of_experts = json!({
        "n_routed_experts": n_experts,
        "num_experts_per_tok": keys.required("expert_used_count")?,
        "n_shared_experts": keys.count("expert_shared_count")?,
        "moe_intermediate_size": keys.required("expert_feed_forward_length")?,
        "first_k_dense_replace": keys.count("leading_dense_block_count")?,
        "norm_topk_prob": keys.flag("expert_weights_norm")?.unwrap_or(false),
        "routed_scaling_factor": scale.unwrap_or(1.0),
    });
    Ok(joined(joined(config, of_experts), more()?))
}

/// `rope_scaling`, where positions are stretched.
fn scaling(keys: &Keys<'_, '_>) -> Result<Value, GgufError> {
    let factor = keys.number("rope.scaling.factor")?.unwrap_or(1.0);
    match keys.text("rope.scaling.type")? {
        // Files that do not say are linear, and so are some that stretch nothing.
        None | Some("linear" | "none") if factor == 1.0 => return Ok(Value::Null),
        Some("none") => return Ok(Value::Null),
        Some("yarn") => {}
        found => {
            let found = found.unwrap_or("linear");
            return Err(keys.bad(
                "rope.scaling.type",
                format!("{found:?}"),
                "\"yarn\" or \"none\"",
            ));
        }
    }
    for key in ["rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor"] {
        if let Some(found) = keys.number(key)?.filter(|factor| *factor != 1.0) {
            return Err(keys.bad(key, found, "1, the only one supported"));
        }
    }
    // Multiplied back in the precision of the file, so that 0.0707 is 0.707 again.
    let all_dim = keys.number("rope.scaling.yarn_log_multiplier")?;
    let all_dim = all_dim.map(|x| x as f32 / LOG_MULTIPLIER).unwrap_or(0.0);
    let all_dim: f64 = all_dim.to_string().parse().expect("a number prints as one");
    // GGUF has no place for `mscale`; llama.cpp takes it to be 1 or the same, and so are all
    // published models.
    let mscale = if all_dim == 0.0 { 1.0 } else { all_dim };
    let original = match keys.count("rope.scaling.original_context_length")? {
        Some(original) => original,
        None => keys.required("context_length")?,
    };
    Ok(joined(
        json!({
            "type": "yarn",
            "factor": factor,
            "original_max_position_embeddings": original,
            "mscale": mscale,
            "mscale_all_dim": all_dim,
        }),
        json!({
            "beta_fast": keys.number("rope.scaling.yarn_beta_fast")?,
            "beta_slow": keys.number("rope.scaling.yarn_beta_slow")?,
        }),
    ))
}
