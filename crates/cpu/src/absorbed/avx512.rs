//! The inner loops on AVX-512, whose 32 registers hold a tile.

use std::arch::x86_64::*;

use hadal_tensor::Matrix;
use half::bf16;

use super::tiles::{MIX_COLS, MIX_HEADS, Parts, SCORE_HEADS, SCORE_KEYS, Scores};
use crate::lanes::LANES;

/// Numbers that are loaded as `f32`.
pub(super) trait Load: Sized {
    /// A vector of them.
    ///
    /// # Safety
    /// The processor has AVX-512 F, and the numbers can be read.
    unsafe fn load(from: *const Self) -> __m512;

    /// Those that `mask` lets through, and zeros.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW and VL, and these numbers can be read.
    unsafe fn load_some(mask: __mmask16, from: *const Self) -> __m512;
}

impl Load for f32 {
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(from: *const f32) -> __m512 {
        // SAFETY: the contract is the same.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load_some(mask: __mmask16, from: *const f32) -> __m512 {
        // SAFETY: the contract is the same.
        unsafe { _mm512_maskz_loadu_ps(mask, from) }
    }
}

impl Load for bf16 {
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(from: *const bf16) -> __m512 {
        // SAFETY: the contract is the same.
        widen(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load_some(mask: __mmask16, from: *const bf16) -> __m512 {
        // SAFETY: the contract is the same.
        widen(unsafe { _mm256_maskz_loadu_epi16(mask, from.cast()) })
    }
}

/// `bf16` as `f32`: its upper half.
#[inline]
#[target_feature(enable = "avx512f")]
fn widen(numbers: __m256i) -> __m512 {
    _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(numbers)))
}

/// The products of heads with keys, content and position together.
///
/// # Safety
/// The processor has AVX-512 F, BW and VL.
///
/// # Panics
/// When parts differ in length.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) unsafe fn scores<K: Load>(
    q: &[Parts<'_, f32>; SCORE_HEADS],
    k: &[Parts<'_, K>; SCORE_KEYS],
) -> Scores {
    let mut sums = [[_mm512_setzero_ps(); SCORE_KEYS]; SCORE_HEADS];
    for part in 0..2 {
        let len = k[0][part].len();
        assert!(q.iter().all(|q| q[part].len() == len), "parts of one length");
        assert!(k.iter().all(|k| k[part].len() == len), "parts of one length");
        let (q, k) = (q.map(|q| q[part].as_ptr()), k.map(|k| k[part].as_ptr()));
        let whole = len - len % LANES;
        // SAFETY: whole vectors, or what the mask lets through, lie within each part.
        unsafe {
            for at in (0..whole).step_by(LANES) {
                add_products::<true, K>(&mut sums, q, k, at, !0);
            }
            if whole < len {
                add_products::<false, K>(&mut sums, q, k, whole, !0 >> (LANES - (len - whole)));
            }
        }
    }
    let mut scores = [[0.0; SCORE_KEYS]; SCORE_HEADS];
    // SAFETY: the scores are as many numbers as the vector has.
    unsafe { _mm512_storeu_ps(scores.as_mut_ptr().cast(), sum_each(&sums)) };
    scores
}

/// Adds the products of one vector of each head and each key: a whole one, or what `mask` lets
/// through, which takes longer to load.
///
/// # Safety
/// The processor has AVX-512 F, BW and VL, and the numbers can be read.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn add_products<const WHOLE: bool, K: Load>(
    sums: &mut [[__m512; SCORE_KEYS]; SCORE_HEADS],
    q: [*const f32; SCORE_HEADS],
    k: [*const K; SCORE_KEYS],
    at: usize,
    mask: __mmask16,
) {
    // SAFETY: the contract is the same.
    let k = k.map(|k| unsafe { vector::<WHOLE, K>(k.add(at), mask) });
    for (sums, q) in sums.iter_mut().zip(q) {
        // SAFETY: as above.
        let q = unsafe { vector::<WHOLE, f32>(q.add(at), mask) };
        for (sum, k) in sums.iter_mut().zip(k) {
            *sum = _mm512_fmadd_ps(q, k, *sum);
        }
    }
}

/// # Safety
/// As [`Load::load`] or, where not whole, [`Load::load_some`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn vector<const WHOLE: bool, K: Load>(from: *const K, mask: __mmask16) -> __m512 {
    // SAFETY: the contract is the same.
    unsafe { if WHOLE { K::load(from) } else { K::load_some(mask, from) } }
}

/// The sum of each vector's lanes, in the order of the vectors.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn sum_each(vectors: &[[__m512; 4]; 4]) -> __m512 {
    let zero = _mm512_setzero_ps();
    // Each step adds half of the parts of every vector to the other half, and lays two vectors'
    // halves side by side.
    let (mut halves, mut quarters) = ([[zero; 4]; 2], [zero; 4]);
    for (two, half) in vectors.chunks_exact(2).zip(&mut halves) {
        for ((a, b), half) in two[0].iter().zip(&two[1]).zip(half) {
            let low = _mm512_shuffle_f32x4::<0x44>(*a, *b);
            let high = _mm512_shuffle_f32x4::<0xee>(*a, *b);
            *half = _mm512_add_ps(low, high);
        }
    }
    for ((a, b), quarter) in halves[0].iter().zip(&halves[1]).zip(&mut quarters) {
        let even = _mm512_shuffle_f32x4::<0x88>(*a, *b);
        let odd = _mm512_shuffle_f32x4::<0xdd>(*a, *b);
        *quarter = _mm512_add_ps(even, odd);
    }
    // Part `h` of `quarters[k]` has four sums whose total is that of vector `[h][k]`.
    let [a, b, c, d] = quarters;
    let ac = _mm512_add_ps(_mm512_unpacklo_ps(a, c), _mm512_unpackhi_ps(a, c));
    let bd = _mm512_add_ps(_mm512_unpacklo_ps(b, d), _mm512_unpackhi_ps(b, d));
    _mm512_add_ps(_mm512_unpacklo_ps(ac, bd), _mm512_unpackhi_ps(ac, bd))
}

/// `out[h] = Σ weights[h][k] · latents[k]` for the columns that are whole tiles; how many those are.
///
/// # Safety
/// The processor has AVX-512 F.
///
/// # Panics
/// When a head has not a weight for every key.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn mix<K: Load>(
    weights: &[&[f32]; MIX_HEADS],
    latents: Matrix<'_, K>,
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
                let first = K::load(latent.as_ptr());
                let second = K::load(latent.as_ptr().add(LANES));
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
