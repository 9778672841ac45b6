//! The packed 8-bit format: per 32 weights one `f16` scale and 32 signed bytes.

use half::f16;

use super::number_at;
use crate::packed::Scale;

/// Weights that share one scale.
pub const Q8_BLOCK: usize = 32;

/// Packs one row by rounding to nearest with the scale `max|x| / 127`, as GGUF's `Q8_0` does.
///
/// # Panics
/// When the row is not a whole number of blocks.
pub fn quantise_q8_0(row: &[f32]) -> Vec<u8> {
    assert!(row.len().is_multiple_of(Q8_BLOCK), "a Q8_0 row of {} is not whole blocks", row.len());
    let mut packed = Vec::with_capacity(row.len() / Q8_BLOCK * (2 + Q8_BLOCK));
    for block in row.chunks_exact(Q8_BLOCK) {
        let largest = block.iter().fold(0f32, |m, x| m.max(x.abs()));
        let scale = largest / 127.0;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        packed.extend_from_slice(&f16::from_f32(scale).to_le_bytes());
        packed.extend(block.iter().map(|x| (x * inverse).round() as i8 as u8));
    }
    packed
}

/// The `f16`, then signed bytes, whose level of zero is 128.
pub(super) fn read(block: &[u8], _: usize, levels: &mut [u8]) -> Scale {
    for (level, byte) in levels.iter_mut().zip(&block[2..]) {
        *level = byte ^ 0x80;
    }
    Scale::of(number_at(block, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::quantised::BlockFormat;

    fn unpack(packed: &[u8], out: &mut [f32]) {
        BlockFormat::of(DType::Q8_0).read_row(packed, out);
    }

    #[test]
    fn a_packed_row_comes_back_within_half_a_step() {
        let row: Vec<f32> = (0..64).map(|i| ((i * 37 % 64) as f32 - 31.5) / 7.0).collect();
        let mut back = vec![0.0; 64];
        unpack(&quantise_q8_0(&row), &mut back);
        for (block, back) in row.chunks(32).zip(back.chunks(32)) {
            // The scale itself is rounded to f16, which adds at most 127 · 2^-11 of a step.
            let step = block.iter().fold(0f32, |m, x| m.max(x.abs())) / 127.0;
            for (x, y) in block.iter().zip(back) {
                assert!((x - y).abs() <= step * 0.57, "{x} came back as {y}, step {step}");
            }
        }
    }

    #[test]
    fn zeros_stay_zeros() {
        let mut back = vec![1.0; 32];
        unpack(&quantise_q8_0(&[0.0; 32]), &mut back);
        assert_eq!(back, [0.0; 32]);
    }
}
