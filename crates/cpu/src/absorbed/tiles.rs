//! The inner loops of latent attention: several heads meet several latents.

use hadal_tensor::Matrix;

use crate::isa::{Isa, per_isa};
use crate::lanes::{LANES, axpy, dot_body};

/// Heads whose scores are made together.
pub(super) const SCORE_HEADS: usize = 4;
/// Keys that they meet together.
pub(super) const SCORE_KEYS: usize = 4;

/// Heads that mix latents together.
pub(super) const MIX_HEADS: usize = 8;
/// Columns of the latents that are mixed together.
pub(super) const MIX_COLS: usize = 2 * LANES;

/// Content and position of a query's head or of a key.
pub(super) type Parts<'a> = [&'a [f32]; 2];

/// The products of heads with keys, content and position together.
pub(super) fn scores(
    isa: Isa,
    q: &[Parts<'_>; SCORE_HEADS],
    k: &[Parts<'_>; SCORE_KEYS],
) -> [[f32; SCORE_KEYS]; SCORE_HEADS] {
    #[cfg(target_arch = "x86_64")]
    if isa == Isa::Avx512 {
        // SAFETY: `Isa::available` found the features before handing the value out.
        return unsafe { super::avx512::scores(q, k) };
    }
    plain_scores(isa, q, k)
}

#[inline(always)]
fn plain_scores_body<const FMA: bool>(
    q: &[Parts<'_>; SCORE_HEADS],
    k: &[Parts<'_>; SCORE_KEYS],
) -> [[f32; SCORE_KEYS]; SCORE_HEADS] {
    let product =
        |q: &Parts<'_>, k: &Parts<'_>| dot_body::<FMA>(q[0], k[0]) + dot_body::<FMA>(q[1], k[1]);
    std::array::from_fn(|head| std::array::from_fn(|key| product(&q[head], &k[key])))
}

per_isa! {
    /// As [`scores`], product by product.
    fn plain_scores(
        q: &[Parts<'_>; SCORE_HEADS],
        k: &[Parts<'_>; SCORE_KEYS],
    ) -> [[f32; SCORE_KEYS]; SCORE_HEADS] => plain_scores_body
}

/// `out[h] = Σ weights[h][k] · latents[k]`, heads of weights `stride` apart: `[H, R]` with up to
/// [`MIX_HEADS`] heads.
pub(super) fn mix(
    isa: Isa,
    weights: &[f32],
    stride: usize,
    latents: Matrix<'_, f32>,
    out: &mut [f32],
) {
    let rank = latents.cols;
    let n_heads = out.len() / rank;
    // What a tile has too many of is the last one again.
    let weights: [&[f32]; MIX_HEADS] =
        std::array::from_fn(|head| &weights[head.min(n_heads - 1) * stride..][..latents.rows]);
    #[cfg(target_arch = "x86_64")]
    let done = match isa {
        // SAFETY: `Isa::available` found the features before handing the value out.
        Isa::Avx512 => unsafe { super::avx512::mix(&weights, latents, out) },
        _ => 0,
    };
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    for (weights, out) in weights.iter().zip(out.chunks_exact_mut(rank)) {
        let out = &mut out[done..];
        out.fill(0.0);
        for (key, weight) in weights.iter().enumerate() {
            axpy(isa, *weight, &latents.row(key)[done..], out);
        }
    }
}
