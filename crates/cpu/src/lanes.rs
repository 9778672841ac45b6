//! Arithmetic on slices, lane by lane; the building blocks of every kernel.

use crate::isa::per_isa;

/// Numbers that travel together: one AVX-512 register, two of AVX2.
pub(crate) const LANES: usize = 16;

/// Asks for numbers that will be read soon.
pub(crate) fn fetch<T>(numbers: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..size_of_val(numbers)).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every such processor has the instruction, and any address may be fetched.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(numbers.as_ptr().byte_add(line).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = numbers;
}

/// `a · b + c`, fused where that is one instruction. Without it, `mul_add` is a slow call.
#[inline(always)]
pub(crate) fn fma<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `eˣ` with a relative error below 2e-7: a polynomial on `[-ln 2 / 2, ln 2 / 2]` (Cephes), scaled
/// by a power of two made from bits. Below -87 it gives about 1.6e-38, above 88 about 1.6e38.
#[inline(always)]
pub(crate) fn exp<const FMA: bool>(x: f32) -> f32 {
    // Adding 1.5 · 2²³ rounds to a whole number, which then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = fma::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma::<FMA>(n, 2.121_944_4e-4, fma::<FMA>(n, -0.693_359_4, x));
    let p = fma::<FMA>(r, 1.987_569_1e-4, 1.398_199_9e-3);
    let p = fma::<FMA>(r, p, 8.333_452e-3);
    let p = fma::<FMA>(r, p, 4.166_579_6e-2);
    let p = fma::<FMA>(r, p, 1.666_666_5e-1);
    let p = fma::<FMA>(r, p, 0.5);
    let p = fma::<FMA>(r * r, p, r) + 1.0;
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// `1 / (1 + e⁻ˣ)`.
#[inline(always)]
pub(crate) fn sigmoid<const FMA: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FMA>(-x))
}

/// The sum of lanes, always in the same order.
#[inline(always)]
pub(crate) fn sum_lanes(lanes: [f32; LANES]) -> f32 {
    let mut lanes = lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// `Σ a · b`.
#[inline(always)]
pub(crate) fn dot_body<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [[0f32; LANES]; 4];
    let (a, b) = (&a[..a.len().min(b.len())], &b[..a.len().min(b.len())]);
    let (wide_a, wide_b) = (a.chunks_exact(4 * LANES), b.chunks_exact(4 * LANES));
    let (rest_a, rest_b) = (wide_a.remainder(), wide_b.remainder());
    for (a, b) in wide_a.zip(wide_b) {
        for (s, sums) in sums.iter_mut().enumerate() {
            for i in 0..LANES {
                sums[i] = fma::<FMA>(a[s * LANES + i], b[s * LANES + i], sums[i]);
            }
        }
    }
    let [mut sum, s1, s2, s3] = sums;
    for i in 0..LANES {
        sum[i] = (sum[i] + s1[i]) + (s2[i] + s3[i]);
    }
    let (narrow_a, narrow_b) = (rest_a.chunks_exact(LANES), rest_b.chunks_exact(LANES));
    let (tail_a, tail_b) = (narrow_a.remainder(), narrow_b.remainder());
    for (a, b) in narrow_a.zip(narrow_b) {
        for i in 0..LANES {
            sum[i] = fma::<FMA>(a[i], b[i], sum[i]);
        }
    }
    let tail = tail_a.iter().zip(tail_b).fold(0.0, |sum, (a, b)| fma::<FMA>(*a, *b, sum));
    sum_lanes(sum) + tail
}

per_isa! {
    /// `Σ a · b`.
    fn dot(a: &[f32], b: &[f32]) -> f32 => dot_body
}

/// `y += a · x`.
#[inline(always)]
pub(crate) fn axpy_body<const FMA: bool>(a: f32, x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = fma::<FMA>(a, *x, *y);
    }
}

per_isa! {
    /// `y += a · x`.
    fn axpy(a: f32, x: &[f32], y: &mut [f32]) => axpy_body
}

#[inline(always)]
pub(crate) fn max_body<const FMA: bool>(x: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder().iter().fold(f32::NEG_INFINITY, |m, x| m.max(*x));
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = if chunk[i] > lanes[i] { chunk[i] } else { lanes[i] };
        }
    }
    lanes.iter().fold(rest, |m, x| m.max(*x))
}

per_isa! {
    /// The greatest value; −∞ of nothing.
    fn max(x: &[f32]) -> f32 => max_body
}

per_isa! {
    /// Replaces `x` by `e^(x - shift)` and gives the sum.
    fn exp_sum(x: &mut [f32], shift: f32) -> f32 => exp_sum_body
}

#[inline(always)]
pub(crate) fn exp_sum_body<const FMA: bool>(x: &mut [f32], shift: f32) -> f32 {
    let mut sums = [0f32; LANES];
    let mut chunks = x.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for i in 0..LANES {
            chunk[i] = exp::<FMA>(chunk[i] - shift);
            sums[i] += chunk[i];
        }
    }
    let mut tail = 0.0;
    for x in chunks.into_remainder() {
        *x = exp::<FMA>(*x - shift);
        tail += *x;
    }
    sum_lanes(sums) + tail
}

#[inline(always)]
fn softmax_body<const FMA: bool>(x: &mut [f32]) -> f32 {
    let shift = max_body::<FMA>(x);
    let sum = exp_sum_body::<FMA>(x, shift);
    let inverse = 1.0 / sum;
    for x in x {
        *x *= inverse;
    }
    shift + sum.ln()
}

per_isa! {
    /// Replaces `x` by its softmax and gives the logarithm of the denominator.
    fn softmax(x: &mut [f32]) -> f32 => softmax_body
}

#[inline(always)]
fn exp_shifted_body<const FMA: bool>(x: &mut [f32], shift: f32) {
    for x in x {
        *x = exp::<FMA>(*x - shift);
    }
}

per_isa! {
    /// Replaces `x` by `e^(x - shift)`.
    fn exp_shifted(x: &mut [f32], shift: f32) => exp_shifted_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;

    #[test]
    fn the_exponential_is_within_its_bound() {
        for isa in Isa::available() {
            for i in -8700..8800 {
                let x = i as f32 / 100.0 + 0.003;
                let mut y = [x];
                exp_shifted(isa, &mut y, 0.0);
                let expected = f64::from(x.clamp(-87.0, 88.0)).exp();
                let error = (f64::from(y[0]) / expected - 1.0).abs();
                assert!(error < 2e-7, "exp({x}) on {} is off by {error}", isa.name());
            }
        }
    }
}
