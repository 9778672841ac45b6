//! Number formats of tensors.

use bytemuck::Pod;
use half::{bf16, f16};

use crate::packed::Packing;
use crate::quantised::{Q8_BLOCK, Q8_BLOCK_BYTES};

/// How the numbers of a tensor are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// IEEE single precision.
    F32,
    /// The upper half of an `f32`.
    Bf16,
    /// IEEE half precision.
    F16,
    /// Signed 32-bit integers: token ids, positions, expert indices.
    I32,
    /// Packed 8-bit weights: blocks of 32 signed bytes behind one `f16` scale (GGUF's `Q8_0`).
    Q8_0,
    /// Packed weights in the order in which kernels read them.
    Packed(Packing),
}

impl DType {
    /// Bytes of one row of `cols` numbers.
    ///
    /// # Panics
    /// When a packed format is asked for a row that is not a whole number of blocks.
    pub fn row_bytes(self, cols: usize) -> usize {
        match self {
            DType::F32 | DType::I32 => cols * 4,
            DType::Bf16 | DType::F16 => cols * 2,
            DType::Q8_0 => {
                assert!(cols.is_multiple_of(Q8_BLOCK), "a Q8_0 row of {cols} is not whole blocks");
                cols / Q8_BLOCK * Q8_BLOCK_BYTES
            }
            DType::Packed(packing) => packing.row_bytes(cols),
        }
    }

    /// The name used in messages and reports.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::Bf16 => "bf16",
            DType::F16 => "f16",
            DType::I32 => "i32",
            DType::Q8_0 => "q8_0",
            DType::Packed(packing) => packing.name(),
        }
    }
}

/// A plain number type that a tensor can hold.
pub trait Element: Pod + Send + Sync {
    /// The dtype of a tensor of these.
    const DTYPE: DType;
}

impl Element for f32 {
    const DTYPE: DType = DType::F32;
}
impl Element for bf16 {
    const DTYPE: DType = DType::Bf16;
}
impl Element for f16 {
    const DTYPE: DType = DType::F16;
}
impl Element for i32 {
    const DTYPE: DType = DType::I32;
}
