//! Every fingerprint within three bits of another, without looking at all of them.
//!
//! A fingerprint is four blocks of 16 bits. Two that differ in no more than three bits have a block
//! that is the same, since three differences cannot touch four blocks; so one table a block, in
//! which fingerprints stand together by that block, misses none. At ten million records a place of
//! a table holds 153 fingerprints, one behind the other in memory: a lookup counts the bits of 610
//! words. More and narrower blocks would look at fewer and cost a table of 12 bytes a record each.
//! Adding is a push, so there is nothing to merge and no pause in which it happens.

/// The most bits in which fingerprints found may differ from the one looked for.
pub const RADIUS: u32 = 3;

const N_BLOCKS: usize = RADIUS as usize + 1;
const BLOCK_BITS: usize = 64 / N_BLOCKS;

/// Numbered fingerprints, found by nearness.
#[derive(Debug)]
pub struct Fingerprints {
    /// One table a block, one place a value of the block.
    tables: [Vec<Place>; N_BLOCKS],
}

/// The fingerprints that are the same in one block, and their numbers.
#[derive(Debug, Clone, Default)]
struct Place {
    fingerprints: Vec<u64>,
    numbers: Vec<u32>,
}

impl Default for Fingerprints {
    fn default() -> Self {
        Self { tables: std::array::from_fn(|_| vec![Place::default(); 1 << BLOCK_BITS]) }
    }
}

impl Fingerprints {
    /// Adds a fingerprint under `number`.
    pub fn insert(&mut self, fingerprint: u64, number: u32) {
        for (block, table) in self.tables.iter_mut().enumerate() {
            let place = &mut table[value(fingerprint, block)];
            if place.numbers.len() == place.numbers.capacity() {
                // Doubling would leave a third of ten million records' tables unused.
                let more = place.numbers.len() / 8 + 4;
                place.fingerprints.reserve_exact(more);
                place.numbers.reserve_exact(more);
            }
            place.fingerprints.push(fingerprint);
            place.numbers.push(number);
        }
    }

    /// Adds to `found` the number of every fingerprint within [`RADIUS`] bits of `fingerprint`, once
    /// for each block that is the same.
    pub fn near(&self, fingerprint: u64, found: &mut Vec<u32>) {
        for (block, table) in self.tables.iter().enumerate() {
            let place = &table[value(fingerprint, block)];
            let pairs = place.fingerprints.iter().zip(&place.numbers);
            found.extend(
                pairs
                    .filter(|(other, _)| (*other ^ fingerprint).count_ones() <= RADIUS)
                    .map(|(_, number)| number),
            );
        }
    }
}

/// The bits of one block.
fn value(fingerprint: u64, block: usize) -> usize {
    (fingerprint >> (block * BLOCK_BITS)) as usize & ((1 << BLOCK_BITS) - 1)
}
