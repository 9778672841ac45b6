//! Packed number formats: blocks of weights that share their scales, laid out as GGUF has them.
//!
//! [`FORMATS`] is the one place that says what each is called, how large its blocks are and what
//! reads one; everything else looks a format up in it.

mod four_and_five;
mod k_quants;
mod non_linear;
mod q8_0;

use half::f16;

use non_linear::{IQ4_ZERO, MXFP4_ZERO};
pub use q8_0::{Q8_BLOCK, quantise_q8_0};

use crate::dtype::DType;
use crate::packed::{LONGEST_GROUP, Packing, Scale};

/// One packed format.
pub(crate) struct BlockFormat {
    dtype: DType,
    /// The name used in messages and reports.
    pub(crate) name: &'static str,
    /// Weights of one block.
    pub(crate) len: usize,
    /// Bytes of one block.
    pub(crate) bytes: usize,
    /// The packing with these groups whose levels hold the levels of these.
    pub(crate) packing: Packing,
    /// The level of zero.
    pub(crate) zero: i32,
    /// Reads one group of a block: its levels, and what they are of.
    read: ReadGroup,
}

/// A block, the group of it, and room for the group's levels.
type ReadGroup = fn(&[u8], usize, &mut [u8]) -> Scale;

impl BlockFormat {
    const fn new(
        dtype: DType,
        name: &'static str,
        (len, bytes): (usize, usize),
        (packing, zero): (Packing, i32),
        read: ReadGroup,
    ) -> Self {
        BlockFormat { dtype, name, len, bytes, packing, zero, read }
    }

    /// The entry of a packed dtype.
    ///
    /// # Panics
    /// For plain numbers.
    pub(crate) fn of(dtype: DType) -> &'static BlockFormat {
        let format = FORMATS.iter().find(|format| format.dtype == dtype);
        format.expect("a number format is plain or in the table of packed ones")
    }

    /// Reads the levels of one group of a row, and what they are of.
    pub(crate) fn read_group(&self, row: &[u8], group: usize, levels: &mut [u8]) -> Scale {
        let of_block = self.len / self.packing.group();
        let block = &row[group / of_block * self.bytes..][..self.bytes];
        (self.read)(block, group % of_block, levels)
    }

    /// Unpacks one row into `out`, to the bit as the package `gguf` does.
    pub(crate) fn read_row(&self, row: &[u8], out: &mut [f32]) {
        let mut levels = [0; LONGEST_GROUP];
        let levels = &mut levels[..self.packing.group()];
        for (group, out) in out.chunks_exact_mut(levels.len()).enumerate() {
            let scale = self.read_group(row, group, levels);
            for (out, level) in out.iter_mut().zip(&*levels) {
                *out = scale.weight(i32::from(*level) - self.zero);
            }
        }
    }
}

const fn plain(bits: u8, group: u8, zero: i32) -> (Packing, i32) {
    (Packing::plain(bits, group), zero)
}

const fn with_minima(bits: u8, group: u8) -> (Packing, i32) {
    (Packing::with_minima(bits, group), 0)
}

/// All packed formats, by falling size.
static FORMATS: [BlockFormat; 13] = [
    BlockFormat::new(DType::Q8_0, "q8_0", (32, 34), plain(8, 32, 128), q8_0::read),
    BlockFormat::new(DType::Q6K, "q6_k", (256, 210), plain(6, 16, 32), k_quants::read_q6),
    BlockFormat::new(DType::Q5_1, "q5_1", (32, 24), with_minima(6, 32), four_and_five::read_q5_1),
    BlockFormat::new(DType::Q5_0, "q5_0", (32, 22), plain(6, 32, 16), four_and_five::read_q5_0),
    BlockFormat::new(DType::Q5K, "q5_k", (256, 176), with_minima(6, 32), k_quants::read_q5),
    BlockFormat::new(DType::Q4_1, "q4_1", (32, 20), with_minima(4, 32), four_and_five::read_q4_1),
    BlockFormat::new(DType::Q4_0, "q4_0", (32, 18), plain(4, 32, 8), four_and_five::read_q4_0),
    BlockFormat::new(DType::Q4K, "q4_k", (256, 144), with_minima(4, 32), k_quants::read_q4),
    BlockFormat::new(
        DType::Iq4Nl,
        "iq4_nl",
        (32, 18),
        plain(8, 32, IQ4_ZERO),
        non_linear::read_iq4_nl,
    ),
    BlockFormat::new(
        DType::Iq4Xs,
        "iq4_xs",
        (256, 136),
        plain(8, 32, IQ4_ZERO),
        non_linear::read_iq4_xs,
    ),
    BlockFormat::new(
        DType::Mxfp4,
        "mxfp4",
        (32, 17),
        plain(6, 32, MXFP4_ZERO),
        non_linear::read_mxfp4,
    ),
    BlockFormat::new(DType::Q3K, "q3_k", (256, 110), plain(4, 16, 4), k_quants::read_q3),
    BlockFormat::new(DType::Q2K, "q2_k", (256, 84), with_minima(4, 16), k_quants::read_q2),
];

/// The little-endian `f16` at `offset`, where blocks keep their scales.
pub(crate) fn number_at(block: &[u8], offset: usize) -> f32 {
    f16::from_le_bytes([block[offset], block[offset + 1]]).to_f32()
}
