//! Packing matrices, and reading them back.

use half::f16;

use super::{LONGEST_GROUP, Packing, QUAD, QUAD_BYTES, SCALE_BYTES, STRIP_ROWS, Scale};
use crate::dtype::DType;
use crate::quantised::{BlockFormat, number_at};
use crate::tensor::Tensor;

/// Where some bits of a quad's levels lie in a block.
struct Piece {
    /// The first of 64 bytes.
    at: usize,
    /// Their lowest bit in a byte.
    shift: usize,
    /// As many bits as there are of each level.
    mask: u8,
    /// Their lowest bit in a level.
    of_level: usize,
}

impl Packing {
    /// Packs a matrix into `packed`: blocks of GGUF whose levels this packing holds
    /// ([`DType::packing`]) at the same levels, with their scales rounded to `f16` if they are not;
    /// everything else by rounding to nearest.
    ///
    /// # Panics
    /// When the matrix is not whole strips of whole blocks, `packed` is not as long as it, or the
    /// host cannot read it.
    pub fn pack(self, matrix: &Tensor, packed: &mut [u8]) {
        let dims = [matrix.rows(), matrix.cols()];
        if matrix.dtype().packing() == Some(self) {
            let format = BlockFormat::of(matrix.dtype());
            let raised = (self.offset() - format.zero) as u8;
            let rows: Vec<&[u8]> = (0..dims[0]).map(|row| matrix.packed_row(row)).collect();
            self.interleave(dims, packed, |row, group, levels| {
                let scale = format.read_group(rows[row], group, levels);
                levels.iter_mut().for_each(|level| *level += raised);
                scale
            });
        } else {
            let values = matrix.as_f32();
            self.interleave(dims, packed, |row, group, levels| {
                let start = row * dims[1] + group * self.group();
                self.quantise(&values[start..start + self.group()], levels)
            });
        }
    }

    /// Packs a matrix `[rows, cols]` into `packed`, of which `read` gives, for a row and a group of
    /// it, the levels and what they are of.
    fn interleave(
        self,
        [rows, cols]: [usize; 2],
        packed: &mut [u8],
        mut read: impl FnMut(usize, usize, &mut [u8]) -> Scale,
    ) {
        assert!(self.fits(rows, cols), "a {} matrix of {rows} × {cols}", self.name());
        assert_eq!(packed.len(), rows * self.row_bytes(cols), "room for the packed matrix");
        let blocks = cols / self.group();
        let mut levels = [0; LONGEST_GROUP];
        let levels = &mut levels[..self.group()];
        let mut quads = [[0; QUAD_BYTES]; LONGEST_GROUP / QUAD];
        for (index, packed) in packed.chunks_exact_mut(self.block_bytes()).enumerate() {
            let (strip, block) = (index / blocks, index % blocks);
            let (bytes, scales) = packed.split_at_mut(self.level_bytes());
            for row in 0..STRIP_ROWS {
                let scale = read(strip * STRIP_ROWS + row, block, levels);
                for (quad, levels) in quads.iter_mut().zip(levels.chunks_exact(QUAD)) {
                    quad[row * QUAD..][..QUAD].copy_from_slice(levels);
                }
                let places = scales.chunks_exact_mut(SCALE_BYTES);
                for (place, number) in places.zip([scale.step, scale.minimum]) {
                    place[2 * row..][..2].copy_from_slice(&f16::from_f32(number).to_le_bytes());
                }
            }
            bytes.fill(0);
            for (index, quad) in quads[..self.group() / QUAD].iter().enumerate() {
                for Piece { at, shift, mask, of_level } in self.pieces(index) {
                    for (byte, level) in bytes[at..][..QUAD_BYTES].iter_mut().zip(quad) {
                        *byte |= (level >> of_level & mask) << shift;
                    }
                }
            }
        }
    }

    /// The pieces of a quad's levels.
    #[inline(always)]
    fn pieces(self, quad: usize) -> impl Iterator<Item = Piece> {
        let widths: &[usize] = match self.bits {
            4 => &[4],
            6 => &[4, 2],
            _ => &[8],
        };
        let (mut first, mut of_level) = (0, 0);
        widths.iter().map(move |width| {
            let n = self.group() / QUAD * width / 8;
            let piece = Piece {
                at: (first + quad % n) * QUAD_BYTES,
                shift: quad / n * width,
                mask: u8::MAX >> (8 - width),
                of_level,
            };
            (first, of_level) = (first + n, of_level + width);
            piece
        })
    }

    /// Reads levels of a block's quad, from the `first` of its 64 on.
    #[inline(always)]
    pub fn read_quad(self, block: &[u8], quad: usize, first: usize, levels: &mut [u8]) {
        levels.fill(0);
        for Piece { at, shift, mask, of_level } in self.pieces(quad) {
            for (level, byte) in levels.iter_mut().zip(&block[at + first..at + QUAD_BYTES]) {
                *level |= (byte >> shift & mask) << of_level;
            }
        }
    }

    /// Rounds one group to nearest.
    ///
    /// Without minima, the scale of 8 bits is `max|x| / 127`, and that of fewer bits such that the
    /// number of greatest magnitude gets the level 0, as in GGUF's `Q4_0`.
    fn quantise(self, values: &[f32], levels: &mut [u8]) -> Scale {
        let offset = self.offset() as f32;
        let scale = if self.has_minima {
            let minimum = values.iter().copied().fold(f32::INFINITY, f32::min);
            let maximum = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            Scale { step: (maximum - minimum) / self.highest() as f32, minimum }
        } else {
            let largest = values.iter().fold(0f32, |m, &x| if x.abs() > m.abs() { x } else { m });
            let is_even = self.bits == 8;
            Scale::of(if is_even { largest.abs() / (offset - 1.0) } else { -largest / offset })
        };
        let inverse = if scale.step == 0.0 { 0.0 } else { 1.0 / scale.step };
        for (level, x) in levels.iter_mut().zip(values) {
            let rounded = ((x - scale.minimum) * inverse).round() + offset;
            *level = rounded.clamp(0.0, self.highest() as f32) as u8;
        }
        scale
    }

    /// Reads row `row` of a strip into `out`.
    pub(crate) fn read_row(self, strip: &[u8], row: usize, out: &mut [f32]) {
        let mut levels = [0; QUAD];
        let blocks = strip.chunks_exact(self.block_bytes());
        for (block, out) in blocks.zip(out.chunks_exact_mut(self.group())) {
            let number =
                |index: usize| number_at(block, self.level_bytes() + index * SCALE_BYTES + 2 * row);
            let minimum = if self.has_minima { number(1) } else { -0.0 };
            let scale = Scale { step: number(0), minimum };
            for (quad, out) in out.chunks_exact_mut(QUAD).enumerate() {
                self.read_quad(block, quad, row * QUAD, &mut levels);
                for (out, level) in out.iter_mut().zip(levels) {
                    *out = scale.weight(i32::from(level) - self.offset());
                }
            }
        }
    }
}

impl DType {
    /// The packing that holds the levels of these blocks; only the formats of GGUF have one.
    pub fn packing(self) -> Option<Packing> {
        self.is_blocks().then(|| BlockFormat::of(self).packing)
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
            packing.pack(&Tensor::from_slice(&values, &[rows, cols]), &mut packed);
            let mut back = vec![0.0; cols];
            for (row, values) in values.chunks_exact(cols).enumerate() {
                let strip = &packed[row / STRIP_ROWS * STRIP_ROWS * packing.row_bytes(cols)..]
                    [..STRIP_ROWS * packing.row_bytes(cols)];
                packing.read_row(strip, row % STRIP_ROWS, &mut back);
                let groups = values.chunks_exact(packing.group());
                for (values, back) in groups.zip(back.chunks_exact(packing.group())) {
                    let largest = values.iter().fold(0f32, |m, x| m.max(x.abs()));
                    let lowest = values.iter().copied().fold(f32::INFINITY, f32::min);
                    let highest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    // Scales and minima are rounded to f16; without minima, the side opposite to the
                    // largest number loses up to one step below 8 bits.
                    let (step, most) = match (packing.has_minima(), packing.bits()) {
                        (true, bits) => ((highest - lowest) / ((1 << bits) - 1) as f32, 0.57),
                        (false, 8) => (largest / 127.0, 0.57),
                        (false, 4) => (largest / 8.0, 1.01),
                        (false, _) => (largest / 32.0, 1.02),
                    };
                    for (x, y) in values.iter().zip(back) {
                        assert!((x - y).abs() <= step * most, "{packing:?}: {x} came back as {y}");
                    }
                }
            }
        }
    }
}
