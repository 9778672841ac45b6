//! Softmax attention: causal, windowed, grouped heads, packed documents, cached prefixes.

use std::ops::Range;

use crate::conformance::case::{Bound, Case, Input, places};
use crate::conformance::random::Random;
use crate::dtype::DType;
use crate::specification::{AttentionSpec, Segment};
use crate::tensor::Tensor;

/// One attention, and who attends to whom.
pub(in crate::conformance) struct Shape {
    pub(in crate::conformance) n_heads: usize,
    pub(in crate::conformance) n_kv_heads: usize,
    pub(in crate::conformance) key_dim: usize,
    pub(in crate::conformance) value_dim: usize,
    pub(in crate::conformance) window: Option<usize>,
    /// Query rows and key rows of each segment.
    pub(in crate::conformance) segments: Vec<(Range<usize>, Range<usize>)>,
}

pub(in crate::conformance) fn cases() -> Vec<Case> {
    let heads = |n_heads, n_kv_heads, key_dim, value_dim| Shape {
        n_heads,
        n_kv_heads,
        key_dim,
        value_dim,
        window: None,
        segments: Vec::new(),
    };
    let shapes = [
        heads(1, 1, 8, 8).causal(1),
        heads(2, 2, 16, 16).causal(3),
        heads(3, 3, 24, 16).causal(17),
        heads(2, 2, 20, 13).causal(70),
        heads(4, 2, 24, 16).causal(17),
        heads(4, 1, 8, 8).causal(33),
        heads(2, 2, 8, 8).window(1).causal(5),
        heads(2, 1, 16, 8).window(5).causal(17),
        heads(2, 2, 16, 16).window(16).causal(70),
        heads(2, 2, 16, 8).packed(&[5, 1, 17]),
        heads(4, 2, 10, 6).window(4).packed(&[9, 20, 3]),
        heads(2, 2, 16, 8).segments(&[(0..3, 0..40)]),
        heads(2, 1, 16, 8).segments(&[(0..1, 0..9), (1..2, 16..33), (2..3, 40..41)]),
        heads(4, 2, 12, 20).window(7).segments(&[(0..4, 2..13), (4..9, 13..18), (9..10, 20..48)]),
        heads(2, 2, 192, 128).segments(&[(0..9, 0..75)]),
    ];
    let mut cases: Vec<Case> =
        shapes.iter().flat_map(|s| [attention(s), saving(s), over_bf16(s)]).collect();
    cases.push(over_bf16(&heads(4, 2, 20, 40).segments(&[(0..60, 0..130), (60..61, 140..300)])));
    cases.push(of_columns(&heads(2, 2, 12, 8).window(6).packed(&[10, 7])));
    cases.push(with_sharp_scores(&heads(2, 2, 16, 8).causal(40)));
    cases.push(beside_unwritten_rows(
        &heads(2, 1, 16, 8).segments(&[(0..2, 3..20), (2..3, 24..29)]),
    ));
    cases
}

impl Shape {
    pub(in crate::conformance) fn causal(self, n: usize) -> Self {
        self.packed(&[n])
    }

    fn window(self, window: usize) -> Self {
        Shape { window: Some(window), ..self }
    }

    /// Documents of these lengths, one after the other.
    fn packed(self, lens: &[usize]) -> Self {
        let ends = lens.iter().scan(0, |end, len| {
            *end += len;
            Some(*end - len..*end)
        });
        Shape { segments: ends.map(|rows| (rows.clone(), rows)).collect(), ..self }
    }

    pub(in crate::conformance) fn segments(
        self,
        segments: &[(Range<usize>, Range<usize>)],
    ) -> Self {
        Shape { segments: segments.to_vec(), ..self }
    }

    pub(in crate::conformance) fn n_queries(&self) -> usize {
        self.segments.iter().map(|(queries, _)| queries.end).max().unwrap_or(0)
    }

    pub(in crate::conformance) fn n_keys(&self) -> usize {
        self.segments.iter().map(|(_, keys)| keys.end).max().unwrap_or(0)
    }

    /// Pairs of a query and a key it sees.
    pub(in crate::conformance) fn n_pairs(&self) -> usize {
        let window = self.window.unwrap_or(usize::MAX);
        let seen = |(queries, keys): &(Range<usize>, Range<usize>)| {
            let first = keys.len() - queries.len();
            (0..queries.len()).map(|i| (first + i + 1).min(window)).sum::<usize>()
        };
        self.segments.iter().map(seen).sum()
    }

    /// The specification, with the usual scale times `sharpness`.
    pub(in crate::conformance) fn spec(&self, sharpness: f32) -> AttentionSpec {
        let segments = self.segments.iter().cloned();
        AttentionSpec {
            n_heads: self.n_heads,
            n_kv_heads: self.n_kv_heads,
            scale: sharpness / (self.key_dim as f32).sqrt(),
            window: self.window,
            segments: segments.map(|(queries, keys)| Segment { queries, keys }).collect(),
        }
    }

    pub(in crate::conformance) fn describe(&self) -> String {
        let Shape { n_heads, n_kv_heads, key_dim, value_dim, window, segments } = self;
        let mut text = format!("H{n_heads}/{n_kv_heads} d{key_dim}/{value_dim}");
        if let Some(window) = window {
            text += &format!(" window {window}");
        }
        for (queries, keys) in segments {
            text += &format!(" {queries:?}→{keys:?}");
        }
        text
    }

    fn inputs(&self, name: &str) -> Vec<Input> {
        let mut random = Random::named(name);
        let q = random.tensor(&[self.n_queries(), self.n_heads * self.key_dim], 1.0);
        let k = random.tensor(&[self.n_keys(), self.n_kv_heads * self.key_dim], 1.0);
        let v = random.tensor(&[self.n_keys(), self.n_kv_heads * self.value_dim], 1.0);
        vec![Input::wanted("q", q), Input::wanted("k", k), Input::wanted("v", v)]
    }
}

pub(in crate::conformance) fn attention(shape: &Shape) -> Case {
    let name = format!("attention {}", shape.describe());
    let inputs = shape.inputs(&name);
    with(name, Bound::F32, inputs, shape, 1.0)
}

fn with(name: String, bound: Bound, inputs: Vec<Input>, shape: &Shape, sharpness: f32) -> Case {
    let (spec, twin_spec, saved_spec) =
        (shape.spec(sharpness), shape.spec(sharpness), shape.spec(sharpness));
    let flops = 2 * shape.n_heads * shape.n_pairs() * (shape.key_dim + shape.value_dim);
    let bytes = inputs.iter().map(|input| input.host.len_bytes()).sum();
    Case::new(name, bound, inputs, move |b, x| vec![b.attention(&x[0], &x[1], &x[2], &spec)])
        .twin(move |b, x| vec![b.attention_saving(&x[0], &x[1], &x[2], &twin_spec).0])
        .backward(move |b, x, d, g| {
            let (out, log_sum_exp) = b.attention_saving(&x[0], &x[1], &x[2], &saved_spec);
            let qkv = [&x[0], &x[1], &x[2]];
            b.attention_backward(&d[0], &out, &log_sum_exp, qkv, &saved_spec, places(g));
        })
        .work(flops, bytes)
}

/// Keys and values as a cache may hold them.
pub(in crate::conformance) fn over_bf16(shape: &Shape) -> Case {
    let name = format!("attention over bf16, {}", shape.describe());
    let mut inputs = shape.inputs(&name);
    let mut random = Random::named(&name);
    for (input, name) in inputs[1..].iter_mut().zip(["k", "v"]) {
        *input = Input::fixed(name, random.tensor_of(DType::Bf16, input.host.dims(), 1.0));
    }
    inputs[0].is_wanted = false;
    let (spec, work) = (shape.spec(1.0), shape.n_heads * shape.n_pairs());
    let bytes = inputs.iter().map(|input| input.host.len_bytes()).sum();
    Case::new(name, Bound::BF16_PRODUCTS, inputs, move |b, x| {
        vec![b.attention(&x[0], &x[1], &x[2], &spec)]
    })
    .work(2 * work * (shape.key_dim + shape.value_dim), bytes)
}

/// The log-sum-exp too.
fn saving(shape: &Shape) -> Case {
    let name = format!("attention_saving {}", shape.describe());
    let inputs = shape.inputs(&name);
    let spec = shape.spec(1.0);
    Case::new(name, Bound::F32, inputs, move |b, x| {
        let (out, log_sum_exp) = b.attention_saving(&x[0], &x[1], &x[2], &spec);
        vec![out, log_sum_exp]
    })
}

/// As a fused projection leaves them: queries, keys and values in the same rows.
fn of_columns(shape: &Shape) -> Case {
    let name = format!("attention of columns, {}", shape.describe());
    let inputs = shape.inputs(&name).into_iter().map(|input| input.strided(true)).collect();
    with(name, Bound::F32, inputs, shape, 1.0)
}

/// Scores near ±80: the greatest must be taken away before the exponential, and a score's own
/// rounding, 80 · 2⁻²⁴, is multiplied into the probabilities.
fn with_sharp_scores(shape: &Shape) -> Case {
    let name = format!("attention with sharp scores, {}", shape.describe());
    let inputs = shape.inputs(&name);
    with(name, Bound { absolute: 1e-6, relative: 2e-4 }, inputs, shape, 25.0)
}

/// Rows of the cache that no segment names hold whatever they hold, here NaN.
fn beside_unwritten_rows(shape: &Shape) -> Case {
    let name = format!("attention beside unwritten rows, {}", shape.describe());
    let mut inputs = shape.inputs(&name);
    for input in &mut inputs[1..] {
        let mut values = input.host.to_f32_vec();
        for (row, values) in values.chunks_exact_mut(input.host.cols()).enumerate() {
            if !shape.segments.iter().any(|(_, keys)| keys.contains(&row)) {
                values.fill(f32::NAN);
            }
        }
        *input = Input::fixed(input.name.clone(), Tensor::from_slice(&values, input.host.dims()));
    }
    let spec = shape.spec(1.0);
    Case::new(name, Bound::F32, inputs, move |b, x| vec![b.attention(&x[0], &x[1], &x[2], &spec)])
}
