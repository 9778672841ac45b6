//! Bottom-k MinHash: how much of two texts is the same, told from a few of their shingles.

use serde::{Deserialize, Serialize};

/// The most hashes of a sketch. 48 tell a share to within 0.07 (one standard deviation at worst)
/// and, rounded to two bytes each, leave room for ten million records in 2 GiB.
pub const SKETCH_LEN: usize = 48;

/// Shared hashes without which sketches that are samples are never alike: the longer one text is
/// beside the other, the fewer hashes of it can be compared, and few agree by chance.
const FEWEST_SHARED: usize = 4;

/// The smallest hashes of a text's shingles, ascending, none twice: a sample of the text that is
/// drawn the same way from every text (Broder 1997). Of a text with fewer shingles it is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch(Vec<u32>);

/// What counts as like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The share of the smaller text's shingles that the other has as well. An article is then like
    /// itself with a page's menus and comments around it.
    #[default]
    Containment,
    /// The shingles that both have, over those that either has.
    Jaccard,
}

impl Sketch {
    /// The sketch of a text's shingles.
    #[must_use]
    pub fn of(shingles: &[u64]) -> Self {
        let mut smallest = Vec::with_capacity((4 * SKETCH_LEN).min(shingles.len()));
        let mut bound = u32::MAX;
        for &shingle in shingles {
            let hash = (shingle >> 32) as u32;
            if hash > bound {
                continue;
            }
            smallest.push(hash);
            if smallest.len() == 4 * SKETCH_LEN {
                keep_smallest(&mut smallest);
                if smallest.len() == SKETCH_LEN {
                    bound = smallest[SKETCH_LEN - 1];
                }
            }
        }
        keep_smallest(&mut smallest);
        smallest.shrink_to_fit();
        Self(smallest)
    }

    /// A sketch from its hashes; `None` where they are too many or not ascending.
    #[must_use]
    pub fn from_hashes(hashes: Vec<u32>) -> Option<Self> {
        let is_sketch = hashes.len() <= SKETCH_LEN && hashes.is_sorted_by(|a, b| a < b);
        is_sketch.then_some(Self(hashes))
    }

    /// The hashes, ascending.
    #[must_use]
    pub fn hashes(&self) -> &[u32] {
        &self.0
    }
}

fn keep_smallest(hashes: &mut Vec<u32>) {
    hashes.sort_unstable();
    hashes.dedup();
    hashes.truncate(SKETCH_LEN);
}

/// Bits of a rounded hash.
const ROUNDED_BITS: u32 = 16;

/// A sketch in half the memory: of each hash the highest sixteen bits, counted from the highest
/// that any of them has. Of two texts with nothing in common, one pair of sketches in thirty then
/// has a hash that seems the same; duplicates share many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rounded<'a> {
    /// Ascending; by rounding, some may be equal.
    pub hashes: &'a [u16],
    /// How many bits were cut from each.
    pub n_cut: u32,
}

/// The room that a sketch needs to be rounded.
pub(super) type Room = [u16; SKETCH_LEN];

impl<'a> Rounded<'a> {
    /// The `sketch`, rounded into `room`.
    pub(super) fn of(sketch: &Sketch, room: &'a mut Room) -> Self {
        let hashes = sketch.hashes();
        let n_bits = hashes.last().map_or(0, |last| u32::BITS - last.leading_zeros());
        let n_cut = n_bits.saturating_sub(ROUNDED_BITS);
        room.iter_mut().zip(hashes).for_each(|(rounded, hash)| *rounded = (hash >> n_cut) as u16);
        Self { hashes: &room[..hashes.len()], n_cut }
    }

    /// The hash up to which a sketch has all of its text's.
    fn reach(&self, n_cut: u32) -> u32 {
        match self.hashes.get(SKETCH_LEN - 1) {
            Some(&last) => u32::from(last) >> (n_cut - self.n_cut),
            None => u32::MAX,
        }
    }
}

/// How alike two texts are, 0 to 1, as the index measures it; `None` where that is less than `least`.
#[must_use]
pub fn likeness(a: &Sketch, b: &Sketch, measure: Measure, least: f32) -> Option<f32> {
    let (mut room_a, mut room_b) = ([0; SKETCH_LEN], [0; SKETCH_LEN]);
    let (a, b) = (Rounded::of(a, &mut room_a), Rounded::of(b, &mut room_b));
    similarity(a, b, measure, least)
}

/// How alike two texts are, 0 to 1, from their sketches; `None` where that is less than `least`.
/// Only hashes up to where both sketches reach are compared, which makes them samples drawn alike
/// whatever the texts' lengths.
#[must_use]
pub(super) fn similarity(
    a: Rounded<'_>,
    b: Rounded<'_>,
    measure: Measure,
    least: f32,
) -> Option<f32> {
    let n_cut = a.n_cut.max(b.n_cut);
    let reach = a.reach(n_cut).min(b.reach(n_cut));
    let hash = |of: Rounded<'_>, i: usize| u32::from(of.hashes[i]) >> (n_cut - of.n_cut);
    let within = |of: Rounded<'_>| {
        of.hashes.partition_point(|&hash| u32::from(hash) >> (n_cut - of.n_cut) <= reach)
    };
    let (n_a, n_b) = (within(a), within(b));
    let fewest = if reach < u32::MAX { FEWEST_SHARED } else { 1 };
    let of_all = match measure {
        Measure::Containment => least * n_a.min(n_b) as f32,
        Measure::Jaccard => least / (1.0 + least) * (n_a + n_b) as f32,
    };
    let n_needed = fewest.max(of_all as usize);
    if n_a.min(n_b) < n_needed {
        return None;
    }
    let (mut i, mut j, mut n_shared) = (0, 0, 0);
    while i < n_a && j < n_b {
        let (hash_a, hash_b) = (hash(a, i), hash(b, j));
        n_shared += usize::from(hash_a == hash_b);
        i += usize::from(hash_a <= hash_b);
        j += usize::from(hash_b <= hash_a);
        // Of candidates few are duplicates; the others have soon missed too many.
        if n_needed + i > n_a + n_shared || n_needed + j > n_b + n_shared {
            return None;
        }
    }
    let of = match measure {
        Measure::Containment => n_a.min(n_b),
        Measure::Jaccard => n_a + n_b - n_shared,
    };
    let similarity = n_shared as f32 / of as f32;
    (n_shared >= fewest && similarity >= least).then_some(similarity)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Hashes spread over all 64 bits, as those of shingles are.
    fn spread(numbers: std::ops::Range<u64>) -> Vec<u64> {
        numbers.map(|n| xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes())).collect()
    }

    fn similarity_of(a: &[u64], b: &[u64], measure: Measure) -> f32 {
        let (a, b) = (Sketch::of(a), Sketch::of(b));
        let found = likeness(&a, &b, measure, 0.0);
        for least in [0.01, 0.3, 0.5, 0.7, 1.0] {
            let is_enough = |found: &f32| *found >= least;
            assert_eq!(likeness(&a, &b, measure, least), found.filter(is_enough), "{least}");
        }
        found.unwrap_or(0.0)
    }

    fn check(a: std::ops::Range<u64>, b: std::ops::Range<u64>, measure: Measure, truth: f32) {
        let found = similarity_of(&spread(a), &spread(b), measure);
        assert!((found - truth).abs() < 0.2, "{found}, should be near {truth}");
    }

    #[test]
    fn sketches_tell_how_alike_long_texts_are() {
        check(0..1000, 0..1000, Measure::Jaccard, 1.0);
        check(0..1000, 500..1500, Measure::Jaccard, 1.0 / 3.0);
        check(0..1000, 500..1500, Measure::Containment, 0.5);
        check(0..400, 0..2000, Measure::Containment, 1.0);
        check(0..400, 0..2000, Measure::Jaccard, 0.2);
        check(0..1000, 1000..2000, Measure::Containment, 0.0);
    }

    #[test]
    fn of_short_texts_likeness_is_exact() {
        let found = similarity_of(&spread(0..20), &spread(5..35), Measure::Containment);
        assert!((found - 0.75).abs() < 1e-6, "{found}");
    }

    #[test]
    fn a_sketch_is_the_smallest_hashes() {
        for n in 0..600 {
            let mut shingles = spread(0..n);
            // Small hashes that stand many times over.
            shingles.extend((0..n).map(|i| (i % 60) << 32).step_by(3));
            let all: BTreeSet<u32> = shingles.iter().map(|&s| (s >> 32) as u32).collect();
            let smallest: Vec<u32> = all.into_iter().take(SKETCH_LEN).collect();
            assert_eq!(Sketch::of(&shingles).hashes(), smallest, "{n} shingles");
        }
    }
}
