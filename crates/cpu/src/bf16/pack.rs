//! Packing: from `f32` or `bf16` in any layout to panels of `bf16` pairs as the tile reads them.
//!
//! A *line* is a row of the left factor or a column of the right one. A panel holds `WIDTH` lines:
//! for each pair of neighbours along the summed dimension, `WIDTH` numbers of 32 bits, each with the
//! two `bf16` of one line. Lines and numbers beyond the factor are zeros.

use std::arch::x86_64::*;

use half::bf16;

use super::kernel::{LANES, lanes};

/// Pairs that are packed at once: a square of numbers of 32 bits.
const CHUNK: usize = LANES;

/// Pairs behind a panel that packing it may spoil, as vectors are stored whole. It also keeps
/// panels from lying a power of two apart, where they would contend for the same cache lines.
const SLACK: usize = LANES;

/// Numbers of 32 bits from one panel of `n_pairs` to the next.
pub(crate) const fn panel_len<const WIDTH: usize>(n_pairs: usize) -> usize {
    n_pairs * WIDTH + SLACK
}

/// Lines of a factor: number `k` of line `l` is `data[l · line_stride + k · k_stride]`, and one of
/// the strides is 1.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) line_stride: usize,
    pub(crate) k_stride: usize,
}

/// Numbers that can be packed.
pub(crate) trait Number: Copy {
    /// The first `n` of 32 numbers side by side, 0 for the others.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW and BF16, and `n` numbers can be read.
    unsafe fn side_by_side(at: *const Self, n: usize) -> __m512i;

    /// The first `n` of 16 numbers of one row, 0 for the others, and behind them the same of another
    /// row, where there is one.
    ///
    /// # Safety
    /// As [`Number::side_by_side`], of both rows.
    unsafe fn two_rows(first: *const Self, second: Option<*const Self>, n: usize) -> __m512i;
}

impl Number for f32 {
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn side_by_side(at: *const f32, n: usize) -> __m512i {
        let (low, high) = (lanes(n), lanes(n.saturating_sub(LANES)));
        // SAFETY: the masks keep the reads to the numbers there are.
        unsafe {
            let low = _mm512_maskz_loadu_ps(low, at);
            let high = _mm512_maskz_loadu_ps(high, at.wrapping_add(LANES));
            std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low))
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn two_rows(first: *const f32, second: Option<*const f32>, n: usize) -> __m512i {
        // SAFETY: the masks keep the reads to the numbers there are.
        unsafe {
            let even = _mm512_maskz_loadu_ps(lanes(n), first);
            let odd = second.map_or(_mm512_setzero_ps(), |at| _mm512_maskz_loadu_ps(lanes(n), at));
            std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(odd, even))
        }
    }
}

impl Number for bf16 {
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn side_by_side(at: *const bf16, n: usize) -> __m512i {
        let (low, high) = (lanes(n), lanes(n.saturating_sub(LANES)));
        let mask = u32::from(low) | u32::from(high) << LANES;
        // SAFETY: the mask keeps the read to the numbers there are.
        unsafe { _mm512_maskz_loadu_epi16(mask, at.cast()) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn two_rows(first: *const bf16, second: Option<*const bf16>, n: usize) -> __m512i {
        let mask = u32::from(lanes(n));
        // SAFETY: the masks keep the reads to the numbers there are; of 32 places the last 16 are
        // never among them.
        unsafe {
            let even = _mm512_maskz_loadu_epi16(mask, first.cast());
            let odd = second
                .map_or(_mm512_setzero_si512(), |at| _mm512_maskz_loadu_epi16(mask, at.cast()));
            _mm512_inserti64x4::<1>(even, _mm512_castsi512_si256(odd))
        }
    }
}

/// Packs `n_lines` from `first`, numbers `k..k + n_k`, into panels [`panel_len`] apart.
///
/// # Safety
/// The processor has AVX-512 F, BW and BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) unsafe fn panels<const WIDTH: usize, T: Number>(
    lines: Lines<'_, T>,
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
                along_k::<WIDTH, T>(lines, mine, numbers, out);
            } else {
                across_k::<WIDTH, T>(lines, mine, numbers, out);
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
unsafe fn along_k<const WIDTH: usize, T: Number>(
    lines: Lines<'_, T>,
    (first, n_lines): (usize, usize),
    (k, n_k): (usize, usize),
    out: *mut u32,
) {
    for group in (0..WIDTH).step_by(LANES) {
        let mut square = [_mm512_setzero_si512(); LANES];
        for (i, row) in square.iter_mut().enumerate().take(n_lines.saturating_sub(group)) {
            let at = (first + group + i) * lines.line_stride + k;
            let at = lines.data.as_ptr().wrapping_add(at);
            // SAFETY: this line has as many numbers.
            *row = unsafe { T::side_by_side(at, n_k) };
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
unsafe fn across_k<const WIDTH: usize, T: Number>(
    lines: Lines<'_, T>,
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
        let has_second = 2 * pair + 1 < n_k;
        for group in (0..WIDTH).step_by(LANES) {
            let at = lines.data.as_ptr().wrapping_add(at + group);
            let second = has_second.then(|| at.wrapping_add(lines.k_stride));
            // SAFETY: there are as many lines and numbers, and the caller has seen to the room for
            // the write, the slack included.
            unsafe {
                let both = T::two_rows(at, second, n_lines.saturating_sub(group));
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
