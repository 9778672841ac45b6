//! Softmax attention, a block of queries at a time over the keys it can see (Dao et al. 2022).

use std::ops::Range;

use hadal_tensor::{Accumulate, AttentionSpec, Gradient, LatentDims, Matrix, Segment, Tensor};
use rayon::prelude::*;

use crate::Cpu;
use crate::elementwise::accumulate;
use crate::gemm::{Threads, View};
use crate::lanes::{axpy, dot, exp_shifted, softmax};
use crate::linear::FEW_ROWS;

/// Queries of one block: their scores over a few hundred keys stay in the second-level cache.
const BLOCK: usize = 64;

/// Sizes of attention over given inputs.
#[derive(Clone, Copy)]
struct Shape {
    n_heads: usize,
    n_kv_heads: usize,
    key_dim: usize,
    value_dim: usize,
}

impl Shape {
    fn of(q: &Tensor, v: &Tensor, spec: &AttentionSpec) -> Self {
        let (n_heads, n_kv_heads) = (spec.n_heads, spec.n_kv_heads);
        let (key_dim, value_dim) = (q.cols() / n_heads, v.cols() / n_kv_heads);
        Shape { n_heads, n_kv_heads, key_dim, value_dim }
    }

    fn kv_head(&self, head: usize) -> usize {
        head / (self.n_heads / self.n_kv_heads)
    }
}

/// Consecutive queries of one segment, and the keys that at least one of them sees.
pub(crate) struct Block {
    pub(crate) queries: Range<usize>,
    pub(crate) keys: Range<usize>,
    /// The last key that the first query sees.
    first_last_key: usize,
    window: Option<usize>,
}

impl Block {
    fn new(segment: &Segment, queries: Range<usize>, window: Option<usize>) -> Self {
        let n_queries = segment.queries.len();
        let offset = segment.keys.len() - n_queries + segment.keys.start;
        let last_key_of = |query: usize| offset + query - segment.queries.start;
        let first_last_key = last_key_of(queries.start);
        let begin = window.map_or(0, |window| (first_last_key + 1).saturating_sub(window));
        let keys = begin.max(segment.keys.start)..last_key_of(queries.end - 1) + 1;
        Block { queries, keys, first_last_key, window }
    }

    /// The keys that query `i` of the block sees, counted from the block's first key.
    pub(crate) fn visible(&self, i: usize) -> Range<usize> {
        let end = self.first_last_key + i + 1;
        let begin = self.window.map_or(0, |window| end.saturating_sub(window));
        begin.max(self.keys.start) - self.keys.start..end - self.keys.start
    }
}

/// Blocks of up to `len` queries over all segments, in the order of the rows.
pub(crate) fn blocks(spec: &AttentionSpec, len: usize) -> Vec<Block> {
    let cut = |segment: &Segment| {
        let (segment, all) = (segment.clone(), segment.queries.clone());
        all.clone()
            .step_by(len)
            .map(move |start| Block::new(&segment, start..(start + len).min(all.end), spec.window))
    };
    spec.segments.iter().flat_map(cut).collect()
}

/// Splits the rows of `out` among blocks, so that each may be written on its own.
pub(crate) fn split_rows<'a>(
    mut out: &'a mut [f32],
    dim: usize,
    blocks: &[Block],
) -> Vec<&'a mut [f32]> {
    blocks
        .iter()
        .map(|block| {
            let (mine, rest) = std::mem::take(&mut out).split_at_mut(block.queries.len() * dim);
            out = rest;
            mine
        })
        .collect()
}

fn head_of(matrix: Matrix<'_, f32>, first_row: usize, column: usize) -> View<'_> {
    View::rows(&matrix.data[first_row * matrix.stride + column..], matrix.stride)
}

/// Gives the output `[T, H · dv]` and the log-sum-exp `[T, H]`.
pub(crate) fn attention(
    cpu: &Cpu,
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    spec: &AttentionSpec,
) -> (Tensor, Tensor) {
    let shape = Shape::of(q, v, spec);
    let n_tokens = q.rows();
    let mut out = cpu.buffer(&[n_tokens, shape.n_heads * shape.value_dim]);
    let mut log_sum_exp = cpu.buffer(&[n_tokens, shape.n_heads]);
    // Few queries are each computed as alone, so that drafts can be checked together.
    let blocks = blocks(spec, if n_tokens <= FEW_ROWS { 1 } else { BLOCK });
    let (q, k, v) = (q.matrix::<f32>(), k.matrix::<f32>(), v.matrix::<f32>());
    let outs = split_rows(out.as_mut_slice(), shape.n_heads * shape.value_dim, &blocks);
    let sums = split_rows(log_sum_exp.as_mut_slice(), shape.n_heads, &blocks);
    let work: usize = blocks.iter().map(|block| block.queries.len() * block.keys.len()).sum();
    let tasks: Vec<_> = blocks.iter().zip(outs).zip(sums).collect();
    cpu.for_each(tasks, work * q.cols, |((block, out), log_sum_exp)| {
        if block.queries.len() == 1 {
            one_query(cpu, shape, block, spec.scale, (q, k, v), out, log_sum_exp);
        } else {
            block_forward(cpu, shape, block, spec.scale, (q, k, v), out, log_sum_exp);
        }
    });
    (out, log_sum_exp)
}

type Inputs<'a> = (Matrix<'a, f32>, Matrix<'a, f32>, Matrix<'a, f32>);

fn block_forward(
    cpu: &Cpu,
    shape: Shape,
    block: &Block,
    scale: f32,
    (q, k, v): Inputs<'_>,
    out: &mut [f32],
    log_sum_exp: &mut [f32],
) {
    let (n_queries, n_keys) = (block.queries.len(), block.keys.len());
    let mut scores = cpu.buffer(&[n_queries, n_keys]);
    let scores = scores.as_mut_slice::<f32>();
    for head in 0..shape.n_heads {
        let kv_head = shape.kv_head(head);
        let queries = head_of(q, block.queries.start, head * shape.key_dim);
        let keys = head_of(k, block.keys.start, kv_head * shape.key_dim).transposed();
        let dims = [n_queries, shape.key_dim, n_keys];
        let into = (&mut *scores, n_keys);
        cpu.multiply_unrounded(dims, queries, keys, scale, into, Accumulate::Store, Threads::One);
        for (i, row) in scores.chunks_exact_mut(n_keys).enumerate() {
            let visible = block.visible(i);
            log_sum_exp[i * shape.n_heads + head] = softmax(cpu.isa, &mut row[visible.clone()]);
            row[..visible.start].fill(0.0);
            row[visible.end..].fill(0.0);
        }
        let weights = View::rows(scores, n_keys);
        let values = head_of(v, block.keys.start, kv_head * shape.value_dim);
        let dims = [n_queries, n_keys, shape.value_dim];
        let into = (&mut out[head * shape.value_dim..], shape.n_heads * shape.value_dim);
        cpu.multiply(dims, weights, values, 1.0, into, Accumulate::Store, Threads::One);
    }
}

/// Decoding: no product is worth setting up for one query.
fn one_query(
    cpu: &Cpu,
    shape: Shape,
    block: &Block,
    scale: f32,
    (q, k, v): Inputs<'_>,
    out: &mut [f32],
    log_sum_exp: &mut [f32],
) {
    let query = q.row(block.queries.start);
    let mut scores = vec![0.0; block.keys.len()];
    for head in 0..shape.n_heads {
        let (key_at, value_at) =
            (shape.kv_head(head) * shape.key_dim, shape.kv_head(head) * shape.value_dim);
        let query = &query[head * shape.key_dim..][..shape.key_dim];
        for (score, key) in scores.iter_mut().zip(block.keys.clone()) {
            *score = scale * dot(cpu.isa, query, &k.row(key)[key_at..][..shape.key_dim]);
        }
        log_sum_exp[head] = softmax(cpu.isa, &mut scores);
        let out = &mut out[head * shape.value_dim..][..shape.value_dim];
        out.fill(0.0);
        for (weight, key) in scores.iter().zip(block.keys.clone()) {
            axpy(cpu.isa, *weight, &v.row(key)[value_at..][..shape.value_dim], out);
        }
    }
}

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
    let alone = AttentionSpec { segments: [segment.clone()].into(), ..spec.clone() };
    let (key_at, value_at) = (kv_head * key_dim, kv_head * value_dim);
    for member in 0..group {
        let head = kv_head * group + member;
        for block in blocks(&alone, BLOCK) {
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

pub(crate) fn join_keys(
    cpu: &Cpu,
    kv: &Tensor,
    k_rope: &Tensor,
    dims: LatentDims,
) -> (Tensor, Tensor) {
    let LatentDims { n_heads, nope, rope, value } = dims;
    let n_tokens = kv.rows();
    let mut keys = cpu.buffer(&[n_tokens, n_heads * (nope + rope)]);
    let mut values = cpu.buffer(&[n_tokens, n_heads * value]);
    let (kv, k_rope) = (kv.matrix::<f32>(), k_rope.matrix::<f32>());
    cpu.for_row_tasks(keys.as_mut_slice::<f32>(), n_heads * (nope + rope), 64, |first, out| {
        for (i, row) in out.chunks_exact_mut(n_heads * (nope + rope)).enumerate() {
            let (kv, k_rope) = (kv.row(first + i), k_rope.row(first + i));
            for (head, kv) in row.chunks_exact_mut(nope + rope).zip(kv.chunks_exact(nope + value)) {
                head[..nope].copy_from_slice(&kv[..nope]);
                head[nope..].copy_from_slice(k_rope);
            }
        }
    });
    cpu.for_row_tasks(values.as_mut_slice::<f32>(), n_heads * value, 64, |first, out| {
        for (i, row) in out.chunks_exact_mut(n_heads * value).enumerate() {
            let kv = kv.row(first + i).chunks_exact(nope + value);
            for (head, kv) in row.chunks_exact_mut(value).zip(kv) {
                head.copy_from_slice(&kv[nope..]);
            }
        }
    });
    (keys, values)
}

pub(crate) fn join_keys_backward(
    cpu: &Cpu,
    d_keys: &Tensor,
    d_values: &Tensor,
    dims: LatentDims,
    d_kv: &mut Gradient,
    d_k_rope: &mut Gradient,
) {
    let LatentDims { nope, rope, value, .. } = dims;
    let (d_keys, d_values) = (d_keys.matrix::<f32>(), d_values.matrix::<f32>());
    let (mode, d_kv) = d_kv.write();
    let width = d_kv.cols();
    cpu.for_row_tasks(d_kv.as_mut_slice::<f32>(), width, 64, |first, out| {
        for (i, row) in out.chunks_exact_mut(width).enumerate() {
            let d_keys = d_keys.row(first + i).chunks_exact(nope + rope);
            let d_values = d_values.row(first + i).chunks_exact(value);
            for ((head, d_key), d_value) in
                row.chunks_exact_mut(nope + value).zip(d_keys).zip(d_values)
            {
                accumulate(cpu, mode, &d_key[..nope], &mut head[..nope]);
                accumulate(cpu, mode, d_value, &mut head[nope..]);
            }
        }
    });
    let (mode, d_k_rope) = d_k_rope.write();
    cpu.for_row_tasks(d_k_rope.as_mut_slice::<f32>(), rope, 256, |first, out| {
        for (i, row) in out.chunks_exact_mut(rope).enumerate() {
            let d_keys = d_keys.row(first + i).chunks_exact(nope + rope);
            for (head, d_key) in d_keys.enumerate() {
                let mode = if head == 0 { mode } else { Accumulate::Add };
                accumulate(cpu, mode, &d_key[nope..], row);
            }
        }
    });
}
