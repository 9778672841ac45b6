//! Llama and Qwen as the `config.json` that says the same.

use std::f64::consts::TAU;

use serde_json::{Value, json};

use super::architecture::{Keys, joined};
use super::error::GgufError;

/// `llama`: Llama 2 and 3.
pub(super) fn llama(keys: &Keys<'_, '_>) -> Result<Value, GgufError> {
    without_experts(keys)?;
    multi_head(keys, "llama")
}

/// `qwen2`: Qwen2 and Qwen2.5.
pub(super) fn qwen2(keys: &Keys<'_, '_>) -> Result<Value, GgufError> {
    without_experts(keys)?;
    multi_head(keys, "qwen2")
}

/// `qwen3`.
pub(super) fn qwen3(keys: &Keys<'_, '_>) -> Result<Value, GgufError> {
    without_experts(keys)?;
    multi_head(keys, "qwen3")
}

/// `qwen3moe`: Qwen3 with experts, whose weights llama.cpp always renormalises.
pub(super) fn qwen3_moe(keys: &Keys<'_, '_>) -> Result<Value, GgufError> {
    Ok(joined(
        multi_head(keys, "qwen3_moe")?,
        json!({
            "num_experts": keys.required("expert_count")?,
            "num_experts_per_tok": keys.required("expert_used_count")?,
            "moe_intermediate_size": keys.required("expert_feed_forward_length")?,
            "norm_topk_prob": true,
        }),
    ))
}

/// What all of them say.
fn multi_head(keys: &Keys<'_, '_>, model_type: &str) -> Result<Value, GgufError> {
    let hidden = keys.required("embedding_length")?;
    let n_heads = keys.required("attention.head_count")?.max(1);
    let head_dim = match keys.count("attention.key_length")? {
        Some(head_dim) => head_dim,
        None => keys.count("rope.dimension_count")?.unwrap_or(hidden / n_heads),
    };
    for key in ["attention.value_length", "rope.dimension_count"] {
        if let Some(found) = keys.count(key)?.filter(|dim| *dim != head_dim) {
            return Err(keys.bad(key, found, &format!("the numbers of a head, {head_dim}")));
        }
    }
    Ok(joined(
        keys.common(model_type)?,
        json!({
            "num_key_value_heads": keys.count("attention.head_count_kv")?,
            "head_dim": head_dim,
            "rope_scaling": stretch(keys, head_dim)?,
        }),
    ))
}

fn without_experts(keys: &Keys<'_, '_>) -> Result<(), GgufError> {
    match keys.count("expert_count")?.filter(|n| *n > 0) {
        None => Ok(()),
        Some(found) => Err(keys.bad("expert_count", found, "0: this architecture is read dense")),
    }
}

/// `rope_scaling`, where positions are stretched.
fn stretch(keys: &Keys<'_, '_>, head_dim: u64) -> Result<Value, GgufError> {
    if let Some(divisors) = &keys.rope_divisors {
        if divisors.len() as u64 != head_dim / 2 {
            return Err(GgufError::Shape {
                name: "rope_freqs.weight".to_owned(),
                found: vec![divisors.len()],
                expected: format!("[{}], one for each rotary pair", head_dim / 2),
            });
        }
        return llama3(keys, divisors);
    }
    let factor = keys.number("rope.scaling.factor")?.filter(|factor| *factor != 1.0);
    let kind = keys.text("rope.scaling.type")?.unwrap_or("linear");
    let Some(factor) = factor.filter(|_| kind != "none") else { return Ok(Value::Null) };
    match kind {
        "linear" => Ok(json!({"rope_type": "linear", "factor": factor})),
        "yarn" => Ok(joined(
            json!({
                "rope_type": "yarn",
                "factor": factor,
                "original_max_position_embeddings":
                    keys.required("rope.scaling.original_context_length")?,
            }),
            json!({
                "beta_fast": keys.number("rope.scaling.yarn_beta_fast")?,
                "beta_slow": keys.number("rope.scaling.yarn_beta_slow")?,
            }),
        )),
        other => Err(keys.bad("rope.scaling.type", format!("{other:?}"), "linear, yarn or none")),
    }
}

/// Llama 3.1's stretching. Files do not say its four numbers but what they make of each pair's
/// frequency, its divisor. The greatest divisor is the factor; the original context follows from a
/// pair on the ramp between the two wavelengths, which are those of all published models. Divisors
/// that these numbers do not make are refused.
fn llama3(keys: &Keys<'_, '_>, divisors: &[f32]) -> Result<Value, GgufError> {
    const LOW_TURNS: f64 = 1.0;
    const HIGH_TURNS: f64 = 4.0;
    /// Of the published models; taken where no pair lies on the ramp.
    const ORIGINAL_POSITIONS: f64 = 8192.0;
    let theta = keys.number("rope.freq_base")?.unwrap_or(10_000.0);
    let n_pairs = divisors.len() as f64;
    let wavelength = |pair: usize| TAU * theta.powf(pair as f64 / n_pairs);
    let divisors = || divisors.iter().map(|divisor| f64::from(*divisor)).enumerate();
    let factor = divisors().fold(1f64, |most, (_, divisor)| most.max(divisor));
    // How much of a pair's frequency is kept, from 0 to 1.
    let kept = |divisor: f64| (1.0 / divisor - 1.0 / factor) / (1.0 - 1.0 / factor);
    let on_ramp = divisors().find(|(_, divisor)| (0.01..0.99).contains(&kept(*divisor)));
    let original = on_ramp.map_or(ORIGINAL_POSITIONS, |(pair, divisor)| {
        let turns = LOW_TURNS + kept(divisor) * (HIGH_TURNS - LOW_TURNS);
        (turns * wavelength(pair)).round()
    });
    for (pair, found) in divisors() {
        let turns = original / wavelength(pair);
        let kept = ((turns - LOW_TURNS) / (HIGH_TURNS - LOW_TURNS)).clamp(0.0, 1.0);
        let expected = 1.0 / ((1.0 - kept) / factor + kept);
        let is_as_expected = (found / expected - 1.0).abs() <= 1e-3;
        if !is_as_expected {
            return Err(GgufError::BadKey {
                key: format!("rope_freqs.weight[{pair}]"),
                found: found.to_string(),
                expected: format!("{expected:.4}, as Llama 3.1 stretches by {factor}"),
            });
        }
    }
    Ok(json!({
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": LOW_TURNS,
        "high_freq_factor": HIGH_TURNS,
        "original_max_position_embeddings": original as u64,
    }))
}
