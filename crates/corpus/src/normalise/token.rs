//! Text to tokens: words of letters, runs of digits, single Han characters, single marks.
//!
//! Rules never see raw text. Letters are lower case here, full-width forms are half-width and the
//! traditional characters the rules speak of are simplified, so that a rule is written once; each
//! token keeps the bytes of the original it came from.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A run of letters of any alphabet.
    Letters,
    /// A run of decimal digits.
    Digits,
    /// One Han character.
    Han,
    /// One mark of punctuation or any other character.
    Mark,
}

/// One token.
#[derive(Debug, Clone)]
pub struct Token {
    /// Its bytes in the original.
    pub start: usize,
    /// One past its last byte in the original.
    pub end: usize,
    /// Its bytes in the folded text.
    pub folded: (usize, usize),
    /// What it is made of.
    pub kind: Kind,
    /// Its number in the rules' vocabulary; 0 for a word that no rule names.
    pub word: u32,
    /// Its value, where it is a run of at most 18 digits.
    pub number: i64,
    /// Whether white space, or the beginning of the text, stands before it.
    pub after_space: bool,
}

/// A text as rules see it.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    /// The text in lower case, half width, simplified.
    pub folded: String,
    /// Its tokens.
    pub tokens: Vec<Token>,
}

impl Tokens {
    /// The folded text of the tokens `start..end`, with what stands between them.
    pub fn text(&self, start: usize, end: usize) -> &str {
        if start >= end {
            return "";
        }
        &self.folded[self.tokens[start].folded.0..self.tokens[end - 1].folded.1]
    }

    /// One past the title, `《…》`, that begins at the token `at`; `None` where none does.
    pub fn title_end(&self, at: usize) -> Option<usize> {
        let is = |at: usize, mark: &str| {
            self.tokens[at].kind == Kind::Mark && self.text(at, at + 1) == mark
        };
        if !is(at, "《") {
            return None;
        }
        let last = (at + LONGEST_TITLE).min(self.tokens.len());
        (at + 1..last).find(|&end| is(end, "》")).map(|end| end + 1)
    }
}

/// The most tokens of a title: what is longer was opened and never closed.
const LONGEST_TITLE: usize = 64;

/// The traditional characters rules speak of, each followed by its simplified form.
const TRADITIONAL: &str = include_str!("rules/traditional.txt");

static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let pairs = TRADITIONAL.split_whitespace().filter_map(|pair| {
        let mut chars = pair.chars();
        Some((chars.next()?, chars.next()?))
    });
    pairs.collect()
});

/// The character as rules see it.
pub fn fold(c: char) -> char {
    match c {
        'a'..='z' | '0'..='9' | ' ' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        '\u{ff01}'..='\u{ff5e}' => fold(char::from_u32(c as u32 - 0xfee0).unwrap_or(c)),
        '\u{3000}' | '\u{a0}' | '\u{202f}' => ' ',
        '’' | '‘' | '`' => '\'',
        '“' | '”' => '"',
        '–' | '—' | '−' | '‐' | '‑' => '-',
        '〜' | '∼' => '~',
        _ if c.is_ascii() => c,
        _ if is_han(c) => SIMPLIFIED.get(&c).copied().unwrap_or(c),
        // A letter whose lower case is more than one character stays as it is.
        _ => {
            let mut lower = c.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        }
    }
}

/// Whether the character is Han, `〇` included.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '〇' | '\u{f900}'..='\u{faff}')
}

/// Cuts `text` into tokens; `vocabulary` numbers the words that rules name.
pub fn tokenise(text: &str, vocabulary: &HashMap<Box<str>, u32>) -> Tokens {
    let mut tokens: Vec<Token> = Vec::new();
    let mut folded = String::with_capacity(text.len());
    let mut after_space = true;
    for (at, original) in text.char_indices() {
        let c = fold(original);
        let kind = match c {
            _ if c.is_whitespace() => {
                folded.push(c);
                after_space = true;
                continue;
            }
            '0'..='9' => Kind::Digits,
            _ if is_han(c) => Kind::Han,
            _ if c.is_alphabetic() => Kind::Letters,
            _ => Kind::Mark,
        };
        let begin = folded.len();
        folded.push(c);
        let end = at + original.len_utf8();
        match tokens.last_mut() {
            Some(last)
                if !after_space
                    && last.kind == kind
                    && matches!(kind, Kind::Letters | Kind::Digits) =>
            {
                last.end = end;
                last.folded.1 = folded.len();
            }
            _ => tokens.push(Token {
                start: at,
                end,
                folded: (begin, folded.len()),
                kind,
                word: 0,
                number: -1,
                after_space,
            }),
        }
        after_space = false;
    }
    for token in &mut tokens {
        let word = &folded[token.folded.0..token.folded.1];
        match token.kind {
            Kind::Digits if word.len() <= 18 => token.number = word.parse().unwrap_or(-1),
            Kind::Digits => {}
            _ => token.word = vocabulary.get(word).copied().unwrap_or(0),
        }
    }
    Tokens { folded, tokens }
}
