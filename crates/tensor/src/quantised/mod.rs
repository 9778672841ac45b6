//! Packed number formats: blocks of weights that share their scales, laid out as GGUF has them.
//!
//! [`FORMATS`] is the one place that says what each is called, how large its blocks are and what
//! reads one; everything else looks a format up in it.

mod four_and_five;
mod k_quants;
mod non_linear;
mod q8_0;

use half::f16;

pub use q8_0::{Q8_BLOCK, quantise_q8_0};

use crate::dtype::DType;

/// One packed format.
pub(crate) struct BlockFormat {
    dtype: DType,
    /// The name used in messages and reports.
    pub(crate) name: &'static str,
    /// Weights of one block.
    pub(crate) len: usize,
    /// Bytes of one block.
    pub(crate) bytes: usize,
    /// Unpacks one block of `bytes` bytes to `len` numbers, to the bit as the package `gguf` does.
    read: fn(&[u8], &mut [f32]),
}

impl BlockFormat {
    const fn new(
        dtype: DType,
        name: &'static str,
        (len, bytes): (usize, usize),
        read: fn(&[u8], &mut [f32]),
    ) -> Self {
        BlockFormat { dtype, name, len, bytes, read }
    }

    /// The entry of a packed dtype.
    ///
    /// # Panics
    /// For plain numbers.
    pub(crate) fn of(dtype: DType) -> &'static BlockFormat {
        let format = FORMATS.iter().find(|format| format.dtype == dtype);
        format.expect("a number format is plain or in the table of packed ones")
    }

    /// Unpacks one row into `out`.
    pub(crate) fn read_row(&self, packed: &[u8], out: &mut [f32]) {
        let blocks = packed.chunks_exact(self.bytes).zip(out.chunks_exact_mut(self.len));
        blocks.for_each(|(block, out)| (self.read)(block, out));
    }
}

/// All packed formats, by falling size.
static FORMATS: [BlockFormat; 13] = [
    BlockFormat::new(DType::Q8_0, "q8_0", (32, 34), q8_0::read),
    BlockFormat::new(DType::Q6K, "q6_k", (256, 210), k_quants::read_q6),
    BlockFormat::new(DType::Q5_1, "q5_1", (32, 24), four_and_five::read_q5_1),
    BlockFormat::new(DType::Q5_0, "q5_0", (32, 22), four_and_five::read_q5_0),
    BlockFormat::new(DType::Q5K, "q5_k", (256, 176), k_quants::read_q5),
    BlockFormat::new(DType::Q4_1, "q4_1", (32, 20), four_and_five::read_q4_1),
    BlockFormat::new(DType::Q4_0, "q4_0", (32, 18), four_and_five::read_q4_0),
    BlockFormat::new(DType::Q4K, "q4_k", (256, 144), k_quants::read_q4),
    BlockFormat::new(DType::Iq4Nl, "iq4_nl", (32, 18), non_linear::read_iq4_nl),
    BlockFormat::new(DType::Iq4Xs, "iq4_xs", (256, 136), non_linear::read_iq4_xs),
    BlockFormat::new(DType::Mxfp4, "mxfp4", (32, 17), non_linear::read_mxfp4),
    BlockFormat::new(DType::Q3K, "q3_k", (256, 110), k_quants::read_q3),
    BlockFormat::new(DType::Q2K, "q2_k", (256, 84), k_quants::read_q2),
];

/// The little-endian `f16` at `offset`, where blocks keep their scales.
fn scale_at(block: &[u8], offset: usize) -> f32 {
    f16::from_le_bytes([block[offset], block[offset + 1]]).to_f32()
}
