//! Bottom-k MinHash: how much of two texts is the same, told from a few of their shingles.

use serde::{Deserialize, Serialize};

/// The most hashes of a sketch. 48 of 4 bytes tell a share to within 0.07 (one standard deviation
/// at worst) and leave room for ten million records in 4 GiB.
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

/// How alike two texts are, 0 to 1, from the hashes of their sketches. Only hashes up to where both
/// sketches reach are compared, which makes them samples drawn alike whatever the texts' lengths.
#[must_use]
pub fn similarity(a: &[u32], b: &[u32], measure: Measure) -> f32 {
    let reach = reach(a).min(reach(b));
    let is_sample = reach < u32::MAX;
    let within = |hashes: &[u32]| hashes.partition_point(|&hash| hash <= reach);
    let (n_a, n_b) = (within(a), within(b));
    let (mut i, mut j, mut n_shared) = (0, 0, 0);
    while i < n_a && j < n_b {
        n_shared += usize::from(a[i] == b[j]);
        let (a_is_behind, b_is_behind) = (a[i] <= b[j], b[j] <= a[i]);
        i += usize::from(a_is_behind);
        j += usize::from(b_is_behind);
    }
    if n_shared == 0 || (is_sample && n_shared < FEWEST_SHARED) {
        return 0.0;
    }
    let of = match measure {
        Measure::Containment => n_a.min(n_b),
        Measure::Jaccard => n_a + n_b - n_shared,
    };
    n_shared as f32 / of as f32
}

/// The hash up to which a sketch has all of its text's.
fn reach(hashes: &[u32]) -> u32 {
    if hashes.len() < SKETCH_LEN { u32::MAX } else { hashes[SKETCH_LEN - 1] }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Hashes spread over all 64 bits, as those of shingles are.
    fn spread(numbers: std::ops::Range<u64>) -> Vec<u64> {
        numbers.map(|n| xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes())).collect()
    }

    fn check(a: std::ops::Range<u64>, b: std::ops::Range<u64>, measure: Measure, truth: f32) {
        let (a, b) = (Sketch::of(&spread(a)), Sketch::of(&spread(b)));
        let found = similarity(a.hashes(), b.hashes(), measure);
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
        let (a, b) = (Sketch::of(&spread(0..20)), Sketch::of(&spread(5..35)));
        let found = similarity(a.hashes(), b.hashes(), Measure::Containment);
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
