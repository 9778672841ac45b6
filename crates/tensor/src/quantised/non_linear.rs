//! The 4-bit formats whose weights are indices into a table of unevenly spaced values. These are
//! whole numbers, so that they have levels too, counted from [`IQ4_ZERO`] or [`MXFP4_ZERO`].

use super::number_at;
use crate::packed::Scale;

/// The level of zero of the table of IQ4.
pub(super) const IQ4_ZERO: i32 = 128;

/// The level of zero of 4-bit floats.
pub(super) const MXFP4_ZERO: i32 = 16;

/// Levels dense near zero, where most weights are: −127, −104, −83 and so on to 113.
const IQ4: [u8; 16] = [1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241];

/// The levels of 4-bit floats (one sign bit, two of exponent, one of mantissa), doubled: 0, 1, 2, 3,
/// 4, 6, 8 and 12, and those below zero.
const E2M1: [u8; 16] = [16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4];

/// One scale, then 16 bytes of indices.
pub(super) fn read_iq4_nl(block: &[u8], _: usize, levels: &mut [u8]) -> Scale {
    unpack(&IQ4, &block[2..], levels);
    Scale::of(number_at(block, 0))
}

/// The `f16`, the upper two bits of eight scales, their lower four, then 128 bytes of indices.
pub(super) fn read_iq4_xs(block: &[u8], group: usize, levels: &mut [u8]) -> Scale {
    let high_bits = u16::from_le_bytes([block[2], block[3]]);
    let low = block[4 + group / 2] >> (group % 2 * 4) & 15;
    let high = (high_bits >> (2 * group) & 3) as u8;
    unpack(&IQ4, &block[8 + 16 * group..][..16], levels);
    Scale::of(number_at(block, 0) * (f32::from(low | high << 4) - 32.0))
}

/// The exponent of the block, then 16 bytes of 4-bit floats.
pub(super) fn read_mxfp4(block: &[u8], _: usize, levels: &mut [u8]) -> Scale {
    unpack(&E2M1, &block[1..], levels);
    // Half of 2^(e - 127), because the table is doubled; the two least are subnormal.
    let exponent = u32::from(block[0]);
    Scale::of(f32::from_bits(if exponent < 2 {
        0x20_0000 << exponent
    } else {
        (exponent - 1) << 23
    }))
}

/// Byte `i` holds weight `i` in its lower half and weight `i + 16` in its upper.
fn unpack(table: &[u8; 16], indices: &[u8], levels: &mut [u8]) {
    let (lower, upper) = levels.split_at_mut(16);
    for (i, &byte) in indices.iter().enumerate() {
        lower[i] = table[usize::from(byte & 15)];
        upper[i] = table[usize::from(byte >> 4)];
    }
}
