//! Packing: from `f32` in any layout to panels of `bf16` pairs as the tile reads them.
//!
//! A *line* is a row of the left factor or a column of the right one. A panel holds `WIDTH` lines:
//! for each pair of neighbours along the summed dimension, `WIDTH` numbers of 32 bits, each with the
//! two `bf16` of one line. Lines and numbers beyond the factor are zeros.

use std::arch::x86_64::*;

use super::kernel::{LANES, lanes};

/// Pairs that are packed at once: a square of numbers of 32 bits.
const CHUNK: usize = LANES;

/// Pairs behind a panel that packing it may spoil, as vectors are stored whole. It also keeps
/// panels from lying a power of two apart, where they would contend for the same cache lines.
const SLACK: usize = LANES;

/// Numbers of 32 bits from one panel of `n_pairs` to the next.
pub(super) const fn panel_len<const WIDTH: usize>(n_pairs: usize) -> usize {
    n_pairs * WIDTH + SLACK
}

/// Lines of a factor: number `k` of line `l` is `data[l · line_stride + k · k_stride]`, and one of
/// the strides is 1.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    pub(super) data: &'a [f32],
    pub(super) line_stride: usize,
    pub(super) k_stride: usize,
}

/// Packs `n_lines` from `first`, numbers `k..k + n_k`, into panels [`panel_len`] apart.
///
/// # Safety
/// The processor has AVX-512 F, BW and BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn panels<const WIDTH: usize>(
    lines: Lines<'_>,
    (first, n_lines): (usize, usize),
    (k, n_k): (usize, usize),
    packed: &mut [u32],
) {
    let n_pairs = n_k.div_ceil(2);
    let panel_len = panel_len::<WIDTH>(n_pairs);
    assert!(packed.len() >= n_lines.div_ceil(WIDTH) * panel_len, "room for all panels");
    let last = (first + n_lines - 1) * lines.line_stride + (k + n_k - 1) * lines.k_stride;
    assert!(last < lines.data.len(), "the lines lie within their slice");
    let mut pack = |panel: usize, pair: usize| {
        let line = panel * WIDTH;
        let mine = (first + line, (n_lines - line).min(WIDTH));
        let numbers = (k + 2 * pair, (n_k - 2 * pair).min(2 * CHUNK));
        let out = packed[panel * panel_len + pair * WIDTH..].as_mut_ptr();
        // SAFETY: the assertions bound every read and write of the two functions.
        unsafe {
            if lines.k_stride == 1 {
                along_k::<WIDTH>(lines, mine, numbers, out);
            } else {
                across_k::<WIDTH>(lines, mine, numbers, out);
            }
        }
    };
    let n_panels = n_lines.div_ceil(WIDTH);
    // In the order in which memory is read: a few lines to their ends, or a few rows of all lines.
    if lines.k_stride == 1 {
        for panel in 0..n_panels {
            (0..n_pairs).step_by(CHUNK).for_each(|pair| pack(panel, pair));
        }
    } else {
        for pair in (0..n_pairs).step_by(CHUNK) {
            (0..n_panels).for_each(|panel| pack(panel, pair));
        }
    }
}

/// Packs a chunk of lines whose numbers lie side by side: 16 lines by 16 pairs are turned in
/// registers.
///
/// # Safety
/// The lines lie within their slice, and `out` has room for the chunk and [`SLACK`] pairs more.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn along_k<const WIDTH: usize>(
    lines: Lines<'_>,
    (first, n_lines): (usize, usize),
    (k, n_k): (usize, usize),
    out: *mut u32,
) {
    let (low, high) = (lanes(n_k), lanes(n_k.saturating_sub(LANES)));
    for group in (0..WIDTH).step_by(LANES) {
        let mut square = [_mm512_setzero_si512(); LANES];
        for (i, row) in square.iter_mut().enumerate().take(n_lines.saturating_sub(group)) {
            let at = (first + group + i) * lines.line_stride + k;
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
        for (pair, column) in square.iter().enumerate().take(n_k.div_ceil(2)) {
            // SAFETY: the caller has seen to the room, the slack included.
            unsafe { _mm512_storeu_si512(out.add(pair * WIDTH + group).cast(), *column) };
        }
    }
}

/// Packs a chunk of lines that lie side by side: two rows of numbers are woven into one of pairs.
///
/// # Safety
/// As [`along_k`].
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn across_k<const WIDTH: usize>(
    lines: Lines<'_>,
    (first, n_lines): (usize, usize),
    (k, n_k): (usize, usize),
    out: *mut u32,
) {
    // 0, 16, 1, 17, …: number `i` of the first row, then number `i` of the second.
    let weave: [u16; 32] = std::array::from_fn(|i| (i / 2 + i % 2 * LANES) as u16);
    // SAFETY: an array of 32 numbers of 16 bits is one vector.
    let weave = unsafe { _mm512_loadu_si512(weave.as_ptr().cast()) };
    for pair in 0..n_k.div_ceil(2) {
        let at = (k + 2 * pair) * lines.k_stride + first;
        let second_row = if 2 * pair + 1 < n_k { !0 } else { 0 };
        for group in (0..WIDTH).step_by(LANES) {
            let mask = lanes(n_lines.saturating_sub(group));
            let at = lines.data.as_ptr().wrapping_add(at + group);
            // SAFETY: the masks keep the reads to the lines and numbers there are, and the caller
            // has seen to the room for the write, the slack included.
            unsafe {
                let even = _mm512_maskz_loadu_ps(mask, at);
                let odd = _mm512_maskz_loadu_ps(mask & second_row, at.wrapping_add(lines.k_stride));
                let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(odd, even));
                let woven = _mm512_permutexvar_epi16(weave, both);
                _mm512_storeu_si512(out.add(pair * WIDTH + group).cast(), woven);
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
