//! What is asked for later must not be learned now.

use std::collections::HashSet;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::dedup::words;
use crate::read::read;
use crate::{Dropped, Error, Record, Step};

/// Drops records that share a run of words with a text of an evaluation set: 13 words in the papers
/// of GPT-3 (Brown et al. 2020, appendix C) and others. Words are those of de-duplication, so that
/// case, punctuation and layout change nothing, and of Chinese each character is one.
///
/// Of each run that is asked for it keeps a hash of 64 bits: of a billion runs of a corpus, against
/// a million asked for, one is expected in 18,000 corpora to be taken for another by chance.
#[derive(Debug)]
pub struct Decontaminate {
    n_words: usize,
    runs: HashSet<u64>,
}

impl Decontaminate {
    /// Knows no text yet.
    ///
    /// # Panics
    /// Where a run has no words.
    #[must_use]
    pub fn new(n_words: usize) -> Self {
        assert!(n_words > 0, "a run has words");
        Self { n_words, runs: HashSet::new() }
    }

    /// Adds a text that must not be learned. One shorter than a run has none, since a few words stand
    /// anywhere.
    pub fn add(&mut self, text: &str) {
        self.runs.extend(runs(&words(text), self.n_words));
    }

    /// Adds the records of a file, or of the files of a folder: all of each that is text, since every
    /// set names its questions and answers in its own way.
    ///
    /// # Errors
    /// Where it holds nothing that can be read: what is to be kept apart would not be.
    pub fn add_file(&mut self, path: &Path) -> Result<(), Error> {
        let mut n_records = 0;
        read(path, &mut |outcome| {
            let Ok(record) = outcome else { return Ok(()) };
            n_records += 1;
            self.add(&record.text);
            record
                .other
                .values()
                .filter_map(|value| value.as_str())
                .for_each(|text| self.add(text));
            Ok(())
        })?;
        if n_records > 0 {
            return Ok(());
        }
        let problem = "an evaluation set without a record that can be read".to_owned();
        Err(Error::Table { path: path.to_owned(), problem })
    }

    /// How many runs are known.
    #[must_use]
    pub fn n_runs(&self) -> usize {
        self.runs.len()
    }

    /// Whether a text shares a run with one that was added.
    #[must_use]
    pub fn is_contaminated(&self, text: &str) -> bool {
        !self.runs.is_empty()
            && runs(&words(text), self.n_words).any(|run| self.runs.contains(&run))
    }
}

fn runs(words: &[u64], n_words: usize) -> impl Iterator<Item = u64> {
    words.windows(n_words).map(|run| {
        let mut hash = 0;
        for word in run {
            hash = xxh3_64(&(hash ^ word).to_le_bytes());
        }
        hash
    })
}

impl Step for Decontaminate {
    fn name(&self) -> &str {
        "decontaminate"
    }

    fn apply(&self, record: Record) -> Result<Record, Box<Dropped>> {
        if self.is_contaminated(&record.text) {
            return Err(Dropped::by(
                self.name(),
                record,
                "shares a run of words with an evaluation set",
            ));
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_run_of_words_is_found_whatever_stands_around_it() {
        let mut step = Decontaminate::new(5);
        step.add("What is the capital of France? Paris, of course.");
        step.add("too few words");
        step.add("深海的光很少");
        assert_eq!(step.n_runs(), 5 + 2);
        for (text, expected) in [
            ("He asked: WHAT is the\ncapital of Spain", true),
            ("the capital of Spain is the best", false),
            ("too few words", false),
            ("都说深海的光很多", true),
            ("深海的鱼很少", false),
            ("", false),
        ] {
            assert_eq!(step.is_contaminated(text), expected, "{text}");
        }
    }
}
