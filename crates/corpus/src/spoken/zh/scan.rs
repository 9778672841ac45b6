//! A text under the eyes of rules, and the walk over it.

use crate::normalise::token::{fold, is_han};
use crate::spoken::{Conventions, Options};

/// A text as rules see it: one character at a time, in lower case, half width and simplified.
pub(super) struct Scan<'a> {
    /// The characters as they stand in the text.
    original: Vec<char>,
    /// The same characters folded.
    folded: Vec<char>,
    /// How the text is rewritten.
    pub(super) options: &'a Options,
}

/// What a rule found at a place: the characters up to `end` are to read `text`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// One past the last character.
    pub(super) end: usize,
    /// What stands there afterwards.
    pub(super) text: String,
}

/// A rule says what begins at a place, if anything does.
pub(super) type Rule = fn(&Scan, usize) -> Option<Found>;

impl<'a> Scan<'a> {
    /// Looks at `text`.
    pub(super) fn new(text: &str, options: &'a Options) -> Self {
        let original: Vec<char> = text.chars().collect();
        let folded = original.iter().map(|&c| fold(c)).collect();
        Scan { original, folded, options }
    }

    /// Whether NeMo's conventions hold.
    pub(super) fn nemo(&self) -> bool {
        self.options.conventions == Conventions::Nemo
    }

    /// How many characters there are.
    pub(super) fn len(&self) -> usize {
        self.folded.len()
    }

    /// The folded character at `at`; past the end, one that is in no text.
    pub(super) fn at(&self, at: usize) -> char {
        self.folded.get(at).copied().unwrap_or('\0')
    }

    /// The folded character before `at`.
    pub(super) fn before(&self, at: usize) -> char {
        at.checked_sub(1).map_or('\0', |at| self.at(at))
    }

    /// The characters as they stand in the text.
    pub(super) fn original(&self, start: usize, end: usize) -> &[char] {
        &self.original[start..end]
    }

    /// The same as a text.
    pub(super) fn text(&self, start: usize, end: usize) -> String {
        self.original(start, end).iter().collect()
    }

    /// The end of `word`, given folded, where it stands at `at`.
    pub(super) fn word(&self, at: usize, word: &str) -> Option<usize> {
        let mut end = at;
        for c in word.chars() {
            if self.at(end) != c {
                return None;
            }
            end += 1;
        }
        Some(end)
    }

    /// The end of the longest of these words that stands at `at`, and its place in the list.
    pub(super) fn one_of(&self, at: usize, words: &[&str]) -> Option<(usize, usize)> {
        let ends = words.iter().enumerate();
        ends.filter_map(|(place, word)| Some((self.word(at, word)?, place)))
            .max_by_key(|&(end, place)| (end, std::cmp::Reverse(place)))
    }

    /// The place after the spaces at `at`.
    pub(super) fn skip_spaces(&self, mut at: usize) -> usize {
        while self.at(at) == ' ' {
            at += 1;
        }
        at
    }

    /// The end of the run of digits 0 to 9 at `at`.
    pub(super) fn digits(&self, mut at: usize) -> usize {
        while self.at(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    /// The folded characters as a text.
    pub(super) fn folded(&self, start: usize, end: usize) -> String {
        self.folded[start..end].iter().collect()
    }

    /// Whether a Han character stands at `at`.
    pub(super) fn han(&self, at: usize) -> bool {
        is_han(self.at(at))
    }

    /// Whether one stands before `at`.
    pub(super) fn han_before(&self, at: usize) -> bool {
        is_han(self.before(at))
    }

    /// Whether a Latin letter or a digit stands at `at`.
    pub(super) fn latin(&self, at: usize) -> bool {
        self.at(at).is_ascii_alphanumeric()
    }

    /// Whether one stands before `at`.
    pub(super) fn latin_before(&self, at: usize) -> bool {
        self.before(at).is_ascii_alphanumeric()
    }
}

/// Goes over the text from left to right: at each place the rule that reaches furthest rewrites
/// what it found, the first of these where several do.
pub(super) fn rewrite(text: &str, options: &Options, rules: &[Rule]) -> String {
    let scan = Scan::new(text, options);
    let mut out = String::with_capacity(text.len() + 16);
    let (mut at, mut after_number) = (0, false);
    while at < scan.len() {
        let mut best: Option<Found> = None;
        for found in rules.iter().filter_map(|rule| rule(&scan, at)) {
            if best.as_ref().is_none_or(|best| found.end > best.end) {
                best = Some(found);
            }
        }
        let Some(found) = best else {
            out.push(scan.original[at]);
            at += 1;
            after_number = false;
            continue;
        };
        // Two numbers side by side would read as one.
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        if after_number && digit(found.text.chars().next()) {
            out.push(' ');
        }
        out.push_str(&found.text);
        at = found.end;
        after_number = digit(found.text.chars().next_back());
    }
    out
}
