//! Words and the words that can stand for them.

use std::collections::HashMap;
use std::path::Path;

use rand::{Rng, RngExt};

use super::wordnet::Inflections;
use crate::Error;
use crate::error::at;

/// Synonyms of words.
#[derive(Default)]
pub struct Synonyms {
    /// All words, each once.
    words: Vec<Box<str>>,
    /// The synonyms of each word in lower case, as places in `words`.
    of: HashMap<Box<str>, Vec<u32>>,
    /// The word without its ending, where the language has some.
    pub(super) inflections: Inflections,
}

impl Synonyms {
    /// One of the synonyms of a word, or of the word without its ending; each is as likely.
    pub fn choose(&self, word: &str, rng: &mut impl Rng) -> Option<&str> {
        let lower;
        let word = if word.contains(char::is_uppercase) {
            lower = word.to_lowercase();
            &lower
        } else {
            word
        };
        let found = self
            .of
            .get(word)
            .or_else(|| self.inflections.bases(word).find_map(|base| self.of.get(base.as_ref())))?;
        Some(&self.words[found[rng.random_range(0..found.len())] as usize])
    }

    /// How many words have synonyms.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether no word has any.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Reads a lexicon of the Open Multilingual Wordnet: lines of a sense, the kind of what is said
    /// of it (`cmn:lemma`) and a word, parted by tabs; lines that begin with `#` and kinds other than
    /// lemmas are passed over. Words of one sense are synonyms.
    ///
    /// # Errors
    /// Where the file cannot be read, or a line is not of this form.
    pub fn of_tab(path: &Path) -> Result<Synonyms, Error> {
        let text = std::fs::read_to_string(path).map_err(at(path))?;
        Synonyms::of_tab_text(&text).map_err(|(line, expected)| Error::Synonyms {
            path: path.to_owned(),
            line,
            expected,
        })
    }

    /// The same from the text of such a file.
    ///
    /// # Errors
    /// The line that is not of this form, counted from 1, and what was expected there.
    pub fn of_tab_text(text: &str) -> Result<Synonyms, (usize, &'static str)> {
        let mut gathering = Gathering::default();
        let mut senses: HashMap<&str, Vec<u32>> = HashMap::new();
        for (line, index) in text.lines().zip(1..) {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let mut fields = line.splitn(3, '\t');
            let (Some(sense), Some(kind), Some(word)) =
                (fields.next(), fields.next(), fields.next())
            else {
                let expected =
                    "a sense, the kind of what is said of it, and a word, parted by tabs";
                return Err((index, expected));
            };
            if kind.ends_with("lemma") {
                // Lemmas of two words are joined by a plus in this lexicon.
                senses.entry(sense).or_default().push(gathering.word(&word.replace('+', "")));
            }
        }
        let mut senses: Vec<_> = senses.into_iter().collect();
        senses.sort_unstable();
        for (_, words) in senses {
            gathering.sense(&words);
        }
        Ok(gathering.synonyms(Inflections::default()))
    }
}

/// Synonyms while senses come in.
#[derive(Default)]
pub(super) struct Gathering {
    words: Vec<Box<str>>,
    known: HashMap<Box<str>, u32>,
    of: HashMap<Box<str>, Vec<u32>>,
}

impl Gathering {
    /// The number of a word.
    pub(super) fn word(&mut self, word: &str) -> u32 {
        if let Some(&number) = self.known.get(word) {
            return number;
        }
        let number = self.words.len() as u32;
        self.words.push(word.into());
        self.known.insert(word.into(), number);
        number
    }

    /// Words of one sense.
    pub(super) fn sense(&mut self, words: &[u32]) {
        for &word in words {
            let key = self.words[word as usize].to_lowercase();
            let others =
                words.iter().filter(|&&other| self.words[other as usize].to_lowercase() != key);
            let others: Vec<u32> = others.copied().collect();
            if others.is_empty() {
                continue;
            }
            let synonyms = self.of.entry(key.into()).or_default();
            for other in others {
                if !synonyms.contains(&other) {
                    synonyms.push(other);
                }
            }
        }
    }

    pub(super) fn synonyms(self, inflections: Inflections) -> Synonyms {
        Synonyms { words: self.words, of: self.of, inflections }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn lemmas_of_a_sense_are_synonyms() {
        let tab = "# Chinese Open Wordnet\tcmn\n1-n\tcmn:lemma\t海\n1-n\tcmn:lemma\t海+洋\n\
                   1-n\tcmn:def\t水\n2-n\tcmn:lemma\t山\n";
        let synonyms = Synonyms::of_tab_text(tab).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        assert_eq!(synonyms.choose("海", &mut rng), Some("海洋"));
        assert_eq!(synonyms.choose("海洋", &mut rng), Some("海"));
        assert_eq!(synonyms.choose("山", &mut rng), None);
        assert_eq!((synonyms.len(), synonyms.is_empty()), (2, false));
        let (line, expected) = Synonyms::of_tab_text("1-n\tcmn:lemma\n").err().unwrap();
        assert_eq!(line, 1);
        assert!(expected.starts_with("a sense"));
    }
}
