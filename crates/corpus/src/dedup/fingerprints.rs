//! Every fingerprint within three bits of another, without looking at all of them.
//!
//! A fingerprint is four blocks of 16 bits. Two that differ in no more than three bits have a block
//! that is the same, since three differences cannot touch four blocks; so one table a block, in
//! which fingerprints stand together by that block, misses none. At ten million records a place of
//! a table holds 153 records, each with twelve bits of the next block; the one in fourteen whose
//! twelve bits are near has its whole fingerprint compared. More and narrower blocks would look at
//! fewer and cost a table of 4 bytes a record each.

use super::places::{CHECK_BITS, Places};

/// The most bits in which fingerprints found may differ from the one looked for.
pub const RADIUS: u32 = 3;

const N_BLOCKS: usize = RADIUS as usize + 1;
const BLOCK_BITS: usize = 64 / N_BLOCKS;

/// Fingerprints, numbered from 0 in the order in which they came, found by nearness.
#[derive(Debug)]
pub struct Fingerprints {
    all: Vec<u64>,
    /// Numbers by the value of a block, table after table.
    tables: Places,
}

impl Default for Fingerprints {
    fn default() -> Self {
        Self { all: Vec::new(), tables: Places::new(N_BLOCKS << BLOCK_BITS) }
    }
}

impl Fingerprints {
    /// The fingerprint of `number`.
    ///
    /// # Panics
    /// Where there is no such number.
    #[must_use]
    pub fn at(&self, number: u32) -> u64 {
        self.all[number as usize]
    }

    /// Adds a fingerprint under the next number.
    pub fn insert(&mut self, fingerprint: u64) {
        let number = self.all.len() as u32;
        for block in 0..N_BLOCKS {
            self.tables.push(place(fingerprint, block), check(fingerprint, block), number);
        }
        self.all.push(fingerprint);
    }

    /// Adds a fingerprint under the next number that [`near`](Self::near) will not find, since one
    /// that is the same will be.
    pub fn insert_unfound(&mut self, fingerprint: u64) {
        self.all.push(fingerprint);
    }

    /// Adds to `found` the number of every fingerprint within [`RADIUS`] bits of `fingerprint`, once
    /// for each block that is the same.
    pub fn near(&self, fingerprint: u64, found: &mut Vec<u32>) {
        let places: [usize; N_BLOCKS] = std::array::from_fn(|block| place(fingerprint, block));
        let checks: [u32; N_BLOCKS] = std::array::from_fn(|block| check(fingerprint, block));
        let n_before = found.len();
        self.tables.read(&places, |block, other, number| {
            if has_no_more_than_radius_ones(other ^ checks[block]) {
                found.push(number);
            }
        });
        let mut n_near = n_before;
        for i in n_before..found.len() {
            if (self.at(found[i]) ^ fingerprint).count_ones() <= RADIUS {
                found[n_near] = found[i];
                n_near += 1;
            }
        }
        found.truncate(n_near);
    }
}

/// Where a fingerprint stands in the table of `block`.
fn place(fingerprint: u64, block: usize) -> usize {
    let value = (fingerprint >> (block * BLOCK_BITS)) as usize & ((1 << BLOCK_BITS) - 1);
    block << BLOCK_BITS | value
}

/// Bits of the block behind `block`.
fn check(fingerprint: u64, block: usize) -> u32 {
    let next = fingerprint.rotate_right(((block + 1) * BLOCK_BITS) as u32);
    next as u32 & ((1 << CHECK_BITS) - 1)
}

/// Clears the lowest one, [`RADIUS`] times: quicker than counting where no instruction counts.
fn has_no_more_than_radius_ones(bits: u32) -> bool {
    (0..RADIUS).fold(bits, |bits, _| bits & bits.wrapping_sub(1)) == 0
}
