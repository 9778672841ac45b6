//! The formats of 4 and 5 bits whose blocks of 32 have one scale, and perhaps a least value.
//!
//! Byte `i` of the nibbles holds weight `i` in its lower half and weight `i + 16` in its upper.

use super::scale_at;

/// `scale · (q - 8)`.
pub(super) fn read_q4_0(block: &[u8], out: &mut [f32]) {
    let scale = scale_at(block, 0);
    unpack(&block[2..], &[0; 4], out, |q| scale * (q - 8.0));
}

/// `scale · q + least`.
pub(super) fn read_q4_1(block: &[u8], out: &mut [f32]) {
    let (scale, least) = (scale_at(block, 0), scale_at(block, 2));
    unpack(&block[4..], &[0; 4], out, |q| scale * q + least);
}

/// `scale · (q - 16)`, with the fifth bits of all weights before the nibbles.
pub(super) fn read_q5_0(block: &[u8], out: &mut [f32]) {
    let scale = scale_at(block, 0);
    unpack(&block[6..], &block[2..6], out, |q| scale * (q - 16.0));
}

/// `scale · q + least`, with the fifth bits of all weights before the nibbles.
pub(super) fn read_q5_1(block: &[u8], out: &mut [f32]) {
    let (scale, least) = (scale_at(block, 0), scale_at(block, 2));
    unpack(&block[8..], &block[4..8], out, |q| scale * q + least);
}

fn unpack(nibbles: &[u8], fifth_bits: &[u8], out: &mut [f32], value: impl Fn(f32) -> f32) {
    let (lower, upper) = out.split_at_mut(16);
    for (i, &byte) in nibbles.iter().enumerate() {
        let fifth = |weight: usize| (fifth_bits[weight / 8] >> (weight % 8) & 1) << 4;
        lower[i] = value(f32::from(byte & 15 | fifth(i)));
        upper[i] = value(f32::from(byte >> 4 | fifth(i + 16)));
    }
}
