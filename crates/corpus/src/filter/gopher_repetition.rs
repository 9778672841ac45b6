//! The repetition rules of Gopher: Rae et al. 2021, arXiv 2112.11446, table A1.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::lines::repeated;
use super::{Language, Segmenter, Word};
use crate::{Dropped, Record, Step};

/// The most that may be repeated, as shares.
struct Limits {
    /// Of lines.
    lines: f64,
    /// Of the characters in lines, of paragraphs, and of the characters in paragraphs; a language
    /// for which they were not published is not judged by them.
    by_size: Option<[f64; 3]>,
    /// Of characters in the commonest n-gram of 2, 3 and 4 words.
    commonest: [f64; 3],
    /// Of characters in repeated n-grams of 5 to 10 words.
    n_grams: [f64; 6],
}

/// Gopher's own.
const ENGLISH: Limits = Limits {
    lines: 0.3,
    by_size: Some([0.2, 0.3, 0.2]),
    commonest: [0.2, 0.18, 0.16],
    n_grams: [0.15, 0.14, 0.13, 0.12, 0.11, 0.1],
};

/// FineWeb2's for Chinese (arXiv 2506.20920, configuration `cmn_Hani`).
const CHINESE: Limits = Limits {
    lines: 0.287,
    by_size: None,
    commonest: [0.256, 0.201, 0.171],
    n_grams: [0.198, 0.182, 0.167, 0.154, 0.14, 0.127],
};

/// Drops what says the same again and again.
pub struct GopherRepetition {
    segmenter: Arc<Segmenter>,
}

impl GopherRepetition {
    /// Counts words by `segmenter`.
    pub fn new(segmenter: Arc<Segmenter>) -> GopherRepetition {
        GopherRepetition { segmenter }
    }

    /// Why the record is to be dropped, if it is.
    fn reason(&self, record: &Record) -> Option<String> {
        let limits = match Language::of(record) {
            Language::English => &ENGLISH,
            Language::Chinese => &CHINESE,
        };
        let text = record.text.trim();
        let n_chars = text.chars().count() as f64;
        let parts = |between: &'static str| -> Vec<&str> {
            text.split(between).map(str::trim).filter(|part| !part.is_empty()).collect()
        };
        let lines = parts("\n");
        let (n_repeated, n_repeated_chars) = repeated(lines.iter().copied());
        if n_repeated as f64 > limits.lines * lines.len() as f64 {
            return Some("too many repeated lines".to_owned());
        }
        if let Some([in_lines, of_paragraphs, in_paragraphs]) = limits.by_size {
            if n_repeated_chars as f64 > in_lines * n_chars {
                return Some("too many characters in repeated lines".to_owned());
            }
            let paragraphs = parts("\n\n");
            let (n_repeated, n_repeated_chars) = repeated(paragraphs.iter().copied());
            if n_repeated as f64 > of_paragraphs * paragraphs.len() as f64 {
                return Some("too many repeated paragraphs".to_owned());
            }
            if n_repeated_chars as f64 > in_paragraphs * n_chars {
                return Some("too many characters in repeated paragraphs".to_owned());
            }
        }
        let words = Spans::of(text, &self.segmenter.words(text));
        for (n, limit) in (2..).zip(limits.commonest) {
            if words.commonest(n) as f64 > limit * n_chars {
                return Some(format!("one sequence of {n} words too common"));
            }
        }
        for (n, limit) in (5..).zip(limits.n_grams) {
            if words.repeated(n) as f64 > limit * n_chars {
                return Some(format!("too many characters in repeated sequences of {n} words"));
            }
        }
        None
    }
}

impl Step for GopherRepetition {
    fn name(&self) -> &str {
        "gopher_repetition"
    }

    fn apply(&self, record: Record) -> Result<Record, Box<Dropped>> {
        match self.reason(&record) {
            Some(reason) => Err(Dropped::by(self.name(), record, reason)),
            None => Ok(record),
        }
    }
}

/// Words as numbers, the same for the same word, with the characters each covers: a sequence is
/// then compared without touching the text again.
struct Spans {
    ids: Vec<u32>,
    /// First character of each word and the one after its last.
    chars: Vec<(usize, usize)>,
}

impl Spans {
    fn of(text: &str, words: &[Word<'_>]) -> Spans {
        let mut known = HashMap::new();
        let (mut ids, mut chars) = (Vec::new(), Vec::new());
        let (mut byte, mut n_chars) = (0, 0);
        for word in words {
            let next = known.len() as u32;
            ids.push(*known.entry(word.text).or_insert(next));
            n_chars += text[byte..word.begin].chars().count();
            let begin = n_chars;
            n_chars += word.text.chars().count();
            byte = word.begin + word.text.len();
            chars.push((begin, n_chars));
        }
        Spans { ids, chars }
    }

    /// Characters from the first word of the sequence at `index` to its last.
    fn n_chars(&self, index: usize, n: usize) -> usize {
        self.chars[index + n - 1].1 - self.chars[index].0
    }

    /// Characters in all occurrences of the sequence of `n` words that covers most, of those that
    /// occur more than once: a sequence that is there once repeats nothing.
    fn commonest(&self, n: usize) -> usize {
        let mut covered: HashMap<&[u32], (usize, usize)> = HashMap::new();
        for (index, sequence) in self.ids.windows(n).enumerate() {
            let (count, n_chars) = covered.entry(sequence).or_default();
            *count += 1;
            *n_chars += self.n_chars(index, n);
        }
        let repeated = covered.into_values().filter(|&(count, _)| count > 1);
        repeated.map(|(_, n_chars)| n_chars).max().unwrap_or(0)
    }

    /// Characters in sequences of `n` words that were there before; each counts once, so that
    /// overlapping sequences do not make more of a repetition than it is.
    fn repeated(&self, n: usize) -> usize {
        let mut seen: HashMap<&[u32], ()> = HashMap::new();
        let (mut index, mut n_chars) = (0, 0);
        while index + n <= self.ids.len() {
            match seen.entry(&self.ids[index..index + n]) {
                Entry::Occupied(_) => {
                    n_chars += self.n_chars(index, n);
                    index += n;
                }
                Entry::Vacant(place) => {
                    place.insert(());
                    index += 1;
                }
            }
        }
        n_chars
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Spans {
        Spans::of(text, &Segmenter::default().words(text))
    }

    #[test]
    fn the_commonest_sequence_covers_its_characters_with_what_stands_between() {
        // "a b" three times, three characters each; "b, a" is there twice.
        assert_eq!(spans("a b, a b, a b").commonest(2), 9);
        assert_eq!(spans("one two three").commonest(2), 0);
    }

    #[test]
    fn repeated_sequences_are_counted_without_overlaps() {
        // The second and third "a b c" are repeated.
        assert_eq!(spans("a b c a b c a b c").repeated(3), 10);
        assert_eq!(spans("a b c d e f").repeated(2), 0);
    }
}
