//! Packing: from `f32` in any layout to panels of `bf16` pairs as the tile reads them.
//!
//! A *line* is a row of the left factor or a column of the right one. A panel holds `WIDTH` lines:
//! for each pair of neighbours along the summed dimension, `WIDTH` numbers of 32 bits, each with the
//! two `bf16` of one line. Lines and numbers beyond the factor are zeros.

use std::arch::x86_64::*;

const LANES: usize = 16;

/// Lines of a factor: number `k` of line `l` is `data[l · line_stride + k · k_stride]`, and one of
/// the strides is 1.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    pub(super) data: &'a [f32],
    pub(super) line_stride: usize,
    pub(super) k_stride: usize,
}

/// Packs lines `first..first + n_lines` (at most `WIDTH`), numbers `k..k + n_k`, into `panel`,
/// which has room for `n_k / 2`, rounded up, times `WIDTH` pairs.
///
/// # Safety
/// The processor has AVX-512 F, BW and BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn panel<const WIDTH: usize>(
    lines: Lines<'_>,
    (first, n_lines): (usize, usize),
    (k, n_k): (usize, usize),
    panel: &mut [u32],
) {
    assert!(panel.len() >= n_k.div_ceil(2) * WIDTH, "room for the panel");
    let last = (first + n_lines - 1) * lines.line_stride + (k + n_k - 1) * lines.k_stride;
    assert!(last < lines.data.len(), "the lines lie within their slice");
    // SAFETY: the assertions bound every read and write of the two functions.
    unsafe {
        if lines.k_stride == 1 {
            along_k::<WIDTH>(lines, (first, n_lines), (k, n_k), panel);
        } else {
            across_k::<WIDTH>(lines, (first, n_lines), (k, n_k), panel);
        }
    }
}

/// Numbers of a line lie side by side: 16 lines by 16 pairs are turned in registers.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn along_k<const WIDTH: usize>(
    lines: Lines<'_>,
    (first, n_lines): (usize, usize),
    (k, n_k): (usize, usize),
    panel: &mut [u32],
) {
    let n_pairs = n_k.div_ceil(2);
    for group in (0..WIDTH).step_by(LANES) {
        let width = lanes(WIDTH - group);
        for pair in (0..n_pairs).step_by(LANES) {
            let n = n_k - 2 * pair;
            let (low, high) = (lanes(n), lanes(n.saturating_sub(LANES)));
            let mut square = [_mm512_setzero_si512(); LANES];
            for (i, row) in square.iter_mut().enumerate().take(n_lines.saturating_sub(group)) {
                let at = (first + group + i) * lines.line_stride + k + 2 * pair;
                let at = lines.data.as_ptr().wrapping_add(at);
                // SAFETY: the masks keep the reads to this line's numbers.
                unsafe {
                    let (low, high) = (
                        _mm512_maskz_loadu_ps(low, at),
                        _mm512_maskz_loadu_ps(high, at.wrapping_add(LANES)),
                    );
                    *row = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
                }
            }
            transpose(&mut square);
            for (i, column) in square.iter().enumerate().take(n_pairs - pair) {
                let at = &mut panel[(pair + i) * WIDTH + group..];
                // SAFETY: the mask keeps the write to the panel's width.
                unsafe { _mm512_mask_storeu_epi32(at.as_mut_ptr().cast(), width, *column) };
            }
        }
    }
}

/// Lines lie side by side: two rows of numbers are woven into one of pairs.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn across_k<const WIDTH: usize>(
    lines: Lines<'_>,
    (first, n_lines): (usize, usize),
    (k, n_k): (usize, usize),
    panel: &mut [u32],
) {
    // 0, 16, 1, 17, …: number `i` of the first row, then number `i` of the second.
    let weave: [u16; 32] = std::array::from_fn(|i| (i / 2 + i % 2 * LANES) as u16);
    // SAFETY: an array of 32 numbers of 16 bits is one vector.
    let weave = unsafe { _mm512_loadu_si512(weave.as_ptr().cast()) };
    for (pair, out) in panel.chunks_exact_mut(WIDTH).enumerate().take(n_k.div_ceil(2)) {
        let at = (k + 2 * pair) * lines.k_stride + first;
        let second_row = if 2 * pair + 1 < n_k { !0 } else { 0 };
        for group in (0..WIDTH).step_by(LANES) {
            let mask = lanes(n_lines.saturating_sub(group));
            let at = lines.data.as_ptr().wrapping_add(at + group);
            // SAFETY: the masks keep the reads to the lines and numbers there are, and the write
            // to the panel's width.
            unsafe {
                let even = _mm512_maskz_loadu_ps(mask, at);
                let odd = _mm512_maskz_loadu_ps(mask & second_row, at.wrapping_add(lines.k_stride));
                let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(odd, even));
                let woven = _mm512_permutexvar_epi16(weave, both);
                let into = out.as_mut_ptr().add(group).cast();
                _mm512_mask_storeu_epi32(into, lanes(WIDTH - group), woven);
            }
        }
    }
}

/// Turns a square of 16 × 16 numbers of 32 bits.
#[target_feature(enable = "avx512f")]
fn transpose(rows: &mut [__m512i; LANES]) {
    let mut turned = *rows;
    for i in (0..LANES).step_by(2) {
        turned[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        turned[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    let mut quads = turned;
    for i in (0..LANES).step_by(4) {
        quads[i] = _mm512_unpacklo_epi64(turned[i], turned[i + 2]);
        quads[i + 1] = _mm512_unpackhi_epi64(turned[i], turned[i + 2]);
        quads[i + 2] = _mm512_unpacklo_epi64(turned[i + 1], turned[i + 3]);
        quads[i + 3] = _mm512_unpackhi_epi64(turned[i + 1], turned[i + 3]);
    }
    // `quads[4 r + c]` holds, in its 128-bit part `p`, column `4 p + c` of rows `4 r..4 r + 4`.
    for c in 0..4 {
        let [a, b, d, e] = [quads[c], quads[4 + c], quads[8 + c], quads[12 + c]];
        let (ab_even, ab_odd) =
            (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        let (de_even, de_odd) =
            (_mm512_shuffle_i32x4::<0x88>(d, e), _mm512_shuffle_i32x4::<0xdd>(d, e));
        rows[c] = _mm512_shuffle_i32x4::<0x88>(ab_even, de_even);
        rows[4 + c] = _mm512_shuffle_i32x4::<0x88>(ab_odd, de_odd);
        rows[8 + c] = _mm512_shuffle_i32x4::<0xdd>(ab_even, de_even);
        rows[12 + c] = _mm512_shuffle_i32x4::<0xdd>(ab_odd, de_odd);
    }
}

/// The first `n` lanes; all of them above 16.
fn lanes(n: usize) -> __mmask16 {
    if n >= LANES { !0 } else { (1 << n) - 1 }
}
