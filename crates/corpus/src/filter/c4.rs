//! The rules of C4: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified
//! Text-to-Text Transformer", JMLR 21 (140), section 2.2. Its list of bad words is left out: it drops
//! medicine and fiction, and FineWeb left it out too.

use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;

use super::Segmenter;
use super::lines::{ends_in_ellipsis, ends_sentence};
use crate::{Dropped, Record, Step};

/// Sentences of a page, at least.
const N_SENTENCES: usize = 5;
/// Words of a line, at least. The same in Chinese: three words of the dictionary are a clause.
const N_WORDS: usize = 3;
/// Bytes between two spaces, at most; longer ones are encoded data. Chinese has no spaces, but no
/// line of Chinese prose is that long without one mark of its own.
const WORD_BYTES: usize = 1000;

/// Lines that hold one of these are about the page, and dropped; in lower case. The Chinese ones say
/// the same as the English.
const NOTICES: [&str; 14] = [
    "javascript",
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
    "使用条款",
    "服务条款",
    "隐私政策",
    "隐私权政策",
    "使用cookie",
    "版权所有",
    "免责声明",
];

/// Keeps lines that are sentences, and pages that have some.
pub struct C4 {
    segmenter: Arc<Segmenter>,
}

impl C4 {
    /// Counts words by `segmenter`.
    pub fn new(segmenter: Arc<Segmenter>) -> C4 {
        C4 { segmenter }
    }

    fn keeps(&self, line: &str) -> bool {
        let in_marks =
            |c: char| c.is_whitespace() || ['，', '。', '、', '；', '！', '？'].contains(&c);
        if line.split(in_marks).any(|word| word.len() > WORD_BYTES) {
            return false;
        }
        let lower = line.to_lowercase();
        ends_sentence(line)
            && !ends_in_ellipsis(line)
            && !NOTICES.iter().any(|notice| lower.contains(notice))
            && self.segmenter.words(line).len() >= N_WORDS
    }
}

impl Step for C4 {
    fn name(&self) -> &str {
        "c4"
    }

    fn apply(&self, mut record: Record) -> Result<Record, Box<Dropped>> {
        if record.text.contains('{') {
            return Err(Dropped::by(self.name(), record, "a curly bracket"));
        }
        if record.text.to_lowercase().contains("lorem ipsum") {
            return Err(Dropped::by(self.name(), record, "lorem ipsum"));
        }
        let lines = record.text.lines().map(str::trim).filter(|line| self.keeps(line));
        let lines: Vec<&str> = lines.collect();
        let sentences = lines.iter().flat_map(|line| line.unicode_sentences());
        if sentences.take(N_SENTENCES).count() < N_SENTENCES {
            return Err(Dropped::by(self.name(), record, "fewer than 5 sentences"));
        }
        record.text = lines.join("\n");
        Ok(record)
    }
}
