//! Latent attention: joining keys, and attention on the latents themselves.

use crate::conformance::case::{Bound, Case, Input, places};
use crate::conformance::random::Random;
use crate::dtype::DType;
use crate::packed::Packing;
use crate::specification::{AttentionSpec, LatentDims};
use crate::tensor::Tensor;

use super::attention::Shape;
use super::bound_for;

const SMALL: LatentDims = LatentDims { n_heads: 2, nope: 8, rope: 4, value: 6 };
const ODD: LatentDims = LatentDims { n_heads: 3, nope: 17, rope: 10, value: 19 };
const USUAL: LatentDims = LatentDims { n_heads: 2, nope: 128, rope: 64, value: 128 };

pub(in crate::conformance) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (t, dims) in [(1, SMALL), (3, ODD), (17, SMALL), (70, ODD), (2, USUAL)] {
        cases.push(join_keys(t, dims, DType::F32, false));
        cases.push(join_keys(t, dims, DType::Bf16, false));
    }
    cases.push(join_keys(17, ODD, DType::F32, true));

    let causal = |dims, n| Shape::of(dims).causal(n);
    let decode = |dims| Shape::of(dims).segments(&[(0..1, 0..9), (1..2, 16..33), (2..3, 40..41)]);
    for shape in [
        (SMALL, 12, causal(SMALL, 1)),
        (SMALL, 16, causal(SMALL, 17)),
        (ODD, 33, causal(ODD, 70)),
        (SMALL, 32, Shape::of(SMALL).segments(&[(0..1, 0..70)])),
        (ODD, 24, decode(ODD)),
        (USUAL, 96, Shape::of(USUAL).segments(&[(0..3, 0..40)])),
    ] {
        let (dims, rank, shape) = shape;
        for weights in [DType::F32, DType::Bf16, DType::F16] {
            cases.push(absorbed(dims, rank, &shape, [weights, DType::F32], false));
        }
        cases.push(absorbed(dims, rank, &shape, [DType::F32, DType::Bf16], false));
    }
    let long = Shape::of(USUAL).segments(&[(0..2, 0..300), (2..3, 310..570)]);
    cases.push(absorbed(USUAL, 512, &long, [DType::F32, DType::Bf16], false));
    cases.push(absorbed(SMALL, 32, &decode(SMALL), [DType::Q8_0, DType::F32], false));
    cases.push(absorbed(ODD, 64, &causal(ODD, 17), [DType::Q8_0, DType::F32], false));
    for packing in Packing::ALL {
        let dims = LatentDims { n_heads: 3, nope: 128, rope: 32, value: 16 };
        let shape = Shape::of(dims).segments(&[(0..1, 0..9), (1..2, 16..33)]);
        cases.push(absorbed(dims, 128, &shape, [DType::Packed(packing), DType::F32], false));
        cases.push(absorbed(dims, 128, &shape, [DType::Packed(packing), DType::Bf16], false));
    }
    // The cache keeps latent and rotary key in one row.
    cases.push(absorbed(SMALL, 24, &decode(SMALL), [DType::F32; 2], true));
    cases.push(absorbed(
        SMALL,
        24,
        &Shape { window: Some(5), ..causal(SMALL, 17) },
        [DType::F32; 2],
        true,
    ));
    cases
}

impl Shape {
    /// The unabsorbed attention of these sizes.
    pub(in crate::conformance) fn of(dims: LatentDims) -> Self {
        Shape {
            n_heads: dims.n_heads,
            n_kv_heads: dims.n_heads,
            key_dim: dims.nope + dims.rope,
            value_dim: dims.value,
            window: None,
            segments: Vec::new(),
        }
    }
}

fn join_keys(t: usize, dims: LatentDims, dtype: DType, is_strided: bool) -> Case {
    let LatentDims { n_heads, nope, rope, value } = dims;
    let layout = if is_strided { ", strided" } else { "" };
    let dtype_name = dtype.name();
    let name =
        format!("join_keys {dtype_name} T{t} H{n_heads} {nope}+{rope} values {value}{layout}");
    let mut random = Random::named(&name);
    let kv = Input::wanted("kv", random.tensor(&[t, n_heads * (nope + value)], 1.0));
    let k_rope = Input::wanted("k_rope", random.tensor_of(dtype, &[t, rope], 1.0));
    let mut inputs = vec![kv.strided(is_strided), k_rope.strided(is_strided)];
    let has_gradient = dtype == DType::F32;
    inputs.iter_mut().for_each(|input| input.is_wanted = has_gradient);
    let case = Case::new(name, Bound::EXACT, inputs, move |b, x| {
        let (keys, values) = b.join_keys(&x[0], &x[1], dims);
        vec![keys, values]
    });
    if !has_gradient {
        return case;
    }
    case.backward(move |b, _, d, g| {
        let [d_kv, d_k_rope] = places(g);
        b.join_keys_backward(&d[0], &d[1], dims, d_kv, d_k_rope);
    })
}

pub(in crate::conformance) fn absorbed(
    dims: LatentDims,
    rank: usize,
    shape: &Shape,
    [weights, cache]: [DType; 2],
    is_strided: bool,
) -> Case {
    let LatentDims { n_heads, nope, rope, value } = dims;
    let layout = if is_strided { ", cache strided" } else { "" };
    let (dtypes, shape_name) = ([weights.name(), cache.name()].join(" over "), shape.describe());
    let name = format!("absorbed_attention {dtypes} R{rank} {shape_name}{layout}");
    let mut random = Random::named(&name);
    let q = random.tensor(&[shape.n_queries(), n_heads * (nope + rope)], 1.0);
    let kv_b = random.weights(n_heads * (nope + value), rank, weights);
    let key = exchanged(&kv_b, dims);
    let latent = random.tensor_of(cache, &[shape.n_keys(), rank], 1.0);
    let k_rope = random.tensor_of(cache, &[shape.n_keys(), rope], 1.0);
    let (flops, bytes) = {
        let projections = shape.n_queries() * n_heads * (nope + value) * rank;
        let products = shape.n_pairs() * n_heads * (2 * rank + rope);
        (2 * (projections + products), kv_b.len_bytes() + latent.len_bytes() + k_rope.len_bytes())
    };
    let inputs = vec![
        Input::fixed("q", q),
        Input::fixed("kv_b", kv_b),
        Input::fixed("key", key),
        Input::fixed("latent", latent).strided(is_strided),
        Input::fixed("k_rope", k_rope).strided(is_strided),
    ];
    // The number of key heads is not looked at: there is one latent for all.
    let spec = AttentionSpec { n_kv_heads: 1, ..shape.spec(1.0) };
    let twin_spec = shape.spec(1.0);
    let bound = match cache {
        DType::Bf16 => bound_for(weights).or(Bound::BF16_PRODUCTS),
        _ => bound_for(weights),
    };
    Case::new(name, bound, inputs, move |b, x| {
        let given = |key| b.absorbed_attention(&x[0], &x[1], key, &x[3], &x[4], dims, &spec);
        vec![given(None), given(Some(&x[2]))]
    })
    .twin(move |b, x| {
        let (keys, values) = b.join_keys(&b.linear(&b.widen(&x[3]), &x[1]), &x[4], dims);
        let out = b.attention(&x[0], &keys, &values, &twin_spec);
        vec![out.clone(), out]
    })
    .work(flops, bytes)
}

/// The key part of `kv_b`, rows and columns exchanged within each head, in `f32`.
fn exchanged(kv_b: &Tensor, dims: LatentDims) -> Tensor {
    let LatentDims { n_heads, nope, value, .. } = dims;
    let (rank, all) = (kv_b.cols(), kv_b.to_f32_vec());
    let mut key = Vec::with_capacity(n_heads * rank * nope);
    for head in 0..n_heads {
        for r in 0..rank {
            key.extend((0..nope).map(|i| all[(head * (nope + value) + i) * rank + r]));
        }
    }
    Tensor::from_slice(&key, &[n_heads * rank, nope])
}
