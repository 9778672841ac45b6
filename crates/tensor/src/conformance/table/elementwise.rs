//! Operations on each row by itself: norm, rotary, activation.

use crate::conformance::case::{Bound, Case, Input, place, places};
use crate::conformance::random::Random;
use crate::dtype::DType;
use crate::specification::{RotaryLayout, RotarySpec};
use crate::tensor::Tensor;

pub(in crate::conformance) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (t, d) in [(1, 8), (2, 2), (3, 17), (17, 70), (70, 128)] {
        cases.push(rms_norm(t, d, 1.0, false));
    }
    cases.push(rms_norm(17, 33, 1.0, true));
    // So small that epsilon is as large as the mean square.
    cases.push(rms_norm(3, 40, 1e-3, false));
    cases.push(rms_norm_with_frozen_weight(DType::F32));
    cases.push(rms_norm_with_frozen_weight(DType::Bf16));

    for (t, f) in [(1, 16), (3, 17), (17, 70), (70, 130)] {
        cases.push(swiglu(t, f, 1.0, false));
    }
    cases.push(swiglu(17, 33, 1.0, true));
    // Gates where the exponential overflows on one side and vanishes on the other.
    cases.push(swiglu(3, 40, 60.0, false));

    for layout in [RotaryLayout::Interleaved, RotaryLayout::HalfSplit] {
        for (t, n_heads, head_dim, rotary_dim) in
            [(1, 1, 8, 8), (3, 2, 12, 4), (17, 4, 24, 8), (70, 3, 10, 10), (5, 2, 192, 64)]
        {
            cases.push(rotary(t, n_heads, head_dim, rotary_dim, layout, false));
        }
        cases.push(rotary(17, 1, 16, 16, layout, true));
    }
    cases
}

const EPSILON: f32 = 1e-6;

pub(in crate::conformance) fn rms_norm(t: usize, d: usize, scale: f32, is_strided: bool) -> Case {
    let layout = if is_strided { ", x strided" } else { "" };
    let name = format!("rms_norm T{t} D{d} of size {scale}{layout}");
    let mut random = Random::named(&name);
    let x = Input::wanted("x", random.tensor(&[t, d], scale)).strided(is_strided);
    let w = Input::wanted("w", random.tensor(&[d], 1.0));
    Case::new(name, Bound::F32, vec![x, w], |b, x| vec![b.rms_norm(&x[0], &x[1], EPSILON)])
        .backward(|b, x, d, g| {
            let [d_x, d_w] = places(g);
            b.rms_norm_backward(&d[0], &x[0], &x[1], EPSILON, d_x, Some(d_w));
        })
        .work(4 * t * d, 8 * t * d)
}

fn rms_norm_with_frozen_weight(dtype: DType) -> Case {
    let name = format!("rms_norm with a frozen {} weight", dtype.name());
    let mut random = Random::named(&name);
    let x = Input::wanted("x", random.tensor(&[3, 48], 1.0));
    let row = random.weights(1, 48, dtype);
    let w = Tensor::from_memory(row.memory().clone(), 0, dtype, &[48]);
    let inputs = vec![x, Input::fixed("w", w)];
    Case::new(name, Bound::F32, inputs, |b, x| vec![b.rms_norm(&x[0], &x[1], EPSILON)]).backward(
        |b, x, d, g| {
            b.rms_norm_backward(&d[0], &x[0], &x[1], EPSILON, place(&mut g[0]), None);
        },
    )
}

pub(in crate::conformance) fn swiglu(t: usize, f: usize, scale: f32, is_strided: bool) -> Case {
    let layout = if is_strided { ", both strided" } else { "" };
    let name = format!("swiglu T{t} F{f}, gates of size {scale}{layout}");
    let mut random = Random::named(&name);
    let gate = Input::wanted("gate", random.tensor(&[t, f], scale)).strided(is_strided);
    let up = Input::wanted("up", random.tensor(&[t, f], 1.0)).strided(is_strided);
    Case::new(name, Bound::F32, vec![gate, up], |b, x| vec![b.swiglu(&x[0], &x[1])])
        .backward(|b, x, d, g| {
            let [d_gate, d_up] = places(g);
            b.swiglu_backward(&d[0], &x[0], &x[1], d_gate, d_up);
        })
        .work(5 * t * f, 12 * t * f)
}

fn rotary(
    t: usize,
    n_heads: usize,
    head_dim: usize,
    rotary_dim: usize,
    layout: RotaryLayout,
    is_strided: bool,
) -> Case {
    let strides = if is_strided { ", strided" } else { "" };
    let name = format!("rotary {layout:?} T{t} H{n_heads} {rotary_dim} of {head_dim}{strides}");
    const N_POSITIONS: usize = 90;
    // YaRN's attention factor makes the turning also a scaling.
    const ATTENTION_FACTOR: f32 = 1.3;
    let angle = |i: usize| {
        let (position, pair) = (i / (rotary_dim / 2), i % (rotary_dim / 2));
        position as f32 * 100f32.powf(-2.0 * pair as f32 / rotary_dim as f32)
    };
    let dims = [N_POSITIONS, rotary_dim / 2];
    let table = |function: fn(f32) -> f32| {
        let values: Vec<f32> =
            (0..dims[0] * dims[1]).map(|i| ATTENTION_FACTOR * function(angle(i))).collect();
        Tensor::from_slice(&values, &dims)
    };
    let mut random = Random::named(&name);
    let x = Input::wanted("x", random.tensor(&[t, n_heads * head_dim], 1.0)).strided(is_strided);
    let positions = Input::fixed("positions", random.ids(t, N_POSITIONS));
    let cos = Input::fixed("cos", table(f32::cos));
    let sin = Input::fixed("sin", table(f32::sin));
    let spec =
        move |x: &[Tensor]| RotarySpec { cos: x[2].clone(), sin: x[3].clone(), layout, head_dim };
    Case::new(name, Bound::F32, vec![x, positions, cos, sin], move |b, x| {
        vec![b.rotary(&x[0], &spec(x), &x[1])]
    })
    .backward(move |b, x, d, g| b.rotary_backward(&d[0], &spec(x), &x[1], place(&mut g[0])))
}
