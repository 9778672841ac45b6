//! The packed compute layout: weights of 4, 6 and 8 bits as the kernels of a processor read them.
//!
//! A matrix `[O, I]` is cut into *strips* of 16 rows, and a strip into *blocks* of `group` columns.
//! Blocks lie one after the other along a strip, and strips one after the other, so that a product
//! with a vector reads the matrix from its first byte to its last. A block holds the *levels*, the
//! whole numbers that weights are stored as, and after them 16 `f16` scales, one for each row, and
//! in packings with minima 16 of these. A weight is `scale · (level − 2^(bits − 1))`, or with minima
//! `scale · level + minimum`.
//!
//! Levels go by *quads* of 4 columns: 4 columns of row 0, 4 of row 1, and so on are 64 bytes, one
//! operand of `vpdpbusd`. In 8 bits that is how they lie. In 4 bits two quads share 64 bytes: quad
//! `q` has the low bits and quad `q + group / 8` the high ones. In 6 bits the low 4 of each are laid
//! out like that, and after all of them come the high 2, of four quads in 64 bytes: `q`,
//! `q + group / 16` and so on, from the lowest bits up.
//!
//! Between them the packings hold what every format of GGUF holds, at the same levels.

mod layout;

use half::f16;

/// Rows of one strip.
pub const STRIP_ROWS: usize = 16;
/// Columns of one quad.
pub const QUAD: usize = 4;
/// Bytes of the levels of one quad, a byte each.
pub const QUAD_BYTES: usize = STRIP_ROWS * QUAD;
/// Bytes of the scales of a block, and of its minima.
pub const SCALE_BYTES: usize = STRIP_ROWS * size_of::<f16>();
/// The longest group.
pub const LONGEST_GROUP: usize = 128;

/// How a matrix is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Packing {
    bits: u8,
    group: u8,
    has_minima: bool,
}

impl Packing {
    /// All there are, the smallest first.
    pub const ALL: [Packing; 12] = [
        Packing::plain(4, 128),
        Packing::plain(4, 64),
        Packing::plain(4, 32),
        Packing::plain(4, 16),
        Packing::with_minima(4, 32),
        Packing::with_minima(4, 16),
        Packing::plain(6, 32),
        Packing::plain(6, 16),
        Packing::with_minima(6, 32),
        Packing::plain(8, 128),
        Packing::plain(8, 64),
        Packing::plain(8, 32),
    ];

    pub(crate) const fn plain(bits: u8, group: u8) -> Packing {
        Packing { bits, group, has_minima: false }
    }

    pub(crate) const fn with_minima(bits: u8, group: u8) -> Packing {
        Packing { bits, group, has_minima: true }
    }

    /// Weights of `bits` bits of which `group` in a row share a scale, without minima, where that is
    /// one of [`Packing::ALL`].
    pub fn new(bits: usize, group: usize) -> Option<Packing> {
        let is_it = |p: &Packing| p.bits() == bits && p.group() == group && !p.has_minima;
        Packing::ALL.into_iter().find(is_it)
    }

    /// Bits of a weight: 4, 6 or 8.
    pub fn bits(self) -> usize {
        usize::from(self.bits)
    }

    /// Columns that share a scale: 16, 32, 64 or 128.
    pub fn group(self) -> usize {
        usize::from(self.group)
    }

    /// Whether a group has a least value too, from which levels count.
    pub fn has_minima(self) -> bool {
        self.has_minima
    }

    /// The name used in messages, reports and files.
    pub fn name(self) -> &'static str {
        match (self.bits, self.group, self.has_minima) {
            (4, 16, false) => "packed_4_16",
            (4, 16, true) => "packed_4_16_min",
            (4, 32, false) => "packed_4_32",
            (4, 32, true) => "packed_4_32_min",
            (4, 64, _) => "packed_4_64",
            (4, _, _) => "packed_4_128",
            (6, 16, _) => "packed_6_16",
            (6, _, false) => "packed_6_32",
            (6, _, true) => "packed_6_32_min",
            (_, 32, _) => "packed_8_32",
            (_, 64, _) => "packed_8_64",
            (_, _, _) => "packed_8_128",
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

    /// Bytes of the levels of one block, after which its scales stand.
    pub fn level_bytes(self) -> usize {
        STRIP_ROWS * self.group() * self.bits() / 8
    }

    /// Bytes of one block.
    pub fn block_bytes(self) -> usize {
        self.level_bytes() + SCALE_BYTES * if self.has_minima { 2 } else { 1 }
    }

    /// The level of zero; with minima, levels count from these.
    pub fn offset(self) -> i32 {
        if self.has_minima { 0 } else { 1 << (self.bits - 1) }
    }

    /// The highest level.
    fn highest(self) -> i32 {
        (1 << self.bits) - 1
    }

    /// Bytes of one row of `cols` weights, the sixteenth part of a strip.
    pub(crate) fn row_bytes(self, cols: usize) -> usize {
        assert!(cols.is_multiple_of(self.group()), "a {} row of {cols} columns", self.name());
        cols / self.group() * (self.block_bytes() / STRIP_ROWS)
    }
}

/// What the levels of a group are multiples of, and what they count from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// The step from one level to the next.
    pub(crate) step: f32,
    /// What is added; where a format has no minima, −0, which changes no number.
    pub(crate) minimum: f32,
}

impl Scale {
    /// Of a group without a minimum.
    pub(crate) fn of(step: f32) -> Scale {
        Scale { step, minimum: -0.0 }
    }

    /// The weight at `level` levels above that of zero.
    pub(crate) fn weight(self, level: i32) -> f32 {
        self.step * level as f32 + self.minimum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sizes_tell_packings_apart() {
        for packing in Packing::ALL {
            assert_eq!(Packing::named(packing.name()), Some(packing));
            let found = Packing::new(packing.bits(), packing.group());
            assert!(packing.has_minima() || found == Some(packing));
        }
        assert_eq!(Packing::new(3, 32), None);
        let bits = |name: &str| {
            let packing = Packing::named(name).expect("there is this packing");
            8.0 * packing.row_bytes(1024) as f64 / 1024.0
        };
        for (name, expected) in [
            ("packed_4_128", 4.125),
            ("packed_4_32", 4.5),
            ("packed_4_32_min", 5.0),
            ("packed_6_32", 6.5),
            ("packed_6_16", 7.0),
            ("packed_8_32", 8.5),
        ] {
            assert_eq!(bits(name), expected, "{name}");
        }
    }
}
