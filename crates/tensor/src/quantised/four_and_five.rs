//! The formats of 4 and 5 bits whose blocks of 32 have one scale, and perhaps a least value.
//!
//! Byte `i` of the nibbles holds weight `i` in its lower half and weight `i + 16` in its upper.

use super::number_at;
use crate::packed::Scale;

/// `scale · (q - 8)`.
pub(super) fn read_q4_0(block: &[u8], _: usize, levels: &mut [u8]) -> Scale {
    unpack(&block[2..], levels);
    Scale::of(number_at(block, 0))
}

/// `scale · q + least`.
pub(super) fn read_q4_1(block: &[u8], _: usize, levels: &mut [u8]) -> Scale {
    unpack(&block[4..], levels);
    Scale { step: number_at(block, 0), minimum: number_at(block, 2) }
}

/// `scale · (q - 16)`, with the fifth bits of all weights before the nibbles.
pub(super) fn read_q5_0(block: &[u8], _: usize, levels: &mut [u8]) -> Scale {
    unpack(&block[6..], levels);
    add_fifth_bits(&block[2..6], levels);
    Scale::of(number_at(block, 0))
}

/// `scale · q + least`, with the fifth bits of all weights before the nibbles.
pub(super) fn read_q5_1(block: &[u8], _: usize, levels: &mut [u8]) -> Scale {
    unpack(&block[8..], levels);
    add_fifth_bits(&block[4..8], levels);
    Scale { step: number_at(block, 0), minimum: number_at(block, 2) }
}

#[inline(always)]
fn unpack(nibbles: &[u8], levels: &mut [u8]) {
    let (lower, upper) = levels[..32].split_at_mut(16);
    for ((lower, upper), byte) in lower.iter_mut().zip(upper).zip(&nibbles[..16]) {
        (*lower, *upper) = (byte & 15, byte >> 4);
    }
}

/// Bit `i` belongs to weight `i`.
fn add_fifth_bits(bits: &[u8], levels: &mut [u8]) {
    for (levels, bits) in levels.chunks_exact_mut(8).zip(bits) {
        for (i, level) in levels.iter_mut().enumerate() {
            *level |= (bits >> i & 1) << 4;
        }
    }
}
