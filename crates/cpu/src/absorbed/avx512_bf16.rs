//! The inner loops on AVX-512 BF16: products of pairs of numbers, twice as many as of `f32`.

use std::arch::x86_64::*;

use hadal_tensor::Matrix;
use half::bf16;

use super::avx512::sum_each;
use super::tiles::{MIX_COLS, MIX_HEADS, Parts, SCORE_HEADS, SCORE_KEYS, Scores};
use crate::lanes::LANES;

/// Numbers of one vector.
const WIDE: usize = 2 * LANES;

/// The products of heads with keys, content and position together.
///
/// # Safety
/// The processor has AVX-512 F, BW and BF16.
///
/// # Panics
/// When parts differ in length.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn scores(
    q: &[Parts<'_, bf16>; SCORE_HEADS],
    k: &[Parts<'_, bf16>; SCORE_KEYS],
) -> Scores {
    let mut sums = [[_mm512_setzero_ps(); SCORE_KEYS]; SCORE_HEADS];
    for part in 0..2 {
        let len = k[0][part].len();
        assert!(q.iter().chain(k).all(|parts| parts[part].len() == len), "parts of one length");
        let (q, k) = (q.map(|q| q[part].as_ptr()), k.map(|k| k[part].as_ptr()));
        let whole = len - len % WIDE;
        // SAFETY: whole vectors, or what the mask lets through, lie within each part.
        unsafe {
            for at in (0..whole).step_by(WIDE) {
                add_products::<true>(&mut sums, q, k, at, !0);
            }
            if whole < len {
                add_products::<false>(&mut sums, q, k, whole, !0 >> (WIDE - (len - whole)));
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
/// The processor has AVX-512 F, BW and BF16, and the numbers can be read.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn add_products<const WHOLE: bool>(
    sums: &mut [[__m512; SCORE_KEYS]; SCORE_HEADS],
    q: [*const bf16; SCORE_HEADS],
    k: [*const bf16; SCORE_KEYS],
    at: usize,
    mask: __mmask32,
) {
    // SAFETY: the contract is the same.
    let load = |from: *const bf16| unsafe {
        let from = from.add(at).cast::<i16>();
        pairs(if WHOLE {
            _mm512_loadu_si512(from.cast())
        } else {
            _mm512_maskz_loadu_epi16(mask, from)
        })
    };
    let k = k.map(load);
    for (sums, q) in sums.iter_mut().zip(q) {
        let q = load(q);
        for (sum, k) in sums.iter_mut().zip(k) {
            *sum = _mm512_dpbf16_ps(*sum, q, k);
        }
    }
}

/// `out[h] = Σ weights[h][k] · latents[k]` for the columns that are whole tiles; how many those are.
///
/// # Safety
/// The processor has AVX-512 F, BW and BF16.
///
/// # Panics
/// When a head has not a weight for every key.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn mix(
    weights: &[&[bf16]; MIX_HEADS],
    latents: Matrix<'_, bf16>,
    out: &mut [f32],
) -> usize {
    let (rank, n_keys) = (latents.cols, latents.rows);
    assert!(weights.iter().all(|weights| weights.len() == n_keys), "a weight for every key");
    let weights = weights.map(<[bf16]>::as_ptr);
    let whole = rank - rank % MIX_COLS;
    for column in (0..whole).step_by(MIX_COLS) {
        let mut sums = [[_mm512_setzero_ps(); 2]; MIX_HEADS];
        let row = |key: usize| latents.row(key)[column..column + MIX_COLS].as_ptr().cast();
        for key in (0..n_keys - n_keys % 2).step_by(2) {
            // SAFETY: a vector of each of two latents and two weights of each head are read.
            unsafe {
                let (even, odd) = (_mm512_loadu_si512(row(key)), _mm512_loadu_si512(row(key + 1)));
                let two = weights.map(|weights| weights.add(key).cast::<u32>().read_unaligned());
                add_two(&mut sums, two, even, odd);
            }
        }
        if n_keys % 2 == 1 {
            let key = n_keys - 1;
            // SAFETY: as above, of one latent; the other of the two counts nothing.
            unsafe {
                let even = _mm512_loadu_si512(row(key));
                let one = weights.map(|weights| u32::from((*weights.add(key)).to_bits()));
                add_two(&mut sums, one, even, _mm512_setzero_si512());
            }
        }
        for ([low, high], out) in sums.into_iter().zip(out.chunks_exact_mut(rank)) {
            let out = &mut out[column..column + MIX_COLS];
            // Weaving has left each vector with half of every part's columns.
            let first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
            let second =
                _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
            // SAFETY: two vectors are written.
            unsafe {
                let to = out.as_mut_ptr();
                _mm512_storeu_ps(to, _mm512_permutex2var_ps(low, first, high));
                _mm512_storeu_ps(to.add(LANES), _mm512_permutex2var_ps(low, second, high));
            }
        }
    }
    whole
}

/// Adds two latents, each times its weight of each head.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[inline]
fn add_two(
    sums: &mut [[__m512; 2]; MIX_HEADS],
    weights: [u32; MIX_HEADS],
    even: __m512i,
    odd: __m512i,
) {
    let low = pairs(_mm512_unpacklo_epi16(even, odd));
    let high = pairs(_mm512_unpackhi_epi16(even, odd));
    for (sums, weights) in sums.iter_mut().zip(weights) {
        let weights = pairs(_mm512_set1_epi32(weights as i32));
        sums[0] = _mm512_dpbf16_ps(sums[0], weights, low);
        sums[1] = _mm512_dpbf16_ps(sums[1], weights, high);
    }
}

fn pairs(bits: __m512i) -> __m512bh {
    // SAFETY: both are 512 bits of which any pattern is a value.
    unsafe { std::mem::transmute(bits) }
}
