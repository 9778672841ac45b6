//! The inner loops on AVX-512, whose 32 registers hold a tile.

use std::arch::x86_64::*;

use hadal_tensor::Matrix;

use super::tiles::{MIX_COLS, MIX_HEADS, Parts, SCORE_HEADS, SCORE_KEYS, Scores};
use crate::lanes::LANES;

/// The products of heads with keys, content and position together.
///
/// # Safety
/// The processor has AVX-512 F.
///
/// # Panics
/// When parts differ in length.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn scores(
    q: &[Parts<'_, f32>; SCORE_HEADS],
    k: &[Parts<'_, f32>; SCORE_KEYS],
) -> Scores {
    let mut sums = [[_mm512_setzero_ps(); SCORE_KEYS]; SCORE_HEADS];
    for part in 0..2 {
        let len = k[0][part].len();
        assert!(q.iter().chain(k).all(|parts| parts[part].len() == len), "parts of one length");
        let (q, k) = (q.map(|q| q[part].as_ptr()), k.map(|k| k[part].as_ptr()));
        let whole = len - len % LANES;
        // SAFETY: whole vectors, or what the mask lets through, lie within each part.
        unsafe {
            for at in (0..whole).step_by(LANES) {
                add_products::<true>(&mut sums, q, k, at, !0);
            }
            if whole < len {
                add_products::<false>(&mut sums, q, k, whole, !0 >> (LANES - (len - whole)));
            }
        }
    }
    sums.map(|of_head| of_head.map(|sum| _mm512_reduce_add_ps(sum)))
}

/// Adds the products of one vector of each head and each key: a whole one, or what `mask` lets
/// through, which takes longer to load.
///
/// # Safety
/// The processor has AVX-512 F, and the numbers can be read.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn add_products<const WHOLE: bool>(
    sums: &mut [[__m512; SCORE_KEYS]; SCORE_HEADS],
    q: [*const f32; SCORE_HEADS],
    k: [*const f32; SCORE_KEYS],
    at: usize,
    mask: __mmask16,
) {
    // SAFETY: the contract is the same.
    let load = |from: *const f32| unsafe {
        let from = from.add(at);
        if WHOLE { _mm512_loadu_ps(from) } else { _mm512_maskz_loadu_ps(mask, from) }
    };
    let k = k.map(load);
    for (sums, q) in sums.iter_mut().zip(q) {
        let q = load(q);
        for (sum, k) in sums.iter_mut().zip(k) {
            *sum = _mm512_fmadd_ps(q, k, *sum);
        }
    }
}

/// `out[h] = Σ weights[h][k] · latents[k]` for the columns that are whole tiles; how many those are.
///
/// # Safety
/// The processor has AVX-512 F.
///
/// # Panics
/// When a head has not a weight for every key.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn mix(
    weights: &[&[f32]; MIX_HEADS],
    latents: Matrix<'_, f32>,
    out: &mut [f32],
) -> usize {
    let rank = latents.cols;
    assert!(weights.iter().all(|weights| weights.len() == latents.rows), "a weight for every key");
    let weights = weights.map(<[f32]>::as_ptr);
    let whole = rank - rank % MIX_COLS;
    for column in (0..whole).step_by(MIX_COLS) {
        let mut sums = [[_mm512_setzero_ps(); 2]; MIX_HEADS];
        for key in 0..latents.rows {
            let latent = &latents.row(key)[column..column + MIX_COLS];
            // SAFETY: two vectors of latents and one weight of each head are read.
            unsafe {
                let first = _mm512_loadu_ps(latent.as_ptr());
                let second = _mm512_loadu_ps(latent.as_ptr().add(LANES));
                for head in 0..MIX_HEADS {
                    let weight = _mm512_set1_ps(*weights[head].add(key));
                    sums[head][0] = _mm512_fmadd_ps(weight, first, sums[head][0]);
                    sums[head][1] = _mm512_fmadd_ps(weight, second, sums[head][1]);
                }
            }
        }
        for (sums, out) in sums.iter().zip(out.chunks_exact_mut(rank)) {
            let out = &mut out[column..column + MIX_COLS];
            // SAFETY: two vectors are written.
            unsafe {
                _mm512_storeu_ps(out.as_mut_ptr(), sums[0]);
                _mm512_storeu_ps(out.as_mut_ptr().add(LANES), sums[1]);
            }
        }
    }
    whole
}
