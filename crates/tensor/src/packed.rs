//! The packed compute layout: 4-bit and 8-bit weights as the kernels of a processor read them.
//!
//! A matrix `[O, I]` is cut into *strips* of 16 rows, and a strip into *blocks* of `group` columns.
//! Blocks lie one after the other along a strip, and strips one after the other, so that a product
//! with a vector reads the matrix from its first byte to its last. A block holds the quants and
//! after them 16 `f16` scales, one for each row. Quants go by *quads* of 4 columns: the 64 bytes of
//! a quad are 4 columns of row 0, 4 of row 1, and so on, which is one operand of `vpdpbusd`.
//!
//! | bits | block | weight |
//! |---|---|---|
//! | 8 | quad `0 … group / 4`, a byte each | `scale · (byte − 128)` |
//! | 4 | the low nibbles of 64 bytes are quad `q`, the high ones quad `q + group / 8` | `scale · (nibble − 8)` |
//!
//! With groups of 32 the numbers are those of GGUF's `Q4_0` and `Q8_0`, at the same size.

use half::f16;

/// Rows of one strip.
pub const STRIP_ROWS: usize = 16;
/// Columns of one quad.
pub(crate) const QUAD: usize = 4;
/// Bytes of the quants of one quad in 8 bits.
const QUAD_BYTES: usize = STRIP_ROWS * QUAD;
/// The longest group.
const LONGEST_GROUP: usize = 128;
/// Bytes of the scales of one block.
const SCALE_BYTES: usize = STRIP_ROWS * size_of::<f16>();

/// How a matrix is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Packing {
    bits: u8,
    group: u8,
}

impl Packing {
    /// All there are, the smallest first.
    pub const ALL: [Packing; 6] = [
        Packing { bits: 4, group: 128 },
        Packing { bits: 4, group: 64 },
        Packing { bits: 4, group: 32 },
        Packing { bits: 8, group: 128 },
        Packing { bits: 8, group: 64 },
        Packing { bits: 8, group: 32 },
    ];

    /// Weights of `bits` bits of which `group` in a row share a scale, where that is one of
    /// [`Packing::ALL`].
    pub fn new(bits: usize, group: usize) -> Option<Packing> {
        Packing::ALL.into_iter().find(|packing| packing.bits() == bits && packing.group() == group)
    }

    /// Bits of a weight: 4 or 8.
    pub fn bits(self) -> usize {
        usize::from(self.bits)
    }

    /// Columns that share a scale: 32, 64 or 128.
    pub fn group(self) -> usize {
        usize::from(self.group)
    }

    /// The name used in messages, reports and files.
    pub fn name(self) -> &'static str {
        match (self.bits, self.group) {
            (4, 32) => "packed_4_32",
            (4, 64) => "packed_4_64",
            (4, _) => "packed_4_128",
            (_, 32) => "packed_8_32",
            (_, 64) => "packed_8_64",
            (_, _) => "packed_8_128",
        }
    }

    /// The packing of a [`Packing::name`].
    pub fn named(name: &str) -> Option<Packing> {
        Packing::ALL.into_iter().find(|packing| packing.name() == name)
    }

    /// Whether a matrix `[rows, cols]` is whole strips of whole blocks.
    pub fn fits(self, rows: usize, cols: usize) -> bool {
        rows.is_multiple_of(STRIP_ROWS) && cols.is_multiple_of(self.group())
    }

    /// Bytes of the quants of one block, after which its scales stand.
    pub fn quant_bytes(self) -> usize {
        STRIP_ROWS * self.group() * self.bits() / 8
    }

    /// Bytes of one block.
    pub fn block_bytes(self) -> usize {
        self.quant_bytes() + SCALE_BYTES
    }

    /// What is added to a weight's whole number so that it is stored without a sign.
    pub fn offset(self) -> i32 {
        1 << (self.bits - 1)
    }

    /// Bytes of one row of `cols` weights, the sixteenth part of a strip.
    pub(crate) fn row_bytes(self, cols: usize) -> usize {
        assert!(cols.is_multiple_of(self.group()), "a {} row of {cols} columns", self.name());
        cols / self.group() * (self.block_bytes() / STRIP_ROWS)
    }

    /// Packs a matrix of `cols` columns into `packed` by rounding to nearest.
    ///
    /// The scale of 8 bits is `max|x| / 127`; that of 4 bits is such that the number of greatest
    /// magnitude becomes −8, as in GGUF's `Q4_0`.
    ///
    /// # Panics
    /// When the matrix is not whole strips of whole blocks, or `packed` is not as long as it.
    pub fn pack(self, values: &[f32], cols: usize, packed: &mut [u8]) {
        let mut quants = [0; LONGEST_GROUP];
        let quants = &mut quants[..self.group()];
        self.interleave([values.len() / cols, cols], packed, |row, block, bytes| {
            let start = row * cols + block * self.group();
            let scale = self.quantise(&values[start..start + self.group()], quants);
            let (first, second) = quants.split_at(bytes.len());
            bytes.copy_from_slice(first);
            for (byte, high) in bytes.iter_mut().zip(second) {
                *byte |= high << 4;
            }
            scale
        });
    }

    /// Packs a matrix `[rows, cols]` into `packed`, of which `share` writes, for a row and a block,
    /// the row's share of the block's quants and gives the scale. Of 8 bits it is a byte for each
    /// column; of 4 bits, byte `i` has column `i` in its low nibble and column `i + group / 2` in
    /// the high one.
    ///
    /// # Panics
    /// As [`Packing::pack`].
    pub fn interleave(
        self,
        [rows, cols]: [usize; 2],
        packed: &mut [u8],
        mut share: impl FnMut(usize, usize, &mut [u8]) -> f16,
    ) {
        assert!(self.fits(rows, cols), "a {} matrix of {rows} × {cols}", self.name());
        assert_eq!(packed.len(), rows * self.row_bytes(cols), "room for the packed matrix");
        let blocks = cols / self.group();
        let mut bytes = [0; LONGEST_GROUP];
        let bytes = &mut bytes[..self.quant_bytes() / STRIP_ROWS];
        for (index, packed) in packed.chunks_exact_mut(self.block_bytes()).enumerate() {
            let (strip, block) = (index / blocks, index % blocks);
            let (quants, scales) = packed.split_at_mut(self.quant_bytes());
            for (row, scale) in scales.chunks_exact_mut(size_of::<f16>()).enumerate() {
                let found = share(strip * STRIP_ROWS + row, block, bytes);
                scale.copy_from_slice(&found.to_le_bytes());
                let quads = quants.chunks_exact_mut(QUAD_BYTES);
                for (to, from) in quads.zip(bytes.chunks_exact(QUAD)) {
                    to[row * QUAD..][..QUAD].copy_from_slice(from);
                }
            }
        }
    }

    /// Rounds one group to nearest.
    fn quantise(self, values: &[f32], quants: &mut [u8]) -> f16 {
        let largest = values.iter().fold(0f32, |m, &x| if x.abs() > m.abs() { x } else { m });
        let most = self.offset() as f32;
        let scale = if self.bits == 4 { -largest / most } else { largest.abs() / (most - 1.0) };
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        for (quant, x) in quants.iter_mut().zip(values) {
            *quant = (x * inverse).round().clamp(-most, most - 1.0) as i32 as u8;
            *quant = quant.wrapping_add(self.offset() as u8);
        }
        f16::from_f32(scale)
    }

    /// Reads row `row` of a strip into `out`.
    pub(crate) fn read_row(self, strip: &[u8], row: usize, out: &mut [f32]) {
        let offset = self.offset();
        let blocks = strip.chunks_exact(self.block_bytes());
        for (block, out) in blocks.zip(out.chunks_exact_mut(self.group())) {
            let (quants, scales) = block.split_at(self.quant_bytes());
            let scale = f16::from_le_bytes([scales[2 * row], scales[2 * row + 1]]).to_f32();
            let value = |quant: u8| scale * (i32::from(quant) - offset) as f32;
            let quads = quants.chunks_exact(QUAD_BYTES).map(|quad| &quad[row * QUAD..][..QUAD]);
            let (first, second) = out.split_at_mut(quants.len() / STRIP_ROWS);
            for (quad, out) in quads.clone().zip(first.chunks_exact_mut(QUAD)) {
                for (byte, out) in quad.iter().zip(out) {
                    *out = value(if self.bits == 4 { byte & 15 } else { *byte });
                }
            }
            for (quad, out) in quads.zip(second.chunks_exact_mut(QUAD)) {
                for (byte, out) in quad.iter().zip(out) {
                    *out = value(byte >> 4);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_matrix_comes_back_within_half_a_step() {
        for packing in Packing::ALL {
            let (rows, cols) = (2 * STRIP_ROWS, 2 * packing.group());
            let value = |i: usize| ((i * 7919 % 1009) as f32 - 504.0) / 100.0;
            let values: Vec<f32> = (0..rows * cols).map(value).collect();
            let mut packed = vec![0; rows * packing.row_bytes(cols)];
            packing.pack(&values, cols, &mut packed);
            let mut back = vec![0.0; cols];
            for (row, values) in values.chunks_exact(cols).enumerate() {
                let strip = &packed[row / STRIP_ROWS * STRIP_ROWS * packing.row_bytes(cols)..]
                    [..STRIP_ROWS * packing.row_bytes(cols)];
                packing.read_row(strip, row % STRIP_ROWS, &mut back);
                let groups = values.chunks_exact(packing.group());
                for (values, back) in groups.zip(back.chunks_exact(packing.group())) {
                    let largest = values.iter().fold(0f32, |m, x| m.max(x.abs()));
                    // In 4 bits the side opposite to the largest loses one step more.
                    let step = largest / if packing.bits() == 4 { 8.0 } else { 127.0 };
                    let most = if packing.bits() == 4 { 1.01 } else { 0.57 };
                    for (x, y) in values.iter().zip(back) {
                        assert!((x - y).abs() <= step * most, "{packing:?}: {x} came back as {y}");
                    }
                }
            }
        }
    }

    #[test]
    fn names_and_sizes_tell_packings_apart() {
        for packing in Packing::ALL {
            assert_eq!(Packing::named(packing.name()), Some(packing));
            assert_eq!(Packing::new(packing.bits(), packing.group()), Some(packing));
        }
        assert_eq!(Packing::new(3, 32), None);
        // 4.125 and 4.5 bits a weight.
        let bits = |p: Packing| 8.0 * p.row_bytes(1024) as f64 / 1024.0;
        assert_eq!(bits(Packing::ALL[0]), 4.125);
        assert_eq!(bits(Packing::ALL[2]), 4.5);
    }
}
