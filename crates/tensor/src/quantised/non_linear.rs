//! The 4-bit formats whose weights are indices into a table of unevenly spaced values.

use super::scale_at;

/// Values dense near zero, where most weights are.
const IQ4: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/// The values of 4-bit floats (one sign bit, two of exponent, one of mantissa), doubled.
const E2M1: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// One scale, then 16 bytes of indices.
pub(super) fn read_iq4_nl(block: &[u8], out: &mut [f32]) {
    unpack(&IQ4, scale_at(block, 0), &block[2..], out);
}

/// The `f16`, the upper two bits of eight scales, their lower four, then 128 bytes of indices.
pub(super) fn read_iq4_xs(block: &[u8], out: &mut [f32]) {
    let scale = scale_at(block, 0);
    let high_bits = u16::from_le_bytes([block[2], block[3]]);
    let (low_bits, indices) = (&block[4..8], &block[8..136]);
    let parts = indices.chunks_exact(16).zip(out.chunks_exact_mut(32));
    for (part, (indices, out)) in parts.enumerate() {
        let low = low_bits[part / 2] >> (part % 2 * 4) & 15;
        let high = (high_bits >> (2 * part) & 3) as u8;
        let factor = scale * (f32::from(low | high << 4) - 32.0);
        unpack(&IQ4, factor, indices, out);
    }
}

/// The exponent of the block, then 16 bytes of 4-bit floats.
pub(super) fn read_mxfp4(block: &[u8], out: &mut [f32]) {
    // Half of 2^(e - 127), because the table is doubled; the two least are subnormal.
    let exponent = u32::from(block[0]);
    let half =
        f32::from_bits(if exponent < 2 { 0x20_0000 << exponent } else { (exponent - 1) << 23 });
    unpack(&E2M1, half, &block[1..], out);
}

/// Byte `i` holds weight `i` in its lower half and weight `i + 16` in its upper.
fn unpack(table: &[i8; 16], scale: f32, indices: &[u8], out: &mut [f32]) {
    let (lower, upper) = out.split_at_mut(16);
    for (i, &byte) in indices.iter().enumerate() {
        lower[i] = scale * f32::from(table[usize::from(byte & 15)]);
        upper[i] = scale * f32::from(table[usize::from(byte >> 4)]);
    }
}
