//! Measures of a language model by what it finds likely, without asking it anything: minimal pairs
//! (BLiMP), last words (LAMBADA) and gaps with choices (CHID).
//!
//! Each task is a function from records and a way to score texts to a result; the scores come from
//! a [`Scorer`], or in tests from anything.

mod choices;
mod last_word;
mod minimal_pairs;
mod records;
mod scorer;
mod share;

pub use choices::{Choice, Choices, choices};
pub use last_word::{LastWord, LastWords, last_words};
pub use minimal_pairs::{MinimalPair, MinimalPairs, Paradigm, Phenomenon, minimal_pairs};
pub use records::records;
pub use scorer::{Score, Scorer, Text};
pub use share::Share;
