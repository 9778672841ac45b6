//! Random inputs that are the same on every machine.

use std::sync::Arc;

use half::{bf16, f16};

use crate::dtype::DType;
use crate::memory::HostBuffer;
use crate::quantised::quantise_q8_0;
use crate::tensor::Tensor;

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(super) struct Random(u64);

impl Random {
    /// The generator of a name, so that a case has the same inputs wherever it stands in the
    /// table. The seed is the name's FNV-1a hash.
    pub(super) fn named(name: &str) -> Self {
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        Random(name.bytes().fold(0xcbf2_9ce4_8422_2325, hash))
    }

    pub(super) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next_u64() % end as u64) as usize
    }

    /// Nearly normal with mean 0 and variance 1: the sum of four uniform numbers, scaled.
    pub(super) fn normal(&mut self) -> f32 {
        let bits = self.next_u64();
        let sum: u64 = (0..4).map(|i| (bits >> (16 * i)) & 0xffff).sum();
        (sum as f32 / 65536.0 - 2.0) * 3f32.sqrt()
    }

    /// A host `f32` tensor of normal numbers with standard deviation `scale`.
    pub(super) fn tensor(&mut self, dims: &[usize], scale: f32) -> Tensor {
        let n = dims.iter().product();
        let values: Vec<f32> = (0..n).map(|_| scale * self.normal()).collect();
        Tensor::from_slice(&values, dims)
    }

    /// The same as [`Random::tensor`] in `dtype`, `f32` or `bf16`.
    pub(super) fn tensor_of(&mut self, dtype: DType, dims: &[usize], scale: f32) -> Tensor {
        let values = self.tensor(dims, scale);
        if dtype == DType::F32 {
            return values;
        }
        let values = values.as_slice::<f32>().iter().map(|x| bf16::from_f32(*x));
        Tensor::from_slice(&values.collect::<Vec<bf16>>(), dims)
    }

    /// A host matrix of weights for `cols` inputs, so scaled that a product has variance 1.
    pub(super) fn weights(&mut self, rows: usize, cols: usize, dtype: DType) -> Tensor {
        let dims = [rows, cols];
        let plain = self.tensor(&dims, 1.0 / (cols as f32).sqrt());
        let values = plain.as_slice::<f32>();
        match dtype {
            DType::F32 => Tensor::from_slice(values, &dims),
            DType::Bf16 => {
                let values: Vec<bf16> = values.iter().map(|&x| bf16::from_f32(x)).collect();
                Tensor::from_slice(&values, &dims)
            }
            DType::F16 => {
                let values: Vec<f16> = values.iter().map(|&x| f16::from_f32(x)).collect();
                Tensor::from_slice(&values, &dims)
            }
            DType::Q8_0 => {
                let packed: Vec<u8> = values.chunks_exact(cols).flat_map(quantise_q8_0).collect();
                let memory = Arc::new(HostBuffer::from_bytes(&packed));
                Tensor::from_memory(memory, 0, DType::Q8_0, &dims)
            }
            DType::Packed(packing) => {
                let mut packed = vec![0; rows * dtype.row_bytes(cols)];
                packing.pack(&plain, &mut packed);
                let memory = Arc::new(HostBuffer::from_bytes(&packed));
                Tensor::from_memory(memory, 0, dtype, &dims)
            }
            other => panic!("no weights are made in {}", other.name()),
        }
    }

    /// A host `i32` vector of numbers below `end`.
    pub(super) fn ids(&mut self, n: usize, end: usize) -> Tensor {
        let values: Vec<i32> = (0..n).map(|_| self.below(end) as i32).collect();
        Tensor::from_slice(&values, &[n])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let values = Random::named("moments").tensor(&[100, 100], 1.0).to_f32_vec();
        let mean = values.iter().sum::<f32>() / 1e4;
        let variance = values.iter().map(|x| x * x).sum::<f32>() / 1e4;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} and {variance}");
    }

    #[test]
    fn names_tell_generators_apart() {
        assert_ne!(Random::named("a").next_u64(), Random::named("b").next_u64());
        assert_eq!(Random::named("a").next_u64(), Random::named("a").next_u64());
    }
}
