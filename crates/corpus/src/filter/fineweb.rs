//! The rules that FineWeb added: Penedo et al. 2024, "The FineWeb Datasets", arXiv 2406.17557,
//! section 3.6.

use std::sync::Arc;

use super::lines::{ends_sentence, repeated};
use super::{Language, Segmenter};
use crate::{Dropped, Record, Step};

/// The numbers that change with the language.
struct Limits {
    /// Share of lines that end a sentence; as much or less is dropped.
    ended_lines: f64,
    /// Share of lines of 30 characters or fewer; as much or more is dropped. A line of 30 Chinese
    /// characters is a long sentence, so that Chinese is not judged by it.
    short_lines: Option<f64>,
    /// Share of characters in repeated lines; as much or more is dropped.
    repeated_chars: f64,
    /// Line ends for each word, at most.
    line_ends: f64,
}

/// FineWeb's own.
const ENGLISH: Limits =
    Limits { ended_lines: 0.12, short_lines: Some(0.67), repeated_chars: 0.01, line_ends: 0.3 };

/// FineWeb2's for Chinese (arXiv 2506.20920, configuration `cmn_Hani`).
const CHINESE: Limits =
    Limits { ended_lines: 0.106, short_lines: None, repeated_chars: 0.1, line_ends: 0.178 };

/// Characters of a short line, at most.
const SHORT_LINE: usize = 30;

/// Drops lists, menus and pages that say lines twice.
pub struct FineWeb {
    segmenter: Arc<Segmenter>,
}

impl FineWeb {
    /// Counts words by `segmenter`.
    pub fn new(segmenter: Arc<Segmenter>) -> FineWeb {
        FineWeb { segmenter }
    }

    /// Why the record is to be dropped, if it is.
    fn reason(&self, record: &Record) -> Option<&'static str> {
        let limits = match Language::of(record) {
            Language::English => &ENGLISH,
            Language::Chinese => &CHINESE,
        };
        let text = record.text.trim();
        if text.is_empty() {
            return Some("no text");
        }
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let n_lines = lines.len() as f64;
        let n_ended = lines.iter().filter(|line| ends_sentence(line)).count();
        if n_ended as f64 <= limits.ended_lines * n_lines {
            return Some("too few lines end a sentence");
        }
        if let Some(limit) = limits.short_lines {
            let n_short = lines.iter().filter(|line| line.chars().count() <= SHORT_LINE).count();
            if n_short as f64 >= limit * n_lines {
                return Some("too many short lines");
            }
        }
        let (_, n_repeated) = repeated(lines.iter().copied());
        let n_chars: usize = lines.iter().map(|line| line.chars().count()).sum();
        if n_repeated as f64 >= limits.repeated_chars * n_chars as f64 {
            return Some("too many characters in repeated lines");
        }
        let n_words = self.segmenter.words(text).len();
        let n_ends = text.matches('\n').count();
        (n_ends as f64 > limits.line_ends * n_words as f64)
            .then_some("too many lines for its words")
    }
}

impl Step for FineWeb {
    fn name(&self) -> &str {
        "fineweb"
    }

    fn apply(&self, record: Record) -> Result<Record, Box<Dropped>> {
        match self.reason(&record) {
            Some(reason) => Err(Dropped::by(self.name(), record, reason)),
            None => Ok(record),
        }
    }
}
