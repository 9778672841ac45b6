//! The tables of cosines and sines of rotary position embedding, stretched where the
//! configuration says so.

use std::f64::consts::PI;

use hadal_tensor::{RotarySpec, Tensor};

use crate::config::{Config, Llama3Config, RopeConfig, Stretch, YarnConfig};

/// The tables of `config` for positions below `n_positions`, in host memory.
pub(crate) fn tables(config: &Config, n_positions: usize) -> RotarySpec {
    let dim = config.attention.rotary_dim();
    let frequencies = frequencies(&config.rope, dim);
    let factor = config.rope.yarn().map_or(1.0, |yarn| {
        // The published models have both temperatures equal, so that this is 1 for them.
        yarn.temperature(yarn.mscale) / yarn.temperature(yarn.mscale_all_dim)
    });
    let table = |turn: fn(f64) -> f64| {
        let values: Vec<f32> = (0..n_positions)
            .flat_map(|position| {
                frequencies.iter().map(move |f| {
                    // The angle is rounded to f32 first, as every other implementation has it.
                    let angle = position as f32 * *f as f32;
                    (turn(f64::from(angle)) * factor) as f32
                })
            })
            .collect();
        Tensor::from_slice(&values, &[n_positions, dim / 2])
    };
    RotarySpec {
        cos: table(f64::cos),
        sin: table(f64::sin),
        layout: config.rope.layout,
        head_dim: config.attention.query_dim(),
    }
}

/// Radians per position of each pair, fastest first.
fn frequencies(rope: &RopeConfig, dim: usize) -> Vec<f64> {
    let plain = |pair: usize| rope.theta.powf(-(2.0 * pair as f64) / dim as f64);
    // How much of a pair's frequency is divided by the factor.
    let divided = |pair: usize, part: f64, factor: f64| {
        plain(pair) * (1.0 - part) + plain(pair) / factor * part
    };
    let pairs = 0..dim / 2;
    match rope.stretch {
        None => pairs.map(plain).collect(),
        Some(Stretch::Linear { factor }) => pairs.map(|pair| plain(pair) / factor).collect(),
        Some(Stretch::Llama3(llama3)) => pairs
            .map(|pair| divided(pair, slow_part(&llama3, plain(pair)), llama3.factor))
            .collect(),
        Some(Stretch::Yarn(yarn)) => {
            let (low, high) = correction_range(&yarn, rope.theta, dim);
            let part = |pair: usize| ((pair as f64 - low) / (high - low)).clamp(0.0, 1.0);
            pairs.map(|pair| divided(pair, part(pair), yarn.factor)).collect()
        }
    }
}

/// How far `frequency` lies on the slow side of Llama 3's ramp, from 0 to 1.
fn slow_part(llama3: &Llama3Config, frequency: f64) -> f64 {
    let turns = llama3.original_positions as f64 * frequency / (2.0 * PI);
    ((llama3.high_turns - turns) / (llama3.high_turns - llama3.low_turns)).clamp(0.0, 1.0)
}

/// The pairs between which YaRN goes over from keeping the frequency to dividing it.
fn correction_range(yarn: &YarnConfig, theta: f64, dim: usize) -> (f64, f64) {
    let pair_turning = |turns: f64| {
        let positions = yarn.original_positions as f64;
        dim as f64 * (positions / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln())
    };
    let low = pair_turning(yarn.beta_fast).floor().max(0.0);
    let high = pair_turning(yarn.beta_slow).ceil().min(dim as f64 - 1.0);
    // A range of no width would divide by zero; the reference widens it by this much.
    if low == high { (low, high + 0.001) } else { (low, high) }
}
