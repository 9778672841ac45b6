//! The kernels on AVX-512 with VNNI: 16 rows in the lanes of a register, a column in each sum.
//!
//! A level is a byte without a sign and an activation one with, as `vpdpbusd` wants them. A block's
//! sum begins with what undoes the missing sign, so that the sum is exact in 32 bits; then both
//! scales are multiplied to it and it is added to the strip's `f32`. Minima are multiplied with the
//! sum of the activations, and added after it.

use std::arch::x86_64::*;

use hadal_tensor::{Packing, QUAD, SCALE_BYTES, STRIP_ROWS};

use super::activations::PanelView;
use super::kernel::Ahead;

/// Bytes of one register.
const REGISTER: usize = 64;

/// How far before its use a weight is fetched from memory.
const FETCH_AHEAD: usize = 9 * 1024;

/// Multiplies one strip by one panel: `out` `[width, 16]`.
///
/// # Safety
/// The processor has AVX-512 F, BW, VL and VNNI and F16C. `strip` is whole blocks of `packing` for
/// as many columns as the panel has inputs, and `out` has room for the panel's width.
pub(super) unsafe fn strip(
    packing: Packing,
    strip: &[u8],
    panel: PanelView<'_>,
    out: &mut [f32],
    ahead: Ahead,
) {
    debug_assert_eq!(out.len(), panel.width * STRIP_ROWS);
    let kernel = match (packing.bits(), packing.group(), packing.has_minima()) {
        (4, 16, false) => of_width::<4, 16, false>(panel.width),
        (4, 16, true) => of_width::<4, 16, true>(panel.width),
        (4, 32, false) => of_width::<4, 32, false>(panel.width),
        (4, 32, true) => of_width::<4, 32, true>(panel.width),
        (4, 64, _) => of_width::<4, 64, false>(panel.width),
        (4, _, _) => of_width::<4, 128, false>(panel.width),
        (6, 16, _) => of_width::<6, 16, false>(panel.width),
        (6, _, false) => of_width::<6, 32, false>(panel.width),
        (6, _, true) => of_width::<6, 32, true>(panel.width),
        (_, 32, _) => of_width::<8, 32, false>(panel.width),
        (_, 64, _) => of_width::<8, 64, false>(panel.width),
        (_, _, _) => of_width::<8, 128, false>(panel.width),
    };
    // SAFETY: the contract is the same, and the kernel is that of the width and the packing.
    unsafe { kernel(strip, panel, out, ahead) }
}

/// A strip, a panel, room for their product, and what comes after the strip.
type StripKernel = unsafe fn(&[u8], PanelView<'_>, &mut [f32], Ahead);

/// The kernel for a packing and panels of this width.
fn of_width<const BITS: usize, const GROUP: usize, const MINIMA: bool>(
    width: usize,
) -> StripKernel {
    match width {
        12 => strip_of::<12, BITS, GROUP, MINIMA>,
        8 => strip_of::<8, BITS, GROUP, MINIMA>,
        4 => strip_of::<4, BITS, GROUP, MINIMA>,
        2 => strip_of::<2, BITS, GROUP, MINIMA>,
        _ => strip_of::<1, BITS, GROUP, MINIMA>,
    }
}

/// # Safety
/// As [`strip`], with `WIDTH` the panel's and the packing that the others say.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,f16c")]
unsafe fn strip_of<
    const WIDTH: usize,
    const BITS: usize,
    const GROUP: usize,
    const MINIMA: bool,
>(
    strip: &[u8],
    panel: PanelView<'_>,
    out: &mut [f32],
    ahead: Ahead,
) {
    let quads = GROUP / QUAD;
    let level_bytes = GROUP * STRIP_ROWS * BITS / 8;
    let block_bytes = level_bytes + (1 + usize::from(MINIMA)) * SCALE_BYTES;
    let (low, high) = (_mm512_set1_epi8(0x0f), _mm512_set1_epi8(0x30));
    let mut sums = [_mm512_setzero_ps(); WIDTH];
    // SAFETY: weights, quants, scales and sums are read within their slices, whose lengths the
    // contract gives; a prefetch may have any address.
    unsafe {
        let mut x = panel.quants.as_ptr();
        for (block, weights) in strip.chunks_exact(block_bytes).enumerate() {
            let w = weights.as_ptr();
            let fetch = ahead.of(w, FETCH_AHEAD);
            for line in 0..block_bytes.div_ceil(REGISTER) {
                _mm_prefetch::<_MM_HINT_T0>(fetch.wrapping_add(line * REGISTER).cast());
            }
            let of_quants = panel.sums.as_ptr().add(block * WIDTH);
            let mut whole = [_mm512_setzero_si512(); WIDTH];
            if !MINIMA {
                for (column, whole) in whole.iter_mut().enumerate() {
                    *whole = _mm512_set1_epi32(*of_quants.add(column));
                }
            }
            let register = |at: usize| _mm512_loadu_si512(w.add(at * REGISTER).cast());
            let mut meet = |quad: usize, levels: __m512i| {
                for (column, whole) in whole.iter_mut().enumerate() {
                    let x = broadcast(x.add((quad * WIDTH + column) * QUAD));
                    *whole = _mm512_dpbusd_epi32(*whole, levels, x);
                }
            };
            match BITS {
                4 => {
                    for quad in 0..quads / 2 {
                        let bytes = register(quad);
                        meet(quad, _mm512_and_si512(bytes, low));
                        let bytes = _mm512_srli_epi16::<4>(bytes);
                        meet(quad + quads / 2, _mm512_and_si512(bytes, low));
                    }
                }
                6 => {
                    let joined = |bytes, bits| {
                        _mm512_or_si512(_mm512_and_si512(bytes, low), _mm512_and_si512(bits, high))
                    };
                    for quad in 0..quads / 4 {
                        let [first, second] = [register(quad), register(quad + quads / 4)];
                        let bits = register(quad + quads / 2);
                        meet(quad, joined(first, _mm512_slli_epi16::<4>(bits)));
                        meet(quad + quads / 4, joined(second, _mm512_slli_epi16::<2>(bits)));
                        let first = _mm512_srli_epi16::<4>(first);
                        let second = _mm512_srli_epi16::<4>(second);
                        meet(quad + quads / 2, joined(first, bits));
                        meet(quad + 3 * quads / 4, joined(second, _mm512_srli_epi16::<2>(bits)));
                    }
                }
                _ => (0..quads).for_each(|quad| meet(quad, register(quad))),
            }
            x = x.add(quads * WIDTH * QUAD);
            let scales = numbers(w.add(level_bytes));
            let of_columns = panel.scales.as_ptr().add(block * WIDTH);
            for column in 0..WIDTH {
                let scale = _mm512_mul_ps(scales, _mm512_set1_ps(*of_columns.add(column)));
                let whole = _mm512_cvtepi32_ps(whole[column]);
                sums[column] = _mm512_fmadd_ps(whole, scale, sums[column]);
            }
            if MINIMA {
                let minima = numbers(w.add(level_bytes + SCALE_BYTES));
                for (column, sum) in sums.iter_mut().enumerate() {
                    let of_column = *of_quants.add(column) as f32 * *of_columns.add(column);
                    *sum = _mm512_fmadd_ps(minima, _mm512_set1_ps(of_column), *sum);
                }
            }
        }
        for (column, sum) in sums.iter().enumerate() {
            _mm512_storeu_ps(out.as_mut_ptr().add(column * STRIP_ROWS), *sum);
        }
    }
}

/// The scales or the minima of a block.
///
/// # Safety
/// 32 bytes can be read at `at`.
#[inline]
#[target_feature(enable = "avx512f,f16c")]
unsafe fn numbers(at: *const u8) -> __m512 {
    // SAFETY: the contract is the same.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(at.cast()) })
}

/// # Safety
/// Four bytes can be read at `at`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn broadcast(at: *const i8) -> __m512i {
    // SAFETY: the contract is the same.
    _mm512_set1_epi32(unsafe { at.cast::<i32>().read_unaligned() })
}
