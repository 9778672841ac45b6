//! More of a few labelled texts: copies that say the same a little differently.
//!
//! EDA's four operations (Wei and Zou 2019, arXiv 1901.11196), the punctuation of AEDA (Karimi et al.
//! 2021, arXiv 2108.13230) and three kinds of slips, in English and Chinese. A text is cut into
//! tokens, an operation changes some, and they are joined again with what stood between them.
//! Everything is drawn from the seed and the text, so that a text's copies do not depend on the
//! others of a run.

mod eda;
mod homophones;
mod noise;
mod operation;
mod punctuation;
mod stop_words;
mod synonyms;
mod tokens;
mod wordnet;

pub use homophones::Homophones;
pub use operation::Operation;
pub use synonyms::Synonyms;
pub use tokens::Token;

use std::path::Path;
use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::filter::Segmenter;
use crate::{Error, Record};

/// What operations look words up in.
#[derive(Default)]
pub struct Lexicon {
    /// Synonyms of words in Latin letters.
    pub english: Option<Synonyms>,
    /// Synonyms of Chinese words.
    pub chinese: Option<Synonyms>,
    /// Words and characters that sound alike.
    pub homophones: Homophones,
}

impl Lexicon {
    /// Opens WordNet's folder, for English, and a lexicon in tab form, for Chinese.
    ///
    /// # Errors
    /// Where one cannot be read, or operations look synonyms up and there is neither.
    pub fn open(
        wordnet: Option<&Path>,
        tab: Option<&Path>,
        operations: &[Operation],
        segmenter: &Arc<Segmenter>,
    ) -> Result<Lexicon, Error> {
        let look_up = [Operation::Synonym, Operation::Insert];
        if wordnet.is_none() && tab.is_none() && operations.iter().any(|o| look_up.contains(o)) {
            return Err(Error::NoSynonyms);
        }
        Ok(Lexicon {
            english: wordnet.map(Synonyms::of_wordnet).transpose()?,
            chinese: tab.map(Synonyms::of_tab).transpose()?,
            homophones: Homophones::new(Arc::clone(segmenter)),
        })
    }

    /// Synonyms in the language of a word.
    fn synonyms(&self, word: &str) -> Option<&Synonyms> {
        if word.chars().any(tokens::is_han) { self.chinese.as_ref() } else { self.english.as_ref() }
    }
}

/// How texts are augmented.
pub struct Augmenter {
    /// What is done, one operation a copy, in turn.
    pub operations: Vec<Operation>,
    /// Share of a text's words that an operation changes; one word at least.
    pub alpha: f64,
    /// Copies of a text.
    pub n_copies: usize,
    /// What chance is drawn from.
    pub seed: u64,
    /// What words are looked up in.
    pub lexicon: Lexicon,
    /// What cuts Chinese into words.
    pub segmenter: Arc<Segmenter>,
}

impl Augmenter {
    /// The copies of a text, each with the operation that made it. A copy that came out as the text
    /// itself, since no word of it has a synonym for example, is left out.
    pub fn copies(&self, text: &str) -> Vec<(String, Operation)> {
        let mut rng = ChaCha8Rng::seed_from_u64(xxh3_64_with_seed(text.as_bytes(), self.seed));
        let tokens = tokens::cut(text, &self.segmenter);
        let mut changed = Vec::with_capacity(tokens.len() + 8);
        let mut copies = Vec::with_capacity(self.n_copies);
        for index in 0..self.n_copies {
            // Texts begin at different operations, so that one copy each is a mix of all.
            let operation = self.operations[(index + text.len()) % self.operations.len()];
            changed.clone_from(&tokens);
            operation.apply(&mut changed, self.alpha, &self.lexicon, &mut rng);
            let copy = tokens::join(&changed, text.len());
            if copy != text {
                copies.push((copy, operation));
            }
        }
        copies
    }

    /// The record and its copies. Copies have their number behind their `id`, and the operation in
    /// the field `augmented_by`; whatever else the record holds, a label above all, they hold too.
    pub fn augment(&self, record: Record) -> Vec<Record> {
        let copies = self.copies(&record.text);
        let mut records = Vec::with_capacity(copies.len() + 1);
        records.push(record);
        for (number, (text, operation)) in (1..).zip(copies) {
            let mut copy = Record { text, ..records[0].clone() };
            if !copy.id.is_empty() {
                copy.id = format!("{}#{number}", copy.id);
            }
            copy.other.insert("augmented_by".to_owned(), operation.name().into());
            records.push(copy);
        }
        records
    }
}
