//! The inner loops of latent attention: several heads meet several latents.

use hadal_tensor::Matrix;
use half::bf16;

#[cfg(target_arch = "x86_64")]
use super::avx512::Load;
use crate::cached::{Cached, wide};
use crate::isa::{Isa, per_isa};
use crate::lanes::{LANES, axpy, dot, fma};
use crate::linear::dot_bf16;

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

/// What a kernel loads; there is none.
#[cfg(not(target_arch = "x86_64"))]
pub(super) trait Load {}

#[cfg(not(target_arch = "x86_64"))]
impl<T> Load for T {}

/// Numbers that heads come in, and how they meet latents that are held as `H`.
pub(super) trait Head<H>: Cached {
    /// The products of heads with keys.
    fn scores(
        isa: Isa,
        q: &[Parts<'_, Self>; SCORE_HEADS],
        k: &[Parts<'_, H>; SCORE_KEYS],
    ) -> Scores;

    /// Writes `Σ weights[h][k] · latents[k]` to `out` `[H, R]` for columns that are whole tiles, and
    /// gives how many those are: none where there is no kernel for it.
    fn mix_tiles(
        isa: Isa,
        weights: &[&[Self]; MIX_HEADS],
        latents: Matrix<'_, H>,
        out: &mut [f32],
    ) -> usize;

    /// `out += weight · latent`.
    fn add(isa: Isa, weight: Self, latent: &[H], out: &mut [f32]);
}

/// Numbers that a cache holds latents in, and how they meet `f32`.
pub(super) trait Held: Cached + Load {
    /// `Σ q · k`.
    fn dot(isa: Isa, q: &[f32], k: &[Self]) -> f32;

    /// `out += weight · latent`.
    fn axpy(isa: Isa, weight: f32, latent: &[Self], out: &mut [f32]);
}

impl Held for f32 {
    fn dot(isa: Isa, q: &[f32], k: &[f32]) -> f32 {
        dot(isa, q, k)
    }

    fn axpy(isa: Isa, weight: f32, latent: &[f32], out: &mut [f32]) {
        axpy(isa, weight, latent, out);
    }
}

impl Held for bf16 {
    fn dot(isa: Isa, q: &[f32], k: &[bf16]) -> f32 {
        dot_bf16(isa, k, q)
    }

    fn axpy(isa: Isa, weight: f32, latent: &[bf16], out: &mut [f32]) {
        axpy_bf16(isa, weight, latent, out);
    }
}

impl<H: Held> Head<H> for f32 {
    fn scores(
        isa: Isa,
        q: &[Parts<'_, f32>; SCORE_HEADS],
        k: &[Parts<'_, H>; SCORE_KEYS],
    ) -> Scores {
        #[cfg(target_arch = "x86_64")]
        if isa.has_avx512() {
            // SAFETY: `Isa::available` found the features before handing the value out.
            return unsafe { super::avx512::scores(q, k) };
        }
        q.map(|q| k.map(|k| H::dot(isa, q[0], k[0]) + H::dot(isa, q[1], k[1])))
    }

    fn mix_tiles(
        isa: Isa,
        weights: &[&[f32]; MIX_HEADS],
        latents: Matrix<'_, H>,
        out: &mut [f32],
    ) -> usize {
        #[cfg(target_arch = "x86_64")]
        if isa.has_avx512() {
            // SAFETY: `Isa::available` found the features before handing the value out.
            return unsafe { super::avx512::mix(weights, latents, out) };
        }
        0
    }

    fn add(isa: Isa, weight: f32, latent: &[H], out: &mut [f32]) {
        H::axpy(isa, weight, latent, out);
    }
}

/// On [`Isa::Avx512Bf16`] alone; elsewhere heads stay `f32`.
#[cfg(target_arch = "x86_64")]
impl Head<bf16> for bf16 {
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
        axpy_bf16(isa, wide(weight), latent, out);
    }
}

/// Mixes `latents` by `weights`, heads `stride` apart, into `out` `[H, R]` with up to [`MIX_HEADS`]
/// heads.
pub(super) fn mix<T: Head<H>, H: Cached>(
    isa: Isa,
    weights: &[T],
    stride: usize,
    latents: Matrix<'_, H>,
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
fn axpy_bf16_body<const FMA: bool>(weight: f32, latent: &[bf16], out: &mut [f32]) {
    for (out, x) in out.iter_mut().zip(latent) {
        *out = fma::<FMA>(weight, wide(*x), *out);
    }
}

per_isa! {
    /// `out += weight · latent`.
    fn axpy_bf16(weight: f32, latent: &[bf16], out: &mut [f32]) => axpy_bf16_body
}
