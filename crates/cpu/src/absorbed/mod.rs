//! Latent attention that never makes keys and values: for decoding.
//!
//! Three steps. The queries are folded into the latent's space, head by head. Then blocks of keys
//! meet groups of heads: scores, their exponentials, and the latents mixed by them, each block on its
//! own as in Dao et al. 2022. Last, each head adds up its blocks and turns the mix into its value.
//! The blocks do not depend on the number of threads, and neither do the sums.

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_bf16;
mod tiles;

use std::array::from_fn;
use std::ops::Range;

use hadal_tensor::{AttentionSpec, DType, LatentDims, Matrix, Tensor};
use half::bf16;

use crate::attention::{Block, blocks};
use crate::cached::Cached;
use crate::lanes::{axpy, exp_sum, fetch, max};
use crate::linear::multiply_rows;
use crate::rows::Rows;
use crate::{Cpu, Isa};
use tiles::{FETCH_AHEAD, Head, MIX_HEADS, Parts, SCORE_HEADS, SCORE_KEYS, mix};

/// Keys of the longest block: their latents stay in the second-level cache while the heads meet
/// them.
const KEYS: usize = 256;

/// Keys of the shortest block that has another after it: enough that adding up costs little.
const FEWEST_KEYS: usize = 16;

/// Blocks that a short text is cut into, so that several threads have some of it.
const FEW_BLOCKS: usize = 4;

/// Heads of one task: a block is brought from memory once for all of them.
const HEADS: usize = 2 * MIX_HEADS;

/// One block of keys and some heads of one query.
struct Task {
    query: usize,
    heads: Range<usize>,
    keys: Range<usize>,
    /// Where the results of the first head stand; those of the others follow.
    place: usize,
}

/// What the blocks leave, each for each head: the mixed latents `[R]`, the greatest score, and the
/// sum of the exponentials.
struct Partial {
    /// Where the results of each query's first block and first head stand.
    places: Vec<usize>,
    mixed: Tensor,
    greatest: Tensor,
    sums: Tensor,
}

pub(crate) fn absorbed_attention(
    cpu: &Cpu,
    q: &Tensor,
    up: Up<'_>,
    latent: &Tensor,
    k_rope: &Tensor,
    dims: LatentDims,
    spec: &AttentionSpec,
) -> Tensor {
    let cached = [latent, k_rope];
    match latent.dtype() {
        #[cfg(target_arch = "x86_64")]
        DType::Bf16 if cpu.isa == Isa::Avx512Bf16 => {
            attend::<bf16, bf16>(cpu, q, up, cached, dims, spec)
        }
        DType::Bf16 => attend::<f32, bf16>(cpu, q, up, cached, dims, spec),
        _ => attend::<f32, f32>(cpu, q, up, cached, dims, spec),
    }
}

/// The projection from the latent, and its part for keys with rows and columns exchanged within each
/// head, where that is stored.
type Up<'a> = (&'a Tensor, Option<&'a Tensor>);

/// The three steps, with heads in numbers of type `T` and latents held as `H`.
fn attend<T: Head<H>, H: Cached>(
    cpu: &Cpu,
    q: &Tensor,
    up: Up<'_>,
    cached: [&Tensor; 2],
    dims: LatentDims,
    spec: &AttentionSpec,
) -> Tensor {
    let queries = blocks(spec, 1);
    let asked = ask::<T>(cpu, q.matrix(), up, cached[0].cols(), dims, &queries);
    let cached = cached.map(Tensor::matrix::<H>);
    let partial = meet::<T, H>(cpu, asked.matrix(), cached, dims, spec.scale, &queries);
    values(cpu, &partial, up.0, dims, &queries, q.rows())
}

/// First step, of each head of each query: its content, folded into the latent's space, and its
/// position.
fn ask<T: Cached>(
    cpu: &Cpu,
    q: Matrix<'_, f32>,
    (kv_b, key): Up<'_>,
    rank: usize,
    dims: LatentDims,
    queries: &[Block],
) -> Tensor {
    let LatentDims { n_heads, nope, rope, value } = dims;
    let n_rows = queries.len() * n_heads;
    let mut asked = cpu.allocate(T::DTYPE, &[n_rows, rank + rope]);
    let into = Rows::of(asked.as_mut_slice::<T>(), rank + rope);
    let folded = || cpu.buffer(&[rank]);
    cpu.for_tasks_ahead(n_rows, n_rows * nope * rank, folded, |folded, task, next| {
        let (query, head) = (&queries[task / n_heads], task % n_heads);
        let q = &q.row(query.queries.start)[head * (nope + rope)..][..nope + rope];
        let (content, position) = q.split_at(nope);
        let folded = folded.as_mut_slice();
        match key {
            Some(key) => {
                let next = next.map(|task| task % n_heads * rank);
                multiply_rows(cpu, key, head * rank, next, &[content], folded);
            }
            None => fold(cpu, kv_b, head * (nope + value), content, folded),
        }
        // SAFETY: each task has a row of its own.
        let (content, turned) = unsafe { into.part(task, 0, rank + rope) }.split_at_mut(rank);
        T::round(cpu.isa, folded, content);
        T::round(cpu.isa, position, turned);
    });
    asked
}

/// Third step: what the blocks left, added up, as each head's value.
fn values(
    cpu: &Cpu,
    partial: &Partial,
    kv_b: &Tensor,
    dims: LatentDims,
    queries: &[Block],
    n_tokens: usize,
) -> Tensor {
    let LatentDims { n_heads, nope, value, .. } = dims;
    let (n_rows, rank) = (queries.len() * n_heads, kv_b.cols());
    let mut out = cpu.buffer(&[n_tokens, n_heads * value]);
    let into = Rows::of(out.as_mut_slice(), n_heads * value);
    let first_row = |head: usize| head * (nope + value) + nope;
    cpu.for_tasks_ahead(
        n_rows,
        n_rows * value * rank,
        || (),
        |(), task, next| {
            let (query, head) = (task / n_heads, task % n_heads);
            let first = partial.places[query] + head;
            let places = (0..n_blocks(&queries[query])).map(|block| first + block * n_heads);
            let mixed = add_up(cpu, partial, places);
            let row = queries[query].queries.start;
            // SAFETY: each task has a head of its own.
            let out = unsafe { into.part(row, head * value, value) };
            let next = next.map(|task| first_row(task % n_heads));
            multiply_rows(cpu, kv_b, first_row(head), next, &[&mixed], out);
        },
    );
    out
}

/// `folded = Σ q[i] · kv_b[first + i]`.
fn fold(cpu: &Cpu, kv_b: &Tensor, first: usize, q: &[f32], folded: &mut [f32]) {
    folded.fill(0.0);
    if kv_b.dtype() == DType::F32 {
        let kv_b = kv_b.matrix::<f32>();
        for (i, q) in q.iter().enumerate() {
            axpy(cpu.isa, *q, kv_b.row(first + i), folded);
        }
        return;
    }
    let mut wide = vec![0.0; folded.len()];
    for (i, q) in q.iter().enumerate() {
        kv_b.read_row(first + i, &mut wide);
        axpy(cpu.isa, *q, &wide, folded);
    }
}

/// Keys of a block of those that a query sees. Nothing else decides it, so that a query gets the
/// same bits in any batch.
fn block_keys(query: &Block) -> usize {
    let even = query.keys.len().div_ceil(FEW_BLOCKS).next_multiple_of(SCORE_KEYS);
    even.clamp(FEWEST_KEYS, KEYS)
}

/// Blocks of the keys that a query sees.
fn n_blocks(query: &Block) -> usize {
    query.keys.len().div_ceil(block_keys(query))
}

/// What one thread needs for its tasks.
struct Room {
    scores: Tensor,
    weights: Tensor,
}

/// Second step: lets every head of every query, in numbers of type `T`, meet the latents it sees,
/// which are held as `H`.
fn meet<T: Head<H>, H: Cached>(
    cpu: &Cpu,
    asked: Matrix<'_, T>,
    [latent, k_rope]: [Matrix<'_, H>; 2],
    dims: LatentDims,
    scale: f32,
    queries: &[Block],
) -> Partial {
    let LatentDims { n_heads, rope, .. } = dims;
    let rank = latent.cols;
    let (mut tasks, mut places, mut n_places) = (Vec::new(), Vec::new(), 0);
    for (query, seen) in queries.iter().enumerate() {
        let (first, all) = (n_places, seen.keys.clone());
        places.push(first);
        n_places += n_blocks(seen) * n_heads;
        let n_keys = block_keys(seen);
        for (block, start) in all.clone().step_by(n_keys).enumerate() {
            for head in (0..n_heads).step_by(HEADS) {
                let heads = head..(head + HEADS).min(n_heads);
                let keys = start..(start + n_keys).min(all.end);
                tasks.push(Task { query, heads, keys, place: first + block * n_heads + head });
            }
        }
    }
    let n_keys: usize = queries.iter().map(|query| query.keys.len()).sum();
    let mut partial = Partial {
        places,
        mixed: cpu.buffer(&[n_places, rank]),
        greatest: cpu.buffer(&[n_places]),
        sums: cpu.buffer(&[n_places]),
    };
    let mixed = Rows::of(partial.mixed.as_mut_slice(), rank);
    let greatest = Rows::of(partial.greatest.as_mut_slice(), 1);
    let sums = Rows::of(partial.sums.as_mut_slice(), 1);
    let work = n_heads * n_keys * (2 * rank + rope);
    let step = |room: &mut Room, task: usize, _: Option<usize>| {
        let Task { query, heads, keys, place } = &tasks[task];
        let Room { scores, weights } = room;
        let (scores, weights) = (scores.as_mut_slice::<f32>(), weights.as_mut_slice::<T>());
        let (latents, positions) = (rows(latent, keys), rows(k_rope, keys));
        // What a tile has too many of is the last one again.
        let head = |h: usize| query * n_heads + heads.start + h.min(heads.len() - 1);
        let q: [[Parts<'_, T>; SCORE_HEADS]; HEADS / SCORE_HEADS] = from_fn(|tile| {
            let parts = |h| asked.row(head(tile * SCORE_HEADS + h)).split_at(rank);
            from_fn(parts).map(|(content, position)| [content, position])
        });
        // So few heads meet all keys that they stay in the first-level cache.
        let groups = q.chunks(MIX_HEADS / SCORE_HEADS).zip(scores.chunks_mut(MIX_HEADS * KEYS));
        for (first, (q, scores)) in (0..heads.len()).step_by(MIX_HEADS).zip(groups) {
            let n_heads = MIX_HEADS.min(heads.len() - first);
            score::<T, H>(cpu.isa, (q, n_heads), [latents, positions], scale, scores);
        }
        let of_heads = scores.chunks_exact_mut(KEYS).zip(weights.chunks_exact_mut(KEYS));
        for (h, (scores, weights)) in of_heads.enumerate().take(heads.len()) {
            let scores = &mut scores[..keys.len()];
            let shift = max(cpu.isa, scores);
            let sum = exp_sum(cpu.isa, scores, shift);
            T::round(cpu.isa, scores, &mut weights[..keys.len()]);
            // SAFETY: the places of a task are its own.
            unsafe {
                greatest.write(place + h, 0, &[shift]);
                sums.write(place + h, 0, &[sum]);
            }
        }
        // SAFETY: as above; they follow each other.
        let mixed = unsafe { mixed.part(*place, 0, heads.len() * rank) };
        let of_heads = weights.chunks(MIX_HEADS * KEYS).zip(mixed.chunks_mut(MIX_HEADS * rank));
        of_heads.for_each(|(weights, mixed)| mix(cpu.isa, weights, KEYS, latents, mixed));
    };
    let room = || Room {
        scores: cpu.buffer(&[HEADS, KEYS]),
        weights: cpu.allocate(T::DTYPE, &[HEADS, KEYS]),
    };
    cpu.for_tasks_ahead(tasks.len(), work, room, step);
    partial
}

/// Writes the scores of the first `n_heads` heads of tiles with all keys, each head's [`KEYS`] apart.
fn score<T: Head<H>, H: Cached>(
    isa: Isa,
    (q, n_heads): (&[[Parts<'_, T>; SCORE_HEADS]], usize),
    keys: [Matrix<'_, H>; 2],
    scale: f32,
    scores: &mut [f32],
) {
    let n_keys = keys[0].rows;
    for first_key in (0..n_keys).step_by(SCORE_KEYS) {
        let parts = |k: usize| keys.map(|part| part.row((first_key + k).min(n_keys - 1)));
        let ahead = (first_key + FETCH_AHEAD..n_keys).take(SCORE_KEYS);
        ahead.flat_map(|key| keys.map(|part| part.row(key))).for_each(fetch);
        let k = from_fn(parts);
        for (first_head, q) in (0..n_heads).step_by(SCORE_HEADS).zip(q) {
            let tile = T::scores(isa, q, &k);
            for (h, of_head) in tile.iter().enumerate().take(n_heads - first_head) {
                let at = (first_head + h) * KEYS + first_key;
                for (k, score) in of_head.iter().enumerate().take(n_keys - first_key) {
                    scores[at + k] = scale * score;
                }
            }
        }
    }
}

/// Some rows of a matrix.
fn rows<'a, T>(matrix: Matrix<'a, T>, rows: &Range<usize>) -> Matrix<'a, T> {
    Matrix { rows: rows.len(), data: &matrix.data[rows.start * matrix.stride..], ..matrix }
}

/// Adds up one head's blocks: the latents mixed by the softmax over all keys.
fn add_up(cpu: &Cpu, partial: &Partial, places: impl Iterator<Item = usize> + Clone) -> Vec<f32> {
    let mixed = partial.mixed.matrix::<f32>();
    let (greatest, sums) = (partial.greatest.as_slice::<f32>(), partial.sums.as_slice::<f32>());
    let shift = places.clone().map(|place| greatest[place]).fold(f32::NEG_INFINITY, f32::max);
    let share = |place: usize| (greatest[place] - shift).exp();
    let all: f32 = places.clone().map(|place| share(place) * sums[place]).sum();
    let mut whole = vec![0.0; mixed.cols];
    for place in places {
        axpy(cpu.isa, share(place) / all, mixed.row(place), &mut whole);
    }
    whole
}
