//! Tables of words beside the rules.
//!
//! A line is an entry, its columns stand apart by white space and the ways to write one thing apart
//! by `|`. `#` begins a comment.

use std::collections::HashMap;

use super::scan::Scan;
use crate::normalise::token::fold;

/// A word's characters, and the entry it belongs to.
type Word = (Box<[char]>, usize);

/// Words, each with the entry it belongs to.
pub(super) struct Table {
    /// By first character: the words, the longest first, and their entries.
    words: HashMap<char, Vec<Word>>,
    /// Whether the case of letters matters.
    exact: bool,
}

impl Table {
    /// A table of these words and the entries they stand for; of equal words the first counts.
    /// `exact`: upper and lower case are not the same.
    pub(super) fn new<'a>(exact: bool, words: impl Iterator<Item = (&'a str, usize)>) -> Table {
        let mut table = Table { words: HashMap::new(), exact };
        for (word, entry) in words {
            let chars: Box<[char]> = word.chars().map(|c| table.seen(c)).collect();
            let Some(&first) = chars.first() else { continue };
            table.words.entry(first).or_default().push((chars, entry));
        }
        for words in table.words.values_mut() {
            words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        }
        table
    }

    /// The words of a text, each its own entry, counted from 0.
    pub(super) fn of_words(text: &str) -> Table {
        Table::new(false, words(text).zip(0..))
    }

    /// A character as this table sees it.
    fn seen(&self, c: char) -> char {
        let folded = fold(c);
        if self.exact && (c.is_ascii_uppercase() || ('Ａ'..='Ｚ').contains(&c)) {
            folded.to_ascii_uppercase()
        } else {
            folded
        }
    }

    /// The longest word at `at`: its end and its entry.
    pub(super) fn find(&self, scan: &Scan, at: usize) -> Option<(usize, usize)> {
        self.all(scan, at).next()
    }

    /// Every word at `at`, the longest first.
    pub(super) fn all(&self, scan: &Scan, at: usize) -> impl Iterator<Item = (usize, usize)> {
        let rest = scan.original(at.min(scan.len()), scan.len());
        let first = rest.first().map_or('\0', |&c| self.seen(c));
        let words = self.words.get(&first).map_or(&[][..], Vec::as_slice);
        words.iter().filter_map(move |(word, entry)| {
            let there = rest.get(..word.len())?;
            let same = there.iter().zip(word).all(|(&c, &word)| self.seen(c) == word);
            same.then_some((at + word.len(), *entry))
        })
    }
}

/// The lines of a file of data, without comments.
pub(super) fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty())
}

/// The words of a file of data.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace)
}
