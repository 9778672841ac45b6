//! Whoever shares one of the smallest shingle hashes.
//!
//! The smallest hashes of a text are a sample drawn alike from every text, so a text and a longer
//! one that contains it share some of them, where their fingerprints are far apart.

/// Of each sketch, how many hashes are looked up and added: the smallest. Of a text that stands
/// whole in one four times as long, three of twelve are expected to be shared.
pub(crate) const N_POSTED: usize = 12;

/// Of each hash, how many records are kept: the first. What more records share is a phrase of the
/// web, not of a text; and copies of a text are found through the first of them.
pub(crate) const MOST_RECORDS: usize = 32;

/// Ten million records leave 114 hashes in a place.
const PLACE_BITS: u32 = 20;

/// The numbers of records by their smallest shingle hashes.
#[derive(Debug)]
pub struct Postings {
    places: Vec<Vec<Posting>>,
}

#[derive(Debug, Clone, Copy)]
struct Posting {
    hash: u32,
    number: u32,
}

impl Default for Postings {
    fn default() -> Self {
        Self { places: vec![Vec::new(); 1 << PLACE_BITS] }
    }
}

impl Postings {
    /// Adds the record `number` under the first of its sketch's `hashes`.
    pub fn insert(&mut self, hashes: &[u32], number: u32) {
        for &hash in hashes.iter().take(N_POSTED) {
            let place = &mut self.places[place(hash)];
            if place.iter().filter(|posting| posting.hash == hash).count() == MOST_RECORDS {
                continue;
            }
            if place.len() == place.capacity() {
                place.reserve_exact(place.len() / 8 + 2);
            }
            place.push(Posting { hash, number });
        }
    }

    /// Adds to `found` the number of every record kept under one of the first of `hashes`, once for
    /// each hash that is the same.
    pub fn sharing(&self, hashes: &[u32], found: &mut Vec<u32>) {
        for &hash in hashes.iter().take(N_POSTED) {
            let place = &self.places[place(hash)];
            let same = place.iter().filter(|posting| posting.hash == hash);
            found.extend(same.map(|posting| posting.number));
        }
    }
}

/// Where a hash stands. Hashes of sketches are small; a multiplication (Knuth's) spreads them.
fn place(hash: u32) -> usize {
    (hash.wrapping_mul(2_654_435_761) >> (u32::BITS - PLACE_BITS)) as usize
}
