//! In which number format each tensor of a model is stored, and how it gets there.

use std::sync::Arc;

use hadal_tensor::{DType, HostBuffer, Memory, Packing, Q8_BLOCK, Tensor, quantise_q8_0};
use half::{bf16, f16};

/// The format of the tensor `name` of shape `dims` in a model whose matrices are stored as `dtype`;
/// `own` is the format it has now, which vectors keep.
///
/// Of a packed format are only matrices that are whole blocks of it, and no router, which is small,
/// and where a choice that flips costs more than its bytes; the others are `bf16`.
pub fn stored_as(name: &str, dims: &[usize], own: DType, dtype: DType) -> DType {
    let &[rows, cols] = dims else { return own };
    let fits = match dtype {
        DType::Q8_0 => cols.is_multiple_of(Q8_BLOCK),
        DType::Packed(packing) => packing.fits(rows, cols),
        _ => return dtype,
    };
    let is_router = name.ends_with("mlp.gate.weight");
    if fits && !is_router { dtype } else { DType::Bf16 }
}

/// The same numbers as `dtype`, rounded to nearest; of two formats that can hold the same numbers,
/// exactly.
///
/// # Panics
/// When a row, or the matrix, is not whole blocks of a packed format, or the host cannot read it.
pub fn convert(tensor: &Tensor, dtype: DType) -> Tensor {
    if tensor.dtype() == dtype {
        return tensor.clone();
    }
    let dims = tensor.dims();
    let of_bytes =
        |bytes: &[u8]| Tensor::from_memory(Arc::new(HostBuffer::from_bytes(bytes)), 0, dtype, dims);
    if let DType::Packed(packing) = dtype {
        return pack(tensor, packing);
    }
    let values = tensor.to_f32_vec();
    match dtype {
        DType::Bf16 => {
            let values: Vec<bf16> = values.into_iter().map(bf16::from_f32).collect();
            Tensor::from_slice(&values, dims)
        }
        DType::F16 => {
            let values: Vec<f16> = values.into_iter().map(f16::from_f32).collect();
            Tensor::from_slice(&values, dims)
        }
        DType::I32 => {
            let values: Vec<i32> = values.into_iter().map(|x| x.round() as i32).collect();
            Tensor::from_slice(&values, dims)
        }
        // Each row is whole blocks, so that all of them are packed as one.
        DType::Q8_0 => of_bytes(&quantise_q8_0(&values)),
        _ => Tensor::from_slice(&values, dims),
    }
}

/// A matrix in the packed layout.
fn pack(tensor: &Tensor, packing: Packing) -> Tensor {
    let dtype = DType::Packed(packing);
    let mut buffer = HostBuffer::zeroed(tensor.rows() * dtype.row_bytes(tensor.cols()));
    packing.pack(tensor, buffer.bytes_mut().expect("host memory"));
    Tensor::from_memory(Arc::new(buffer), 0, dtype, tensor.dims())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bits_of_groups_of_32_are_q8_0_exactly() {
        let values: Vec<f32> = (0..32 * 64).map(|i| (i * 7919 % 1009) as f32 - 504.0).collect();
        let plain = Tensor::from_slice(&values, &[32, 64]);
        let blocks = convert(&plain, DType::Q8_0);
        let packing = Packing::new(8, 32).expect("there is this packing");
        let packed = convert(&blocks, DType::Packed(packing));
        assert_eq!(packed.to_f32_vec(), blocks.to_f32_vec());
    }

    #[test]
    fn four_bits_of_groups_of_32_are_q4_0_exactly() {
        // Any bytes are blocks, as long as their scales are numbers.
        let mut bytes: Vec<u8> = (0..16 * 2 * 18).map(|i| (i * 89 % 251) as u8).collect();
        for block in bytes.chunks_exact_mut(18) {
            block[1] = 0x2c;
        }
        let memory = Arc::new(HostBuffer::from_bytes(&bytes));
        let blocks = Tensor::from_memory(memory, 0, DType::Q4_0, &[16, 64]);
        let packing = Packing::new(4, 32).expect("there is this packing");
        let packed = convert(&blocks, DType::Packed(packing));
        assert_eq!(packed.to_f32_vec(), blocks.to_f32_vec());
    }

    #[test]
    fn routers_vectors_and_what_does_not_fit_are_not_packed() {
        let packed = DType::Packed(Packing::new(4, 64).expect("there is this packing"));
        for (name, dims, expected) in [
            ("model.layers.0.mlp.up_proj.weight", &[32, 64][..], packed),
            ("model.layers.0.mlp.up_proj.weight", &[33, 64], DType::Bf16),
            ("model.layers.0.mlp.up_proj.weight", &[32, 96], DType::Bf16),
            ("model.layers.1.mlp.gate.weight", &[32, 64], DType::Bf16),
            ("model.norm.weight", &[64], DType::F32),
        ] {
            assert_eq!(stored_as(name, dims, DType::F32, packed), expected, "{name} {dims:?}");
        }
    }
}
