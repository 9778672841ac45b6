//! Softmax attention, a block of queries at a time over the keys it can see (Dao et al. 2022).

mod backward;
mod keys;
#[cfg(target_arch = "x86_64")]
mod rounded;

use std::ops::Range;

use hadal_tensor::{Accumulate, AttentionSpec, DType, Matrix, Segment, Tensor};

use crate::Cpu;
#[cfg(target_arch = "x86_64")]
use crate::Isa;
use crate::elementwise::widen;
use crate::gemm::{Threads, View};
use crate::lanes::{axpy, dot, softmax};
use crate::linear::FEW_ROWS;

pub(crate) use backward::attention_backward;
pub(crate) use keys::{join_keys, join_keys_backward};

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
#[derive(Clone)]
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
    spec.segments.iter().flat_map(|segment| blocks_of(segment, spec.window, len)).collect()
}

/// Blocks of up to `len` queries of one segment.
fn blocks_of(
    segment: &Segment,
    window: Option<usize>,
    len: usize,
) -> impl Iterator<Item = Block> + '_ {
    let all = segment.queries.clone();
    let starts = all.clone().step_by(len);
    starts.map(move |start| Block::new(segment, start..(start + len).min(all.end), window))
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

/// Gives the output `[T, H · dv]`.
pub(crate) fn attention(
    cpu: &Cpu,
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    spec: &AttentionSpec,
) -> Tensor {
    if k.dtype() != DType::Bf16 {
        return attention_saving(cpu, q, k, v, spec).0;
    }
    #[cfg(target_arch = "x86_64")]
    if cpu.isa == Isa::Avx512Bf16 && q.rows() > FEW_ROWS {
        return rounded::attention(cpu, q, k, v, spec);
    }
    attention_saving(cpu, q, &widen(cpu, k), &widen(cpu, v), spec).0
}

/// Gives the output `[T, H · dv]` and the log-sum-exp `[T, H]`.
pub(crate) fn attention_saving(
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
