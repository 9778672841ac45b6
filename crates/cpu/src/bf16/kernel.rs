//! The innermost tile: [`TILE_ROWS`] rows by [`TILE_COLS`] columns in registers.

use std::arch::x86_64::*;

use hadal_tensor::Accumulate;

/// Rows of a tile. With two vectors of columns its 24 sums fill the registers but for the factors.
pub(crate) const TILE_ROWS: usize = 12;
/// Columns of a tile: two vectors.
pub(crate) const TILE_COLS: usize = 32;

/// Numbers of 32 bits in one vector.
pub(super) const LANES: usize = 16;

/// Where a tile of the product goes.
pub(crate) struct Target {
    /// Its first element.
    pub(crate) at: *mut f32,
    /// Numbers between two rows.
    pub(crate) stride: usize,
    /// Rows to write, at most [`TILE_ROWS`].
    pub(crate) rows: usize,
    /// Columns to write, at most [`TILE_COLS`].
    pub(crate) cols: usize,
}

/// Multiplies a packed panel of rows by a packed panel of columns.
///
/// # Safety
/// The processor has AVX-512 F, BW and BF16. `rows` points to `n_pairs · TILE_ROWS` pairs, `cols`
/// to `n_pairs · TILE_COLS`, and every element of `target` may be written by the caller alone.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) unsafe fn tile(
    n_pairs: usize,
    rows: *const u32,
    cols: *const u32,
    target: &Target,
    scale: f32,
    mode: Accumulate,
) {
    // SAFETY: the contract is the same, and each arm computes at least the rows and columns there
    // are.
    unsafe {
        if target.cols > LANES {
            tile_of_cols::<2>(n_pairs, rows, cols, target, scale, mode);
        } else {
            tile_of_cols::<1>(n_pairs, rows, cols, target, scale, mode);
        }
    }
}

/// # Safety
/// As [`tile`]; `VECTORS` hold at least `target.cols`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn tile_of_cols<const VECTORS: usize>(
    n_pairs: usize,
    rows: *const u32,
    cols: *const u32,
    target: &Target,
    scale: f32,
    mode: Accumulate,
) {
    // SAFETY: the contract is the same, and each arm computes at least the rows there are.
    unsafe {
        match target.rows {
            ..=2 => tile_of::<2, VECTORS>(n_pairs, rows, cols, target, scale, mode),
            3..=4 => tile_of::<4, VECTORS>(n_pairs, rows, cols, target, scale, mode),
            5..=8 => tile_of::<8, VECTORS>(n_pairs, rows, cols, target, scale, mode),
            _ => tile_of::<TILE_ROWS, VECTORS>(n_pairs, rows, cols, target, scale, mode),
        }
    }
}

/// # Safety
/// As [`tile_of_cols`]; `ROWS` is at least `target.rows`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn tile_of<const ROWS: usize, const VECTORS: usize>(
    n_pairs: usize,
    rows: *const u32,
    cols: *const u32,
    target: &Target,
    scale: f32,
    mode: Accumulate,
) {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    for pair in 0..n_pairs {
        // SAFETY: `pair < n_pairs`, so all reads lie within the two panels.
        unsafe {
            let (rows, cols) = (rows.add(pair * TILE_ROWS), cols.add(pair * TILE_COLS));
            let cols: [__m512bh; VECTORS] = std::array::from_fn(|vector| {
                std::mem::transmute(_mm512_loadu_si512(cols.add(vector * LANES).cast()))
            });
            for (row, sums) in sums.iter_mut().enumerate() {
                let factor: __m512bh =
                    std::mem::transmute(_mm512_set1_epi32(*rows.add(row) as i32));
                for (sum, cols) in sums.iter_mut().zip(cols) {
                    *sum = _mm512_dpbf16_ps(*sum, factor, cols);
                }
            }
        }
    }
    let scale = _mm512_set1_ps(scale);
    for (row, sums) in sums.iter().enumerate().take(target.rows) {
        for (vector, &sum) in sums.iter().enumerate() {
            let mask = lanes(target.cols.saturating_sub(vector * LANES));
            let at = target.at.wrapping_add(row * target.stride + vector * LANES);
            // A masked store takes several times as long as a whole one on a Zen 4.
            let is_whole = mask == !0;
            // SAFETY: whole vectors, or what the mask lets through, lie within the target.
            unsafe {
                let sum = match (mode, is_whole) {
                    (Accumulate::Store, _) => _mm512_mul_ps(sum, scale),
                    (Accumulate::Add, true) => _mm512_fmadd_ps(sum, scale, _mm512_loadu_ps(at)),
                    (Accumulate::Add, false) => {
                        _mm512_fmadd_ps(sum, scale, _mm512_maskz_loadu_ps(mask, at))
                    }
                };
                if is_whole {
                    _mm512_storeu_ps(at, sum);
                } else {
                    _mm512_mask_storeu_ps(at, mask, sum);
                }
            }
        }
    }
}

/// The first `n` lanes; all of them above 16.
pub(super) fn lanes(n: usize) -> __mmask16 {
    if n >= LANES { !0 } else { (1 << n) - 1 }
}
