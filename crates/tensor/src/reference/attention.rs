//! Causal softmax attention, forward and backward.
//!
//! Legend: `T` query rows, `S` key rows, `H` query heads, `d` numbers in a key's head, `dv` in a
//! value's.

use std::ops::Range;

use crate::differentiable::Gradient;
use crate::specification::{AttentionSpec, Segment};
use crate::tensor::Tensor;

use super::grid::{Grid, add_scaled, dot, log_sum_exp};

/// The key rows that query number `i` of a segment sees.
pub(super) fn visible_keys(segment: &Segment, i: usize, window: Option<usize>) -> Range<usize> {
    let end = segment.keys.end - segment.queries.len() + i + 1;
    let start = match window {
        Some(window) => segment.keys.start.max(end.saturating_sub(window)),
        None => segment.keys.start,
    };
    start..end
}

/// Calls `visit` with every query row and the key rows it sees.
pub(super) fn for_each_query(spec: &AttentionSpec, mut visit: impl FnMut(usize, Range<usize>)) {
    for segment in spec.segments.iter() {
        for (i, query) in segment.queries.clone().enumerate() {
            visit(query, visible_keys(segment, i, spec.window));
        }
    }
}

/// Where head `h` lies in a row of `n_heads` heads.
fn head(row: &[f64], h: usize, n_heads: usize) -> &[f64] {
    let dim = row.len() / n_heads;
    &row[h * dim..][..dim]
}

fn head_mut(row: &mut [f64], h: usize, n_heads: usize) -> &mut [f64] {
    let dim = row.len() / n_heads;
    &mut row[h * dim..][..dim]
}

/// The output `[T, H · dv]` and the logarithm of each softmax denominator `[T, H]`.
pub(super) fn attention_saving(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    spec: &AttentionSpec,
) -> (Tensor, Tensor) {
    let (n_heads, n_kv_heads) = (spec.n_heads, spec.n_kv_heads);
    let (q, k, v) = (Grid::read(q), Grid::read(k), Grid::read(v));
    let mut out = Grid::zeros(q.rows, n_heads * (v.cols / n_kv_heads));
    let mut saved = Grid::zeros(q.rows, n_heads);
    for_each_query(spec, |t, keys| {
        for h in 0..n_heads {
            let kv_head = h * n_kv_heads / n_heads;
            let query = head(q.row(t), h, n_heads);
            let score = |s| f64::from(spec.scale) * dot(query, head(k.row(s), kv_head, n_kv_heads));
            let scores: Vec<f64> = keys.clone().map(score).collect();
            let log_denominator = log_sum_exp(&scores);
            for (s, score) in keys.clone().zip(&scores) {
                let probability = (score - log_denominator).exp();
                let value = head(v.row(s), kv_head, n_kv_heads);
                add_scaled(head_mut(out.row_mut(t), h, n_heads), probability, value);
            }
            saved.row_mut(t)[h] = log_denominator;
        }
    });
    (out.into_tensor(), saved.into_tensor())
}

/// With `P` the probabilities recomputed from the saved denominators, and `dP = d_out Vᵀ`:
/// `dS = P (dP - rowsum(d_out · out))`, `dQ = scale dS K`, `dK = scale dSᵀ Q`, `dV = Pᵀ d_out`.
pub(super) fn attention_backward(
    d_out: &Tensor,
    out: &Tensor,
    log_sum_exp: &Tensor,
    [q, k, v]: [&Tensor; 3],
    spec: &AttentionSpec,
    [d_q, d_k, d_v]: [&mut Gradient; 3],
) {
    let (n_heads, n_kv_heads) = (spec.n_heads, spec.n_kv_heads);
    let scale = f64::from(spec.scale);
    let (d_out, out, saved) = (Grid::read(d_out), Grid::read(out), Grid::read(log_sum_exp));
    let (q, k, v) = (Grid::read(q), Grid::read(k), Grid::read(v));
    let mut q_sums = Grid::zeros(q.rows, q.cols);
    let mut k_sums = Grid::zeros(k.rows, k.cols);
    let mut v_sums = Grid::zeros(v.rows, v.cols);
    for_each_query(spec, |t, keys| {
        for h in 0..n_heads {
            let kv_head = h * n_kv_heads / n_heads;
            let query = head(q.row(t), h, n_heads);
            let d_out = head(d_out.row(t), h, n_heads);
            let mean = dot(d_out, head(out.row(t), h, n_heads));
            for s in keys.clone() {
                let key = head(k.row(s), kv_head, n_kv_heads);
                let value = head(v.row(s), kv_head, n_kv_heads);
                let probability = (scale * dot(query, key) - saved.row(t)[h]).exp();
                let d_score = scale * probability * (dot(d_out, value) - mean);
                add_scaled(head_mut(q_sums.row_mut(t), h, n_heads), d_score, key);
                add_scaled(head_mut(k_sums.row_mut(s), kv_head, n_kv_heads), d_score, query);
                add_scaled(head_mut(v_sums.row_mut(s), kv_head, n_kv_heads), probability, d_out);
            }
        }
    });
    q_sums.write_to(d_q);
    k_sums.write_to(d_k);
    v_sums.write_to(d_v);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_stand_at_the_end_of_their_keys() {
        let segment = Segment { queries: 2..4, keys: 10..15 };
        assert_eq!(visible_keys(&segment, 0, None), 10..14);
        assert_eq!(visible_keys(&segment, 1, None), 10..15);
        assert_eq!(visible_keys(&segment, 1, Some(2)), 13..15);
        assert_eq!(visible_keys(&segment, 0, Some(100)), 10..14);
    }

    #[test]
    fn a_lone_key_gives_its_value() {
        let x = Tensor::from_slice(&[3f32, -1.0], &[1, 2]);
        let spec = AttentionSpec {
            n_heads: 1,
            n_kv_heads: 1,
            scale: 0.7,
            window: None,
            segments: [Segment { queries: 0..1, keys: 0..1 }].into(),
        };
        let (out, saved) = attention_saving(&x, &x, &x, &spec);
        assert_eq!(out.to_f32_vec(), [3.0, -1.0]);
        assert_eq!(saved.to_f32_vec(), [7.0]);
    }
}
