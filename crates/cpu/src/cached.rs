//! The number formats that a cache holds keys, values and latents in.

use hadal_tensor::{Element, Tensor};
use half::bf16;

use crate::isa::{Isa, per_isa};

/// A number of a cache.
pub(crate) trait Cached: Element {
    /// The nearest such numbers; of two as near, the even one.
    fn round(isa: Isa, from: &[f32], to: &mut [Self]);
}

impl Cached for f32 {
    fn round(_: Isa, from: &[f32], to: &mut [f32]) {
        to.copy_from_slice(from);
    }
}

impl Cached for bf16 {
    fn round(isa: Isa, from: &[f32], to: &mut [bf16]) {
        round_bf16(isa, from, to);
    }
}

/// Copies `rows` into rows `at` and after of `cache`.
pub(crate) fn store_rows<T: Cached>(isa: Isa, cache: &mut Tensor, at: usize, rows: &Tensor) {
    let (rows, mut cache) = (rows.matrix::<f32>(), cache.matrix_mut::<T>());
    for row in 0..rows.rows {
        T::round(isa, rows.row(row), cache.row_mut(at + row));
    }
}

/// The same number as `f32`: its upper half.
#[inline(always)]
pub(crate) fn wide(x: bf16) -> f32 {
    f32::from_bits(u32::from(x.to_bits()) << 16)
}

#[inline(always)]
fn round_bf16_body<const FMA: bool>(from: &[f32], to: &mut [bf16]) {
    assert_eq!(from.len(), to.len(), "a place for each number");
    for (to, from) in to.iter_mut().zip(from) {
        let bits = from.to_bits();
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        let quiet = bits >> 16 | 0x40;
        *to = bf16::from_bits(if from.is_nan() { quiet } else { rounded } as u16);
    }
}

per_isa! {
    fn round_bf16(from: &[f32], to: &mut [bf16]) => round_bf16_body
}

#[inline(always)]
fn widen_bf16_body<const FMA: bool>(from: &[bf16], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = wide(*from);
    }
}

per_isa! {
    /// Writes the same numbers as `f32`.
    fn widen_bf16(from: &[bf16], to: &mut [f32]) => widen_bf16_body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_as_half_does() {
        // The last two lie midway between two others.
        let midway = [0x3f80_8000, 0x3f81_8000].map(f32::from_bits);
        let special = [0.0, -0.0, f32::INFINITY, -f32::NAN, f32::MAX, 1e-41, midway[0], midway[1]];
        let mut numbers = special.to_vec();
        numbers.extend((0..4000u32).map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9))));
        let expected: Vec<u16> = numbers.iter().map(|x| bf16::from_f32(*x).to_bits()).collect();
        for isa in Isa::available() {
            let mut rounded = vec![bf16::ZERO; numbers.len()];
            bf16::round(isa, &numbers, &mut rounded);
            assert_eq!(rounded.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), expected);
        }
    }
}
