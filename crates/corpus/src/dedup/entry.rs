//! What the index keeps of a text.

use xxhash_rust::xxh3::xxh3_64;

use super::shingles::shingles;
use super::simhash::simhash;
use super::sketch::Sketch;

/// A text as the index sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The hash of the text's bytes: equal texts, and by chance one pair in 2⁶⁴ of others.
    pub content: u64,
    /// The SimHash of the text's shingles.
    pub fingerprint: u64,
    /// The smallest of the hashes of the text's shingles.
    pub sketch: Sketch,
}

impl Entry {
    /// What is to be kept of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let shingles = shingles(text);
        Self {
            content: xxh3_64(text.as_bytes()),
            fingerprint: simhash(&shingles),
            sketch: Sketch::of(&shingles),
        }
    }
}
