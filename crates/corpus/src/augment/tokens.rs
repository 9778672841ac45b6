//! A text as words and marks, and what stands between them.

use std::borrow::Cow;

use rand::{Rng, RngExt};

use crate::filter::Segmenter;
pub(super) use crate::filter::is_han;

/// A word or a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// Its letters.
    pub text: Cow<'a, str>,
    /// The space behind it, as in the text.
    pub gap: &'a str,
    /// Whether it is a word; only words are changed.
    pub is_word: bool,
}

/// Cuts a text. Words are runs of letters and digits, with apostrophes and hyphens within; runs of
/// Chinese characters are cut by the dictionary; any other mark stands alone. Space before the first
/// word belongs to an empty mark.
pub(super) fn cut<'a>(text: &'a str, segmenter: &Segmenter) -> Vec<Token<'a>> {
    let mut tokens: Vec<Token<'a>> = Vec::with_capacity(text.len() / 5 + 1);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = run(rest, first);
        rest = &rest[run.len()..];
        let token = |text: &'a str, is_word| Token { text: Cow::Borrowed(text), gap: "", is_word };
        if first.is_whitespace() {
            if tokens.is_empty() {
                tokens.push(token("", false));
            }
            tokens.last_mut().expect("one was put there").gap = run;
        } else if is_han(first) {
            tokens.extend(segmenter.words(run).iter().map(|word| token(word.text, true)));
        } else {
            tokens.push(token(run, first.is_alphanumeric()));
        }
    }
    tokens
}

/// What stands together at the beginning of `rest`, which begins with `first`.
fn run(rest: &str, first: char) -> &str {
    let until =
        |is_within: fn(char) -> bool| &rest[..rest.find(|c| !is_within(c)).unwrap_or(rest.len())];
    if first.is_whitespace() {
        until(char::is_whitespace)
    } else if is_han(first) {
        until(is_han)
    } else if first.is_alphanumeric() {
        // An apostrophe or a hyphen in the end is no part of the word.
        until(|c| is_in_word(c) || "'-’".contains(c)).trim_end_matches(['\'', '-', '’'])
    } else {
        &rest[..first.len_utf8()]
    }
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() && !is_han(c)
}

/// The text of tokens.
pub(super) fn join(tokens: &[Token<'_>], n_bytes: usize) -> String {
    let mut text = String::with_capacity(n_bytes + 32);
    for token in tokens {
        text.push_str(&token.text);
        text.push_str(token.gap);
    }
    text
}

/// Up to `n` different words for which `is_fit`, in an order drawn by chance, each as its index.
pub(super) fn choose(
    tokens: &[Token<'_>],
    n: usize,
    is_fit: impl Fn(&Token<'_>) -> bool,
    rng: &mut impl Rng,
) -> Vec<usize> {
    let words = tokens.iter().enumerate().filter(|(_, token)| token.is_word && is_fit(token));
    let mut indices: Vec<usize> = words.map(|(index, _)| index).collect();
    for chosen in 0..n.min(indices.len()) {
        let other = rng.random_range(chosen..indices.len());
        indices.swap(chosen, other);
    }
    indices.truncate(n);
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, words: &[&str]) {
        let tokens = cut(text, &Segmenter::default());
        assert_eq!(join(&tokens, 0), text);
        let found = tokens.iter().filter(|token| token.is_word);
        assert_eq!(found.map(|token| token.text.as_ref()).collect::<Vec<_>>(), words);
    }

    #[test]
    fn a_text_is_its_tokens_and_what_stands_between_them() {
        check(
            "  It's a well-known 'fact', no?\n\nYes. ",
            &["It's", "a", "well-known", "fact", "no", "Yes"],
        );
        check("我们在北京大学，读 Rust 书。", &["我们", "在", "北京大学", "读", "Rust", "书"]);
        check("-- ' … 😀", &[]);
        check("", &[]);
    }
}
