//! The kernels on AVX-512 with VNNI: 16 rows in the lanes of a register, a column in each sum.
//!
//! A weight is a byte without a sign and an activation one with, as `vpdpbusd` wants them. A
//! block's sum begins with the column's offset, which undoes the missing sign, so that the sum is
//! exact in 32 bits; then both scales are multiplied to it and it is added to the strip's `f32`.

use std::arch::x86_64::*;

use hadal_tensor::{Packing, STRIP_ROWS};

use super::activations::{PanelView, QUAD};
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
    let kernel = match (packing.bits(), packing.group()) {
        (4, 32) => of_width::<4, 4>(panel.width),
        (4, 64) => of_width::<4, 8>(panel.width),
        (4, _) => of_width::<4, 16>(panel.width),
        (_, 32) => of_width::<8, 8>(panel.width),
        (_, 64) => of_width::<8, 16>(panel.width),
        (_, _) => of_width::<8, 32>(panel.width),
    };
    // SAFETY: the contract is the same, and the kernel is that of the width and the packing.
    unsafe { kernel(strip, panel, out, ahead) }
}

/// A strip, a panel, room for their product, and what comes after the strip.
type StripKernel = unsafe fn(&[u8], PanelView<'_>, &mut [f32], Ahead);

/// The kernel for blocks of `REGISTERS` registers of `BITS` bits and panels of this width.
fn of_width<const BITS: usize, const REGISTERS: usize>(width: usize) -> StripKernel {
    match width {
        12 => strip_of::<12, BITS, REGISTERS>,
        8 => strip_of::<8, BITS, REGISTERS>,
        4 => strip_of::<4, BITS, REGISTERS>,
        2 => strip_of::<2, BITS, REGISTERS>,
        _ => strip_of::<1, BITS, REGISTERS>,
    }
}

/// # Safety
/// As [`strip`], with `WIDTH` the panel's and blocks of `REGISTERS` registers of `BITS` bits.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,f16c")]
unsafe fn strip_of<const WIDTH: usize, const BITS: usize, const REGISTERS: usize>(
    strip: &[u8],
    panel: PanelView<'_>,
    out: &mut [f32],
    ahead: Ahead,
) {
    let quads = REGISTERS * 8 / BITS;
    let block_bytes = REGISTERS * REGISTER + 2 * STRIP_ROWS;
    let low = _mm512_set1_epi8(15);
    let mut sums = [_mm512_setzero_ps(); WIDTH];
    // SAFETY: weights, quants, scales and offsets are read within their slices, whose lengths the
    // contract gives; a prefetch may have any address.
    unsafe {
        let mut x = panel.quants.as_ptr();
        for (block, weights) in strip.chunks_exact(block_bytes).enumerate() {
            let w = weights.as_ptr();
            let fetch = ahead.of(w, FETCH_AHEAD);
            for line in 0..block_bytes.div_ceil(REGISTER) {
                _mm_prefetch::<_MM_HINT_T0>(fetch.wrapping_add(line * REGISTER).cast());
            }
            let offsets = panel.offsets.as_ptr().add(block * WIDTH);
            let mut whole = [_mm512_setzero_si512(); WIDTH];
            for (column, whole) in whole.iter_mut().enumerate() {
                *whole = _mm512_set1_epi32(*offsets.add(column));
            }
            for register in 0..REGISTERS {
                let bytes = _mm512_loadu_si512(w.add(register * REGISTER).cast());
                if BITS == 4 {
                    let first = _mm512_and_si512(bytes, low);
                    let second = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), low);
                    for (column, whole) in whole.iter_mut().enumerate() {
                        let at = x.add((register * WIDTH + column) * QUAD);
                        *whole = _mm512_dpbusd_epi32(*whole, first, broadcast(at));
                    }
                    for (column, whole) in whole.iter_mut().enumerate() {
                        let at = x.add(((register + REGISTERS) * WIDTH + column) * QUAD);
                        *whole = _mm512_dpbusd_epi32(*whole, second, broadcast(at));
                    }
                } else {
                    for (column, whole) in whole.iter_mut().enumerate() {
                        let at = x.add((register * WIDTH + column) * QUAD);
                        *whole = _mm512_dpbusd_epi32(*whole, bytes, broadcast(at));
                    }
                }
            }
            x = x.add(quads * WIDTH * QUAD);
            let scales = _mm256_loadu_si256(w.add(REGISTERS * REGISTER).cast());
            let scales = _mm512_cvtph_ps(scales);
            let of_columns = panel.scales.as_ptr().add(block * WIDTH);
            for column in 0..WIDTH {
                let scale = _mm512_mul_ps(scales, _mm512_set1_ps(*of_columns.add(column)));
                let whole = _mm512_cvtepi32_ps(whole[column]);
                sums[column] = _mm512_fmadd_ps(whole, scale, sums[column]);
            }
        }
        for (column, sum) in sums.iter().enumerate() {
            _mm512_storeu_ps(out.as_mut_ptr().add(column * STRIP_ROWS), *sum);
        }
    }
}

/// # Safety
/// Four bytes can be read at `at`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn broadcast(at: *const i8) -> __m512i {
    // SAFETY: the contract is the same.
    _mm512_set1_epi32(unsafe { at.cast::<i32>().read_unaligned() })
}
