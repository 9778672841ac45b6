//! The inner loops of latent attention: several heads meet several latents.

use hadal_tensor::Matrix;
use half::bf16;

#[cfg(target_arch = "x86_64")]
use crate::cached::wide;
use crate::cached::{Cached, widen_bf16};
use crate::isa::{Isa, per_isa};
use crate::lanes::{LANES, axpy, dot_body, fetch, fma};

/// Heads whose scores are made together.
pub(super) const SCORE_HEADS: usize = 4;
/// Keys that they meet together.
pub(super) const SCORE_KEYS: usize = 4;

/// Heads that mix latents together.
pub(super) const MIX_HEADS: usize = 8;
/// Columns of the latents that are mixed together.
pub(super) const MIX_COLS: usize = 2 * LANES;

/// How many keys before its use a latent is fetched from memory.
pub(super) const FETCH_AHEAD: usize = 12;

/// Content and position of a query's head or of a key.
pub(super) type Parts<'a, T> = [&'a [T]; 2];

/// The products of heads with keys, content and position together.
pub(super) type Scores = [[f32; SCORE_KEYS]; SCORE_HEADS];

/// Numbers that a cache holds latents in, and how heads see them.
pub(super) trait Held<T>: Cached {
    /// Whether heads see other numbers, which are made before they meet them.
    const IS_WIDENED: bool;

    /// The same rows; where they are widened, in `room`.
    fn seen<'a>(isa: Isa, rows: Matrix<'a, Self>, room: &'a mut [T]) -> Matrix<'a, T>;
}

impl<T: Latent> Held<T> for T {
    const IS_WIDENED: bool = false;

    fn seen<'a>(_: Isa, rows: Matrix<'a, T>, _: &'a mut [T]) -> Matrix<'a, T> {
        rows
    }
}

impl Held<f32> for bf16 {
    const IS_WIDENED: bool = true;

    fn seen<'a>(isa: Isa, rows: Matrix<'a, bf16>, room: &'a mut [f32]) -> Matrix<'a, f32> {
        for (row, room) in room.chunks_exact_mut(rows.cols).enumerate().take(rows.rows) {
            fetch(rows.row((row + FETCH_AHEAD).min(rows.rows - 1)));
            widen_bf16(isa, rows.row(row), room);
        }
        Matrix { data: room, rows: rows.rows, cols: rows.cols, stride: rows.cols }
    }
}

/// Numbers that heads and latents meet in, and how.
pub(super) trait Latent: Cached {
    /// The products of heads with keys.
    fn scores(
        isa: Isa,
        q: &[Parts<'_, Self>; SCORE_HEADS],
        k: &[Parts<'_, Self>; SCORE_KEYS],
    ) -> Scores;

    /// Writes `Σ weights[h][k] · latents[k]` to `out` `[H, R]` for columns that are whole tiles, and
    /// gives how many those are: none where there is no kernel for it.
    fn mix_tiles(
        isa: Isa,
        weights: &[&[Self]; MIX_HEADS],
        latents: Matrix<'_, Self>,
        out: &mut [f32],
    ) -> usize;

    /// `out += weight · latent`.
    fn add(isa: Isa, weight: Self, latent: &[Self], out: &mut [f32]);
}

impl Latent for f32 {
    fn scores(
        isa: Isa,
        q: &[Parts<'_, f32>; SCORE_HEADS],
        k: &[Parts<'_, f32>; SCORE_KEYS],
    ) -> Scores {
        #[cfg(target_arch = "x86_64")]
        if isa.has_avx512() {
            // SAFETY: `Isa::available` found the features before handing the value out.
            return unsafe { super::avx512::scores(q, k) };
        }
        scores_f32(isa, q, k)
    }

    fn mix_tiles(
        isa: Isa,
        weights: &[&[f32]; MIX_HEADS],
        latents: Matrix<'_, f32>,
        out: &mut [f32],
    ) -> usize {
        #[cfg(target_arch = "x86_64")]
        if isa.has_avx512() {
            // SAFETY: `Isa::available` found the features before handing the value out.
            return unsafe { super::avx512::mix(weights, latents, out) };
        }
        0
    }

    fn add(isa: Isa, weight: f32, latent: &[f32], out: &mut [f32]) {
        axpy(isa, weight, latent, out);
    }
}

/// On [`Isa::Avx512Bf16`] alone; elsewhere latents are widened first.
#[cfg(target_arch = "x86_64")]
impl Latent for bf16 {
    fn scores(
        isa: Isa,
        q: &[Parts<'_, bf16>; SCORE_HEADS],
        k: &[Parts<'_, bf16>; SCORE_KEYS],
    ) -> Scores {
        assert_eq!(isa, Isa::Avx512Bf16);
        // SAFETY: `Isa::available` found the features before handing the value out.
        unsafe { super::avx512_bf16::scores(q, k) }
    }

    fn mix_tiles(
        isa: Isa,
        weights: &[&[bf16]; MIX_HEADS],
        latents: Matrix<'_, bf16>,
        out: &mut [f32],
    ) -> usize {
        assert_eq!(isa, Isa::Avx512Bf16);
        // SAFETY: as above.
        unsafe { super::avx512_bf16::mix(weights, latents, out) }
    }

    fn add(isa: Isa, weight: bf16, latent: &[bf16], out: &mut [f32]) {
        add_bf16(isa, wide(weight), latent, out);
    }
}

/// Mixes `latents` by `weights`, heads `stride` apart, into `out` `[H, R]` with up to [`MIX_HEADS`]
/// heads.
pub(super) fn mix<T: Latent>(
    isa: Isa,
    weights: &[T],
    stride: usize,
    latents: Matrix<'_, T>,
    out: &mut [f32],
) {
    let rank = latents.cols;
    let n_heads = out.len() / rank;
    // What a tile has too many of is the last one again.
    let weights: [&[T]; MIX_HEADS] =
        std::array::from_fn(|head| &weights[head.min(n_heads - 1) * stride..][..latents.rows]);
    let done = T::mix_tiles(isa, &weights, latents, out);
    if done == rank {
        return;
    }
    for (weights, out) in weights.iter().zip(out.chunks_exact_mut(rank)) {
        let out = &mut out[done..];
        out.fill(0.0);
        for (key, weight) in weights.iter().enumerate() {
            T::add(isa, *weight, &latents.row(key)[done..], out);
        }
    }
}

#[inline(always)]
fn scores_f32_body<const FMA: bool>(
    q: &[Parts<'_, f32>; SCORE_HEADS],
    k: &[Parts<'_, f32>; SCORE_KEYS],
) -> Scores {
    let product = |q: &Parts<'_, f32>, k: &Parts<'_, f32>| {
        dot_body::<FMA>(q[0], k[0]) + dot_body::<FMA>(q[1], k[1])
    };
    std::array::from_fn(|head| std::array::from_fn(|key| product(&q[head], &k[key])))
}

per_isa! {
    /// Product by product.
    fn scores_f32(q: &[Parts<'_, f32>; SCORE_HEADS], k: &[Parts<'_, f32>; SCORE_KEYS]) -> Scores => scores_f32_body
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn add_bf16_body<const FMA: bool>(weight: f32, latent: &[bf16], out: &mut [f32]) {
    for (out, x) in out.iter_mut().zip(latent) {
        *out = fma::<FMA>(weight, wide(*x), *out);
    }
}

#[cfg(target_arch = "x86_64")]
per_isa! {
    fn add_bf16(weight: f32, latent: &[bf16], out: &mut [f32]) => add_bf16_body
}
