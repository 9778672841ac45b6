//! Whoever shares one of the smallest shingle hashes.
//!
//! The smallest hashes of a text are a sample drawn alike from every text, so a text and a longer
//! one that contains it share some of them, where their fingerprints are far apart.

use super::places::{CHECK_BITS, Places};

/// Of each sketch, how many hashes are looked up and added: the smallest. Of a text that stands
/// whole in one four times as long, three of twelve are expected to be shared.
pub(crate) const N_POSTED: usize = 12;

/// Of each hash, how many records are kept: the first. What more records share is a phrase of the
/// web, not of a text; and copies of a text are found through the first of them.
pub(crate) const MOST_RECORDS: usize = 32;

/// The place and the check are the whole hash. Ten million records leave 114 in a place.
const PLACE_BITS: u32 = u32::BITS - CHECK_BITS;

/// The numbers of records by their smallest shingle hashes.
#[derive(Debug)]
pub struct Postings {
    places: Places,
}

impl Default for Postings {
    fn default() -> Self {
        Self { places: Places::new(1 << PLACE_BITS) }
    }
}

impl Postings {
    /// Adds the record `number`, no less than any before it, under the first of its sketch's
    /// `hashes`, none of which stands twice.
    pub fn insert(&mut self, hashes: &[u32], number: u32) {
        let mut n_records = [0; N_POSTED];
        self.find(hashes, |i, _| n_records[i] += 1);
        for (&hash, &n_records) in hashes.iter().zip(&n_records) {
            if n_records < MOST_RECORDS {
                let (place, check) = place(hash);
                self.places.push(place, check, number);
            }
        }
    }

    /// Adds to `found` the number of every record kept under one of the first of `hashes`, once for
    /// each hash that is the same.
    pub fn sharing(&self, hashes: &[u32], found: &mut Vec<u32>) {
        self.find(hashes, |_, number| found.push(number));
    }

    /// Gives `each` record kept under one of the first of `hashes`, and which of them.
    fn find(&self, hashes: &[u32], mut each: impl FnMut(usize, u32)) {
        let n_posted = hashes.len().min(N_POSTED);
        let (mut places, mut checks) = ([0; N_POSTED], [0; N_POSTED]);
        for (i, &hash) in hashes[..n_posted].iter().enumerate() {
            (places[i], checks[i]) = place(hash);
        }
        self.places.read(&places[..n_posted], |i, check, number| {
            if check == checks[i] {
                each(i, number);
            }
        });
    }
}

/// Where a hash stands and the rest of it. Hashes of sketches are small; a multiplication (Knuth's)
/// spreads them, and by an odd number it makes no two the same.
fn place(hash: u32) -> (usize, u32) {
    let spread = hash.wrapping_mul(2_654_435_761);
    ((spread >> CHECK_BITS) as usize, spread & ((1 << CHECK_BITS) - 1))
}
