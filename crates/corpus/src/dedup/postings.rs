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

/// The least bits of a place, which with the check are the whole hash.
const PLACE_BITS: u32 = u32::BITS - CHECK_BITS;

/// How many entries a place has on average when places are added: what is looked at for a record
/// does then not grow with the records. Fewer take more memory.
const MOST_ENTRIES: usize = 24;

/// The numbers of records by their smallest shingle hashes, in a table that grows by one place at a
/// time (linear hashing, Litwin 1980), so that there is no pause.
#[derive(Debug)]
pub struct Postings {
    places: Places,
    n_entries: usize,
}

impl Default for Postings {
    fn default() -> Self {
        Self { places: Places::new(1 << PLACE_BITS), n_entries: 0 }
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
                let spread = spread(hash);
                self.places.push(self.place(spread), check(spread), number);
                self.n_entries += 1;
            }
        }
        while self.n_entries > MOST_ENTRIES * self.places.len() {
            let bit = self.places.len().ilog2();
            let place = self.places.len() - (1 << bit);
            self.places.split(place, |check| check >> (bit - PLACE_BITS) & 1 == 1);
        }
    }

    /// Where a hash stands: by as many of its lowest bits as count the places, or one less where
    /// that place is not there yet.
    fn place(&self, spread: u32) -> usize {
        let n_places = self.places.len();
        let half = 1 << n_places.ilog2();
        let place = spread as usize & (2 * half - 1);
        if place < n_places { place } else { place & (half - 1) }
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
            let spread = spread(hash);
            (places[i], checks[i]) = (self.place(spread), check(spread));
        }
        self.places.read(&places[..n_posted], |i, check, number| {
            if check == checks[i] {
                each(i, number);
            }
        });
    }
}

/// The same hash with its bits mixed. Hashes of sketches are small; a multiplication (Knuth's)
/// spreads them, and by an odd number it makes no two the same.
fn spread(hash: u32) -> u32 {
    hash.wrapping_mul(2_654_435_761)
}

/// What tells a hash from others of its place.
fn check(spread: u32) -> u32 {
    spread >> PLACE_BITS
}
