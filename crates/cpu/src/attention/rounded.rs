//! Attention of many queries over `bf16` keys and values, by the tile of `bf16` products.
//!
//! Keys and values of a head are packed once for all its queries. A block of queries then meets all
//! keys that one of it sees: scores, softmax, and the probabilities rounded as the other factor.

use hadal_tensor::{Accumulate, AttentionSpec, HostBuffer, Tensor};
use half::bf16;

use crate::Cpu;
use crate::bf16::kernel::{TILE_COLS, TILE_ROWS, Target, tile};
use crate::bf16::pack::{Lines, panel_len, panels};
use crate::bf16::{pairs, pairs_mut};
use crate::lanes::softmax;
use crate::rows::Rows;

use super::{Block, Shape, blocks_of};

/// Queries of one block: four tiles. Their scores over a thousand keys stay in the second-level
/// cache.
const QUERIES: usize = 4 * TILE_ROWS;

/// The packed keys and values of one key-value head over the keys of one segment.
struct Packed {
    /// First key, of all.
    first: usize,
    n_keys: usize,
    /// Panels of [`TILE_COLS`] keys.
    keys: HostBuffer,
    /// Panels of [`TILE_COLS`] columns.
    values: HostBuffer,
}

/// As [`super::attention`].
pub(super) fn attention(
    cpu: &Cpu,
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    spec: &AttentionSpec,
) -> Tensor {
    let shape = Shape::of(q, v, spec);
    let segments: Vec<_> = spec.segments.iter().filter(|s| !s.queries.is_empty()).collect();
    let mut packed: Vec<Option<Packed>> = Vec::new();
    packed.resize_with(segments.len() * shape.n_kv_heads, || None);
    let places: Vec<_> = packed.iter_mut().enumerate().collect();
    let numbers = segments.iter().map(|segment| segment.keys.len() * (k.cols() + v.cols())).sum();
    cpu.for_each(places, numbers, |(place, packed)| {
        let keys = segments[place / shape.n_kv_heads].keys.clone();
        let head = place % shape.n_kv_heads;
        *packed = Some(pack(cpu, shape, head, [k, v], (keys.start, keys.len())));
    });

    let mut out = cpu.buffer(&[q.rows(), shape.n_heads * shape.value_dim]);
    let into = Rows::of(out.as_mut_slice(), shape.n_heads * shape.value_dim);
    let tasks: Vec<(usize, Block, usize)> = segments
        .iter()
        .enumerate()
        .flat_map(|(at, segment)| {
            let blocks = blocks_of(segment, spec.window, QUERIES);
            blocks.flat_map(move |block| {
                (0..shape.n_heads).map(move |head| (at, block.clone(), head))
            })
        })
        .collect();
    let pairs: usize =
        tasks.iter().map(|(_, block, _)| block.queries.len() * block.keys.len()).sum();
    cpu.for_tasks(tasks.len(), pairs * shape.key_dim, |task| {
        let (at, block, head) = &tasks[task];
        let place = at * shape.n_kv_heads + shape.kv_head(*head);
        let packed = packed[place].as_ref().expect("every head was packed");
        meet(cpu, shape, (block, *head), q, packed, spec.scale, into);
    });
    out
}

fn pack(
    cpu: &Cpu,
    shape: Shape,
    kv_head: usize,
    [k, v]: [&Tensor; 2],
    (first, n_keys): (usize, usize),
) -> Packed {
    let Shape { key_dim, value_dim, .. } = shape;
    let (k, v) = (k.matrix::<bf16>(), v.matrix::<bf16>());
    let room = |lines: usize, numbers: usize| {
        let n_panels = lines.div_ceil(TILE_COLS);
        cpu.memory.take(4 * n_panels * panel_len::<TILE_COLS>(numbers.div_ceil(2)))
    };
    let (mut keys, mut values) = (room(n_keys, key_dim), room(value_dim, n_keys));
    let data = &k.data[first * k.stride + kv_head * key_dim..];
    let lines = Lines { data, line_stride: k.stride, k_stride: 1 };
    // SAFETY: this way is taken only where the processor multiplies in bf16.
    unsafe { panels::<TILE_COLS, bf16>(lines, (0, n_keys), (0, key_dim), pairs_mut(&mut keys)) };
    let data = &v.data[first * v.stride + kv_head * value_dim..];
    let lines = Lines { data, line_stride: 1, k_stride: v.stride };
    // SAFETY: as above.
    unsafe {
        panels::<TILE_COLS, bf16>(lines, (0, value_dim), (0, n_keys), pairs_mut(&mut values))
    };
    Packed { first, n_keys, keys, values }
}

/// One head of one block of queries over the keys it sees.
fn meet(
    cpu: &Cpu,
    shape: Shape,
    (block, head): (&Block, usize),
    q: &Tensor,
    packed: &Packed,
    scale: f32,
    into: Rows,
) {
    let Shape { key_dim, value_dim, .. } = shape;
    let (q, n_queries) = (q.matrix::<f32>(), block.queries.len());
    // The panels that hold the block's keys; what else they hold gets no weight.
    let seen = block.keys.start - packed.first..block.keys.end - packed.first;
    let first = seen.start / TILE_COLS * TILE_COLS;
    let n_keys = seen.end - first;
    let key_pairs = key_dim.div_ceil(2);
    let row_panels = n_queries.div_ceil(TILE_ROWS);

    let mut rows = cpu.memory.take(4 * row_panels * panel_len::<TILE_ROWS>(key_pairs));
    let data = &q.data[block.queries.start * q.stride + head * key_dim..];
    let lines = Lines { data, line_stride: q.stride, k_stride: 1 };
    // SAFETY: this way is taken only where the processor multiplies in bf16.
    unsafe { panels::<TILE_ROWS, f32>(lines, (0, n_queries), (0, key_dim), pairs_mut(&mut rows)) };
    let (rows, keys) = (pairs(&rows), pairs(&packed.keys));

    let stride = n_keys.next_multiple_of(TILE_COLS);
    let mut scores = cpu.buffer(&[n_queries, stride]);
    let scores = scores.as_mut_slice::<f32>();
    for key in (0..n_keys).step_by(TILE_COLS) {
        let panel = (first + key) / TILE_COLS * panel_len::<TILE_COLS>(key_pairs);
        let cols = (n_keys - key).min(TILE_COLS);
        for (panel_of_rows, row) in (0..n_queries).step_by(TILE_ROWS).enumerate() {
            let target = Target {
                at: scores[row * stride + key..].as_mut_ptr(),
                stride,
                rows: (n_queries - row).min(TILE_ROWS),
                cols,
            };
            let row = &rows[panel_of_rows * panel_len::<TILE_ROWS>(key_pairs)..];
            let (row, col) = (row[..key_pairs * TILE_ROWS].as_ptr(), keys[panel..].as_ptr());
            // SAFETY: both panels have `key_pairs` pairs, and the target lies within the scores.
            unsafe { tile(key_pairs, row, col, &target, scale, Accumulate::Store) };
        }
    }
    for (i, row) in scores.chunks_exact_mut(stride).enumerate() {
        let before = seen.start - first;
        let visible = block.visible(i);
        let visible = before + visible.start..before + visible.end;
        softmax(cpu.isa, &mut row[visible.clone()]);
        row[..visible.start].fill(0.0);
        row[visible.end..].fill(0.0);
    }

    let n_pairs = n_keys.div_ceil(2);
    let mut weights = cpu.memory.take(4 * row_panels * panel_len::<TILE_ROWS>(n_pairs));
    let lines = Lines { data: scores, line_stride: stride, k_stride: 1 };
    // SAFETY: as above.
    unsafe {
        panels::<TILE_ROWS, f32>(lines, (0, n_queries), (0, n_keys), pairs_mut(&mut weights))
    };
    let (weights, values) = (pairs(&weights), pairs(&packed.values));
    let panel_of_values = panel_len::<TILE_COLS>(packed.n_keys.div_ceil(2));
    for col in (0..value_dim).step_by(TILE_COLS) {
        let values = &values[col / TILE_COLS * panel_of_values..][..panel_of_values];
        let values = &values[first / 2 * TILE_COLS..][..n_pairs * TILE_COLS];
        for (panel_of_rows, row) in (0..n_queries).step_by(TILE_ROWS).enumerate() {
            let weights = &weights[panel_of_rows * panel_len::<TILE_ROWS>(n_pairs)..];
            let weights = &weights[..n_pairs * TILE_ROWS];
            let (at, stride) = into.place(block.queries.start + row, head * value_dim + col);
            let rows = (n_queries - row).min(TILE_ROWS);
            let target = Target { at, stride, rows, cols: (value_dim - col).min(TILE_COLS) };
            let (row, col) = (weights.as_ptr(), values.as_ptr());
            // SAFETY: both panels have as many pairs, the target lies within the output, and no
            // other task writes this head of these queries.
            unsafe { tile(n_pairs, row, col, &target, 1.0, Accumulate::Store) };
        }
    }
}
