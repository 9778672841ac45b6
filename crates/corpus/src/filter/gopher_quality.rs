//! The quality rules of Gopher: Rae et al. 2021, "Scaling Language Models: Methods, Analysis &
//! Insights from Training Gopher", arXiv 2112.11446, appendix A.1.1.

use std::sync::Arc;

use super::lines::ends_in_ellipsis;
use super::words::is_han;
use super::{Language, Segmenter, Word};
use crate::{Dropped, Record, Step};

/// The numbers that change with the language.
struct Limits {
    /// Mean characters of a word, at least and at most.
    mean_word_length: (f64, f64),
    /// Share of words that hold a letter, at least.
    alphabetic: f64,
    /// Words that prose cannot do without; two occurrences must be there.
    stop_words: &'static [&'static str],
}

/// Gopher's own.
const ENGLISH: Limits = Limits {
    mean_word_length: (3.0, 10.0),
    alphabetic: 0.8,
    stop_words: &["the", "be", "to", "of", "and", "that", "have", "with"],
};

/// FineWeb2's, found on Chinese pages (Penedo et al. 2025, arXiv 2506.20920, its configuration for
/// `cmn_Hani`). Words are the dictionary's there too.
const CHINESE: Limits = Limits {
    mean_word_length: (1.0, 5.0),
    alphabetic: 0.735,
    stop_words: &[
        "的", "年", "在", "月", "是", "和", "日", "了", "於", "·", "為", "有", "被", "人", "中",
        "为", "他", "與", "後", "也", "而", "由",
    ],
};

/// Words of a document, at least and at most, in both languages.
const N_WORDS: (usize, usize) = (50, 100_000);
/// Hash signs, or ellipses, for each word, at most.
const SYMBOLS_PER_WORD: f64 = 0.1;
/// Share of lines that begin with a bullet, at most.
const BULLETS: f64 = 0.9;
/// Share of lines that end in an ellipsis, at most.
const ELLIPSES: f64 = 0.3;
/// Occurrences of stop words, at least.
const N_STOP_WORDS: usize = 2;

/// Drops what is no prose.
pub struct GopherQuality {
    segmenter: Arc<Segmenter>,
}

impl GopherQuality {
    /// Counts words by `segmenter`.
    pub fn new(segmenter: Arc<Segmenter>) -> GopherQuality {
        GopherQuality { segmenter }
    }

    /// Why the record is to be dropped, if it is.
    fn reason(&self, record: &Record) -> Option<&'static str> {
        let limits = match Language::of(record) {
            Language::English => &ENGLISH,
            Language::Chinese => &CHINESE,
        };
        let text = &record.text;
        let words = self.segmenter.words(text);
        let n_words = words.len() as f64;
        if words.len() < N_WORDS.0 {
            return Some("fewer than 50 words");
        }
        if words.len() > N_WORDS.1 {
            return Some("more than 100,000 words");
        }
        let n_letters: usize = words.iter().map(|word| word.text.chars().count()).sum();
        let mean_length = n_letters as f64 / n_words;
        if mean_length < limits.mean_word_length.0 {
            return Some("words too short on average");
        }
        if mean_length > limits.mean_word_length.1 {
            return Some("words too long on average");
        }
        if text.matches('#').count() as f64 / n_words > SYMBOLS_PER_WORD {
            return Some("more than one hash sign in 10 words");
        }
        let n_ellipses = text.matches("...").count() + text.matches('…').count();
        if n_ellipses as f64 / n_words > SYMBOLS_PER_WORD {
            return Some("more than one ellipsis in 10 words");
        }
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let share = |has: fn(&str) -> bool| {
            lines.iter().filter(|line| has(line)).count() as f64 / lines.len() as f64
        };
        if share(begins_with_bullet) > BULLETS {
            return Some("more than 90 % of lines begin with a bullet");
        }
        if share(ends_in_ellipsis) > ELLIPSES {
            return Some("more than 30 % of lines end in an ellipsis");
        }
        let n_alphabetic = words.iter().filter(|word| is_alphabetic(word)).count();
        if (n_alphabetic as f64) < limits.alphabetic * n_words {
            return Some("too few words with a letter");
        }
        let n_stop_words = words
            .iter()
            .filter(|word| {
                limits.stop_words.iter().any(|stop| word.text.eq_ignore_ascii_case(stop))
            })
            .take(N_STOP_WORDS)
            .count();
        (n_stop_words < N_STOP_WORDS).then_some("fewer than 2 stop words")
    }
}

impl Step for GopherQuality {
    fn name(&self) -> &str {
        "gopher_quality"
    }

    fn apply(&self, record: Record) -> Result<Record, Box<Dropped>> {
        match self.reason(&record) {
            Some(reason) => Err(Dropped::by(self.name(), record, reason)),
            None => Ok(record),
        }
    }
}

fn begins_with_bullet(line: &str) -> bool {
    line.trim_start().starts_with(['•', '●', '·', '‣', '*', '-', '–'])
}

fn is_alphabetic(word: &Word<'_>) -> bool {
    word.text.chars().any(|c| c.is_alphabetic() || is_han(c))
}
