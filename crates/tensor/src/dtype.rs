//! Number formats of tensors.

use bytemuck::Pod;
use half::{bf16, f16};

use crate::packed::Packing;
use crate::quantised::BlockFormat;

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
    /// Blocks of 32 4-bit weights with a scale.
    Q4_0,
    /// Blocks of 32 4-bit weights with a scale and a least value.
    Q4_1,
    /// Blocks of 32 5-bit weights with a scale.
    Q5_0,
    /// Blocks of 32 5-bit weights with a scale and a least value.
    Q5_1,
    /// Blocks of 256 2-bit weights; each 16 have a 4-bit scale and a 4-bit least value.
    Q2K,
    /// Blocks of 256 3-bit weights; each 16 have a 6-bit scale.
    Q3K,
    /// Blocks of 256 4-bit weights; each 32 have a 6-bit scale and a 6-bit least value.
    Q4K,
    /// Blocks of 256 5-bit weights; each 32 have a 6-bit scale and a 6-bit least value.
    Q5K,
    /// Blocks of 256 6-bit weights; each 16 have an 8-bit scale.
    Q6K,
    /// Blocks of 32 indices into a table of 16 unevenly spaced values, with a scale.
    Iq4Nl,
    /// Blocks of 256 indices into that table; each 32 have a 6-bit scale.
    Iq4Xs,
    /// Blocks of 32 4-bit floats behind one exponent (OCP Microscaling).
    Mxfp4,
}

impl DType {
    /// Bytes of one row of `cols` numbers.
    ///
    /// # Panics
    /// When a packed format is asked for a row that is not a whole number of blocks.
    pub fn row_bytes(self, cols: usize) -> usize {
        let (len, bytes) = (self.block_len(), self.block_bytes());
        assert!(cols.is_multiple_of(len), "a {} row of {cols} is not whole blocks", self.name());
        cols / len * bytes
    }

    /// How many numbers are stored together: a block of a packed format, else 1.
    pub fn block_len(self) -> usize {
        match self {
            DType::Packed(packing) => packing.group(),
            blocks if blocks.is_blocks() => BlockFormat::of(blocks).len,
            _ => 1,
        }
    }

    /// Bytes of what [`DType::block_len`] numbers take.
    pub fn block_bytes(self) -> usize {
        match self {
            DType::F32 | DType::I32 => 4,
            DType::Bf16 | DType::F16 => 2,
            DType::Packed(packing) => packing.row_bytes(packing.group()),
            blocks => BlockFormat::of(blocks).bytes,
        }
    }

    /// Whether each row is stored as blocks behind each other: the formats of GGUF.
    pub fn is_blocks(self) -> bool {
        !matches!(self, DType::F32 | DType::I32 | DType::Bf16 | DType::F16 | DType::Packed(_))
    }

    /// The name used in messages and reports.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::Bf16 => "bf16",
            DType::F16 => "f16",
            DType::I32 => "i32",
            DType::Packed(packing) => packing.name(),
            blocks => BlockFormat::of(blocks).name,
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
