//! Which records say the same: sketch, look up, join.
//!
//! A text becomes an [`Entry`]: a hash of its words, a 64-bit SimHash of its shingles and the
//! smallest hashes of them, its [`Sketch`]. The [`Index`] looks up who is near: the tables of
//! [`Fingerprints`] find every fingerprint within three bits, the [`Postings`] find whoever shares
//! one of the smallest hashes. The sketches then decide, and what is found alike is joined by
//! [`Clusters`]. A [`Store`] is an index with a log, which no crash can lose; [`batch::run`] sends
//! a stream of JSON lines through the same index, so that both ways give the same answers.

pub mod batch;
mod clusters;
mod entry;
mod fingerprints;
mod index;
mod log;
mod places;
mod postings;
mod shingles;
mod simhash;
mod sketch;
mod store;
mod within;

pub use clusters::Clusters;
pub use entry::Entry;
pub use fingerprints::{Fingerprints, RADIUS};
pub use index::{Answer, Index, Rule};
pub use postings::Postings;
pub(crate) use postings::{MOST_RECORDS, N_POSTED};
pub use shingles::{shingles, words};
pub use simhash::simhash;
pub use sketch::{Measure, SKETCH_LEN, Sketch, likeness};
pub use store::Store;
pub use within::without_repeats;
