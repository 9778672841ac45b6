//! The formats of 2 to 6 bits in super-blocks of 256, whose groups have small integer scales of
//! their own under one `f16`.
//!
//! Low bits of weights that lie 32 (or 64) apart share a byte: bits 0 and 1 of byte `l` belong to
//! the first run of 32, bits 2 and 3 to the second, and so on.

use super::number_at;
use crate::packed::Scale;

/// 16 bytes of scales and least values, 64 of weights, then both `f16`.
pub(super) fn read_q2(block: &[u8], group: usize, levels: &mut [u8]) -> Scale {
    let (scales, weights) = (&block[..16], &block[16..80]);
    for (i, level) in levels.iter_mut().enumerate() {
        *level = two_bits(weights, group * 16 + i);
    }
    let numbers = (f32::from(scales[group] & 15), f32::from(scales[group] >> 4));
    of_two(number_at(block, 80), number_at(block, 82), numbers)
}

/// 32 bytes of third bits, 64 of low bits, 12 of scales, then the `f16`. A weight counts from −4.
pub(super) fn read_q3(block: &[u8], group: usize, levels: &mut [u8]) -> Scale {
    let (third_bits, weights, scales) = (&block[..32], &block[32..96], &block[96..108]);
    for (i, level) in levels.iter_mut().enumerate() {
        let weight = group * 16 + i;
        let third = third_bits[weight % 32] >> (weight / 32) & 1;
        *level = two_bits(weights, weight) | third << 2;
    }
    let low = scales[group % 8] >> (group / 8 * 4) & 15;
    let high = scales[8 + group % 4] >> (group / 4 * 2) & 3;
    Scale::of(number_at(block, 108) * (f32::from(low | high << 4) - 32.0))
}

/// Both `f16`, 12 bytes of scales and least values, 128 of weights.
pub(super) fn read_q4(block: &[u8], group: usize, levels: &mut [u8]) -> Scale {
    let (scales, weights) = (&block[4..16], &block[16..144]);
    for (i, level) in levels.iter_mut().enumerate() {
        *level = four_bits(weights, group, i);
    }
    of_two(number_at(block, 0), number_at(block, 2), six_bits(scales, group))
}

/// As 4 bits, with 32 bytes of fifth bits before the weights.
pub(super) fn read_q5(block: &[u8], group: usize, levels: &mut [u8]) -> Scale {
    let (scales, fifth_bits, weights) = (&block[4..16], &block[16..48], &block[48..176]);
    for (i, level) in levels.iter_mut().enumerate() {
        let fifth = fifth_bits[i] >> group & 1;
        *level = four_bits(weights, group, i) | fifth << 4;
    }
    of_two(number_at(block, 0), number_at(block, 2), six_bits(scales, group))
}

/// 128 bytes of low and 64 of high bits, 16 signed scales, then the `f16`. A weight counts from −32.
pub(super) fn read_q6(block: &[u8], group: usize, levels: &mut [u8]) -> Scale {
    let (low_bits, high_bits, scales) = (&block[..128], &block[128..192], &block[192..208]);
    for (i, level) in levels.iter_mut().enumerate() {
        let weight = group * 16 + i;
        // Low bits of weights 64 apart share a byte, within each half of the block.
        let low = low_bits[weight / 128 * 64 + weight % 64] >> (weight % 128 / 64 * 4) & 15;
        *level = low | two_bits(high_bits, weight) << 4;
    }
    Scale::of(number_at(block, 208) * f32::from(scales[group] as i8))
}

/// A group's scale and what is taken away, both small integers under an `f16`.
fn of_two(scale: f32, least: f32, (step, drop): (f32, f32)) -> Scale {
    Scale { step: scale * step, minimum: -(least * drop) }
}

/// Two bits of a weight: four runs of 32 share 32 bytes, in each half of the block.
fn two_bits(bytes: &[u8], weight: usize) -> u8 {
    bytes[weight / 128 * 32 + weight % 32] >> (weight % 128 / 32 * 2) & 3
}

/// Four bits of weight `i` of a group of 32: two groups share 32 bytes.
fn four_bits(bytes: &[u8], group: usize, i: usize) -> u8 {
    bytes[group / 2 * 32 + i] >> (group % 2 * 4) & 15
}

/// The scale and least value of one of eight groups, of 6 bits each. The first four groups have
/// theirs whole in eight bytes, whose upper two bits belong to the last four groups.
fn six_bits(packed: &[u8], group: usize) -> (f32, f32) {
    let (scale, least) = if group < 4 {
        (packed[group] & 63, packed[group + 4] & 63)
    } else {
        let low = packed[group + 4];
        (low & 15 | packed[group - 4] >> 6 << 4, low >> 4 | packed[group] >> 6 << 4)
    };
    (f32::from(scale), f32::from(least))
}
