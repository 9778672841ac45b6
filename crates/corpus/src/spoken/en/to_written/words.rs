//! The words of what was said, and the place among them at which a rule is tried.

use std::borrow::Cow;

/// Words a rule may look at from its place: more than any expression has.
const AHEAD: usize = 100;

/// A word, or a mark of punctuation that stood at its end or its beginning.
#[derive(Debug)]
pub(crate) struct Word<'t> {
    /// Where it begins in the text, in bytes.
    pub(super) start: usize,
    /// As it was said.
    pub(super) text: &'t str,
    /// In lower case.
    lower: Cow<'t, str>,
}

impl Word<'_> {
    /// Whether it is this one, in lower case.
    pub(super) fn is(&self, lower: &str) -> bool {
        *self.lower == *lower
    }

    /// Where it ends in the text, in bytes.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// What stands at the end or the beginning of a word without being part of it.
fn is_mark(letter: char) -> bool {
    matches!(
        letter,
        '.' | ',' | '!' | '?' | ';' | ':' | '"' | '(' | ')' | '[' | ']' | '…' | '“' | '”'
    )
}

/// The words of a text, between white space; marks apart, and `twenty-one` as two.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut push = |start: usize, end: usize| {
        if start < end {
            let text = &text[start..end];
            let lower = if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                Cow::Owned(text.to_ascii_lowercase())
            } else {
                Cow::Borrowed(text)
            };
            words.push(Word { start, text, lower });
        }
    };
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let inner = word.trim_start_matches(is_mark);
        let inner_start = at + word.len() - inner.len();
        let mut inner = inner.trim_end_matches(is_mark);
        // `p.m.` keeps its last point.
        if inner.contains('.') && text[inner_start + inner.len()..].starts_with('.') {
            inner = &text[inner_start..inner_start + inner.len() + 1];
        }
        let inner_end = inner_start + inner.len();
        for (mark_at, mark) in text[at..inner_start].char_indices() {
            push(at + mark_at, at + mark_at + mark.len_utf8());
        }
        match inner.split_once('-') {
            Some((tens, ones)) if super::number::is_tens(tens) && !ones.is_empty() => {
                push(inner_start, inner_start + tens.len());
                push(inner_start + tens.len() + 1, inner_end);
            }
            _ => push(inner_start, inner_end),
        }
        for (mark_at, mark) in text[inner_end..at + word.len()].char_indices() {
            push(inner_end + mark_at, inner_end + mark_at + mark.len_utf8());
        }
        at += piece.len();
    }
    words
}

/// A place among the words.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    words: &'a [Word<'a>],
    before: &'a str,
}

impl<'a> Place<'a> {
    /// The place before word number `at`.
    pub(super) fn new(words: &'a [Word<'a>], at: usize) -> Place<'a> {
        let end = words.len().min(at + AHEAD);
        let before = if at > 0 { &*words[at - 1].lower } else { "" };
        Place { words: &words[at..end], before }
    }

    /// The word `n` words on, in lower case, and the empty one behind the last.
    pub(super) fn word(&self, n: usize) -> &'a str {
        self.words.get(n).map_or("", |word| &*word.lower)
    }

    /// The word `n` words on, as it was said.
    pub(super) fn text(&self, n: usize) -> &'a str {
        self.words.get(n).map_or("", |word| word.text)
    }

    /// The word before this place, in lower case.
    pub(super) fn before(&self) -> &'a str {
        self.before
    }

    /// How many words of `phrase`, which stands `n` words on, there are; `None` where it does not.
    pub(super) fn phrase(&self, n: usize, phrase: &str) -> Option<usize> {
        let mut len = 0;
        for word in phrase.split(' ') {
            if self.word(n + len) != word {
                return None;
            }
            len += 1;
        }
        Some(len)
    }

    /// `len` words from `n` on, in lower case, with a space between.
    pub(super) fn joined(&self, n: usize, len: usize) -> String {
        let words: Vec<&str> = (n..n + len).map(|n| self.word(n)).collect();
        words.join(" ")
    }
}

/// What some words are written as.
#[derive(Debug, PartialEq)]
pub(super) struct Written {
    /// How many words.
    pub(super) n_words: usize,
    /// What stands for them.
    pub(super) text: String,
}

impl Written {
    /// `n_words` words, written as `text`.
    pub(super) fn new(n_words: usize, text: impl Into<String>) -> Option<Written> {
        Some(Written { n_words, text: text.into() })
    }
}
