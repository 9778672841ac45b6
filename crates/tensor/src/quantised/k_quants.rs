//! The formats of 2 to 6 bits in super-blocks of 256, whose parts have small integer scales of
//! their own under one `f16`.
//!
//! Low bits of weights that lie 32 (or 64) apart share a byte: bits 0 and 1 of byte `l` belong to
//! the first run of 32, bits 2 and 3 to the second, and so on.

use super::scale_at;

/// 16 bytes of scales and least values, 64 of weights, then both `f16`.
pub(super) fn read_q2(block: &[u8], out: &mut [f32]) {
    let (scales, weights) = (&block[..16], &block[16..80]);
    let (scale, least) = (scale_at(block, 80), scale_at(block, 82));
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        let factor = scale * f32::from(scales[part] & 15);
        let offset = least * f32::from(scales[part] >> 4);
        for (i, out) in out.iter_mut().enumerate() {
            *out = factor * f32::from(two_bits(weights, part * 16 + i)) - offset;
        }
    }
}

/// 32 bytes of third bits, 64 of low bits, 12 of scales, then the `f16`. A third bit that is not
/// set takes 4 away.
pub(super) fn read_q3(block: &[u8], out: &mut [f32]) {
    let (third_bits, weights, scales) = (&block[..32], &block[32..96], &block[96..108]);
    let scale = scale_at(block, 108);
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        let low = scales[part % 8] >> (part / 8 * 4) & 15;
        let high = scales[8 + part % 4] >> (part / 4 * 2) & 3;
        let factor = scale * (f32::from(low | high << 4) - 32.0);
        for (i, out) in out.iter_mut().enumerate() {
            let weight = part * 16 + i;
            let is_set = third_bits[weight % 32] >> (weight / 32) & 1 == 1;
            let q = f32::from(two_bits(weights, weight)) - if is_set { 0.0 } else { 4.0 };
            *out = factor * q;
        }
    }
}

/// Both `f16`, 12 bytes of scales and least values, 128 of weights.
pub(super) fn read_q4(block: &[u8], out: &mut [f32]) {
    let (scale, least) = (scale_at(block, 0), scale_at(block, 2));
    let (scales, weights) = (&block[4..16], &block[16..144]);
    for (part, out) in out.chunks_exact_mut(32).enumerate() {
        let (factor, offset) = six_bits(scales, part);
        let (factor, offset) = (scale * factor, least * offset);
        for (i, out) in out.iter_mut().enumerate() {
            *out = factor * f32::from(four_bits(weights, part, i)) - offset;
        }
    }
}

/// As 4 bits, with 32 bytes of fifth bits before the weights.
pub(super) fn read_q5(block: &[u8], out: &mut [f32]) {
    let (scale, least) = (scale_at(block, 0), scale_at(block, 2));
    let (scales, fifth_bits, weights) = (&block[4..16], &block[16..48], &block[48..176]);
    for (part, out) in out.chunks_exact_mut(32).enumerate() {
        let (factor, offset) = six_bits(scales, part);
        let (factor, offset) = (scale * factor, least * offset);
        for (i, out) in out.iter_mut().enumerate() {
            let fifth = fifth_bits[i] >> part & 1;
            *out = factor * f32::from(four_bits(weights, part, i) | fifth << 4) - offset;
        }
    }
}

/// 128 bytes of low and 64 of high bits, 16 signed scales, then the `f16`.
pub(super) fn read_q6(block: &[u8], out: &mut [f32]) {
    let (low_bits, high_bits, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let scale = scale_at(block, 208);
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        let factor = scale * f32::from(scales[part] as i8);
        for (i, out) in out.iter_mut().enumerate() {
            let weight = part * 16 + i;
            // Low bits of weights 64 apart share a byte, within each half of the block.
            let low = low_bits[weight / 128 * 64 + weight % 64] >> (weight % 128 / 64 * 4) & 15;
            let q = f32::from(low | two_bits(high_bits, weight) << 4) - 32.0;
            *out = factor * q;
        }
    }
}

/// Two bits of a weight: four runs of 32 share 32 bytes, in each half of the block.
fn two_bits(bytes: &[u8], weight: usize) -> u8 {
    bytes[weight / 128 * 32 + weight % 32] >> (weight % 128 / 32 * 2) & 3
}

/// Four bits of weight `i` of a part of 32: two parts share 32 bytes.
fn four_bits(bytes: &[u8], part: usize, i: usize) -> u8 {
    bytes[part / 2 * 32 + i] >> (part % 2 * 4) & 15
}

/// The scale and least value of one of eight parts, of 6 bits each. The first four parts have
/// theirs whole in eight bytes, whose upper two bits belong to the last four parts.
fn six_bits(packed: &[u8], part: usize) -> (f32, f32) {
    let (scale, least) = if part < 4 {
        (packed[part] & 63, packed[part + 4] & 63)
    } else {
        let low = packed[part + 4];
        (low & 15 | packed[part - 4] >> 6 << 4, low >> 4 | packed[part] >> 6 << 4)
    };
    (f32::from(scale), f32::from(least))
}
