//! The gradients of attention, one key-value head of one segment at a time.

use std::ops::Range;

use hadal_tensor::{Accumulate, AttentionSpec, Gradient, Segment, Tensor};
use rayon::prelude::*;

use crate::Cpu;
use crate::elementwise::accumulate;
use crate::gemm::{Threads, View};
use crate::lanes::{dot, exp_shifted};

use super::{BLOCK, Inputs, Shape, blocks_of, head_of};

/// The gradients of one key-value head over one segment, rows contiguous.
struct HeadGradients {
    /// Of the queries of each head that shares it, `[group, queries, key_dim]`.
    d_q: Tensor,
    /// `[keys, key_dim]`.
    d_k: Tensor,
    /// `[keys, value_dim]`.
    d_v: Tensor,
}

pub(crate) fn attention_backward(
    cpu: &Cpu,
    d_out: &Tensor,
    out: &Tensor,
    log_sum_exp: &Tensor,
    [q, k, v]: [&Tensor; 3],
    spec: &AttentionSpec,
    [d_q, d_k, d_v]: [&mut Gradient; 3],
) {
    let shape = Shape::of(q, v, spec);
    let inputs = (q.matrix::<f32>(), k.matrix::<f32>(), v.matrix::<f32>());
    let outputs = (d_out.matrix::<f32>(), out.matrix::<f32>(), log_sum_exp.matrix::<f32>());
    let tasks: Vec<(&Segment, usize)> = (spec.segments.iter())
        .flat_map(|segment| (0..shape.n_kv_heads).map(move |kv_head| (segment, kv_head)))
        .collect();
    let parts: Vec<HeadGradients> = cpu.install(|| {
        tasks
            .par_iter()
            .map(|&(segment, kv_head)| {
                head_backward(cpu, shape, spec, (segment, kv_head), inputs, outputs)
            })
            .collect()
    });
    // Each row of a gradient is gathered from the heads in their order.
    let group = shape.n_heads / shape.n_kv_heads;
    let per_segment = |parts: &[HeadGradients], row: usize, take: fn(&HeadGradients) -> &Tensor| {
        let dim = take(&parts[0]).cols();
        let slices =
            parts.iter().map(move |part| &take(part).as_slice::<f32>()[row * dim..][..dim]);
        slices.collect::<Vec<_>>().concat()
    };
    let by_segment = || spec.segments.iter().zip(parts.chunks_exact(shape.n_kv_heads));
    scatter(cpu, d_q, by_segment().map(|(s, parts)| (s.queries.clone(), parts)), |parts, row| {
        let n_queries = parts[0].d_q.rows() / group;
        let mut gathered = Vec::with_capacity(shape.n_heads * shape.key_dim);
        for part in parts {
            for member in 0..group {
                let at = (member * n_queries + row) * shape.key_dim;
                gathered.extend_from_slice(&part.d_q.as_slice::<f32>()[at..][..shape.key_dim]);
            }
        }
        gathered
    });
    let keys = || by_segment().map(|(s, parts)| (s.keys.clone(), parts));
    scatter(cpu, d_k, keys(), |parts, row| per_segment(parts, row, |part| &part.d_k));
    scatter(cpu, d_v, keys(), |parts, row| per_segment(parts, row, |part| &part.d_v));
}

/// Writes rows gathered from parts; rows of no segment get nothing.
fn scatter<'a>(
    cpu: &Cpu,
    gradient: &mut Gradient,
    segments: impl Iterator<Item = (Range<usize>, &'a [HeadGradients])>,
    gather: impl Fn(&[HeadGradients], usize) -> Vec<f32> + Sync,
) {
    let (mode, gradient) = gradient.write();
    let dim = gradient.cols();
    let mut owners: Vec<Vec<(&[HeadGradients], usize)>> = vec![Vec::new(); gradient.rows()];
    for (rows, parts) in segments {
        for (row, owner) in owners[rows].iter_mut().enumerate() {
            owner.push((parts, row));
        }
    }
    cpu.for_row_tasks(gradient.as_mut_slice::<f32>(), dim, 64, |first, out| {
        for (out, owners) in out.chunks_exact_mut(dim).zip(&owners[first..]) {
            if owners.is_empty() && mode == Accumulate::Store {
                out.fill(0.0);
            }
            for (i, (parts, row)) in owners.iter().enumerate() {
                let mode = if i == 0 { mode } else { Accumulate::Add };
                accumulate(cpu, mode, &gather(parts, *row), out);
            }
        }
    });
}

/// With `P` the probabilities, `g` the output's gradient: `d_v = Pᵀ g`, and with
/// `S = P (g vᵀ - rowsum(g · out)) scale`: `d_q = S k`, `d_k = Sᵀ q`.
fn head_backward(
    cpu: &Cpu,
    shape: Shape,
    spec: &AttentionSpec,
    (segment, kv_head): (&Segment, usize),
    (q, k, v): Inputs<'_>,
    (d_out, out, log_sum_exp): Inputs<'_>,
) -> HeadGradients {
    let Shape { n_heads, n_kv_heads, key_dim, value_dim } = shape;
    let group = n_heads / n_kv_heads;
    let (n_queries, n_keys) = (segment.queries.len(), segment.keys.len());
    let mut part = HeadGradients {
        d_q: cpu.buffer(&[group * n_queries, key_dim]),
        d_k: cpu.zeroed(&[n_keys, key_dim]),
        d_v: cpu.zeroed(&[n_keys, value_dim]),
    };
    let (key_at, value_at) = (kv_head * key_dim, kv_head * value_dim);
    for member in 0..group {
        let head = kv_head * group + member;
        for block in blocks_of(segment, spec.window, BLOCK) {
            let (rows, seen) = (block.queries.len(), block.keys.len());
            let first_key = block.keys.start - segment.keys.start;
            let queries = head_of(q, block.queries.start, head * key_dim);
            let keys = head_of(k, block.keys.start, key_at);
            let values = head_of(v, block.keys.start, value_at);
            let d_outs = head_of(d_out, block.queries.start, head * value_dim);

            let mut weights = cpu.buffer(&[rows, seen]);
            let weights = weights.as_mut_slice::<f32>();
            let into = (&mut *weights, seen);
            let scores = [rows, key_dim, seen];
            let (keys_t, values_t) = (keys.transposed(), values.transposed());
            cpu.multiply_unrounded(
                scores,
                queries,
                keys_t,
                spec.scale,
                into,
                Accumulate::Store,
                Threads::One,
            );
            for (i, row) in weights.chunks_exact_mut(seen).enumerate() {
                let visible = block.visible(i);
                let shift = log_sum_exp.row(block.queries.start + i)[head];
                exp_shifted(cpu.isa, &mut row[visible.clone()], shift);
                row[..visible.start].fill(0.0);
                row[visible.end..].fill(0.0);
            }

            let d_v = &mut part.d_v.as_mut_slice::<f32>()[first_key * value_dim..];
            let weights_t = View::rows(weights, seen).transposed();
            let into = (d_v, value_dim);
            let dims = [seen, rows, value_dim];
            cpu.multiply(dims, weights_t, d_outs, 1.0, into, Accumulate::Add, Threads::One);

            let mut d_scores = cpu.buffer(&[rows, seen]);
            let d_scores = d_scores.as_mut_slice::<f32>();
            let dims = [rows, value_dim, seen];
            let into = (&mut *d_scores, seen);
            // Most of it cancels against `pull` where the softmax is sharp.
            cpu.multiply_unrounded(
                dims,
                d_outs,
                values_t,
                1.0,
                into,
                Accumulate::Store,
                Threads::One,
            );
            let rows_of_scores = d_scores.chunks_exact_mut(seen).zip(weights.chunks_exact(seen));
            for (i, (d_row, weights)) in rows_of_scores.enumerate() {
                let row = block.queries.start + i;
                let mine = head * value_dim..(head + 1) * value_dim;
                let pull = dot(cpu.isa, &d_out.row(row)[mine.clone()], &out.row(row)[mine]);
                for (d_score, weight) in d_row.iter_mut().zip(weights) {
                    *d_score = weight * (*d_score - pull) * spec.scale;
                }
            }

            let first_query = member * n_queries + block.queries.start - segment.queries.start;
            let d_q = &mut part.d_q.as_mut_slice::<f32>()[first_query * key_dim..];
            let scores = View::rows(d_scores, seen);
            let dims = [rows, seen, key_dim];
            cpu.multiply(dims, scores, keys, 1.0, (d_q, key_dim), Accumulate::Store, Threads::One);
            let d_k = &mut part.d_k.as_mut_slice::<f32>()[first_key * key_dim..];
            let (dims, scores_t) = ([seen, rows, key_dim], scores.transposed());
            cpu.multiply(
                dims,
                scores_t,
                queries,
                1.0,
                (d_k, key_dim),
                Accumulate::Add,
                Threads::One,
            );
        }
    }
    part
}
