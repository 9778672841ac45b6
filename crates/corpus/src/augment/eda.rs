//! The four operations of EDA: Wei and Zou 2019, arXiv 1901.11196, section 2.

use std::borrow::Cow;

use rand::{Rng, RngExt};

use super::stop_words::is_stop_word;
use super::tokens::{choose, is_han};
use super::{Lexicon, Token};

/// Synonym replacement: `n` words that are no stop words, wherever they stand, by one synonym each.
pub(super) fn replace<'a>(
    tokens: &mut [Token<'a>],
    n: usize,
    lexicon: &'a Lexicon,
    rng: &mut impl Rng,
) {
    let mut n_replaced = 0;
    for index in choose(tokens, usize::MAX, |token| !is_stop_word(&token.text), rng) {
        if n_replaced == n {
            break;
        }
        let Some(synonym) = synonym(&tokens[index].text, lexicon, rng) else { continue };
        let word = std::mem::replace(&mut tokens[index].text, synonym.clone());
        for token in tokens.iter_mut().filter(|token| token.text == word) {
            token.text = synonym.clone();
        }
        n_replaced += 1;
    }
}

/// Random insertion: `n` times a synonym of any word, in front of any token.
pub(super) fn insert<'a>(
    tokens: &mut Vec<Token<'a>>,
    n: usize,
    lexicon: &'a Lexicon,
    rng: &mut impl Rng,
) {
    let words = choose(tokens, usize::MAX, |token| !is_stop_word(&token.text), rng);
    let synonyms = words.iter().filter_map(|&index| synonym(&tokens[index].text, lexicon, rng));
    for text in synonyms.take(n).collect::<Vec<_>>() {
        let gap = if text.chars().any(is_han) { "" } else { " " };
        let place = rng.random_range(0..tokens.len());
        tokens.insert(place, Token { text, gap, is_word: true });
    }
}

/// Random swap: `n` times two words change places.
pub(super) fn swap(tokens: &mut [Token<'_>], n: usize, rng: &mut impl Rng) {
    let words: Vec<usize> = (0..tokens.len()).filter(|&index| tokens[index].is_word).collect();
    if words.len() < 2 {
        return;
    }
    for _ in 0..n {
        let first = rng.random_range(0..words.len());
        let second = (first + rng.random_range(1..words.len())) % words.len();
        let (low, high) = (words[first.min(second)], words[first.max(second)]);
        let (before, behind) = tokens.split_at_mut(high);
        std::mem::swap(&mut before[low].text, &mut behind[0].text);
    }
}

/// Random deletion: every word with probability `p`; one always stays.
pub(super) fn delete(tokens: &mut Vec<Token<'_>>, p: f64, rng: &mut impl Rng) {
    let n_words = tokens.iter().filter(|token| token.is_word).count();
    let (spared, mut index) = (rng.random_range(0..n_words), 0);
    let mut deleted = Vec::with_capacity(n_words);
    for _ in 0..n_words {
        deleted.push(rng.random_bool(p));
    }
    if deleted.iter().all(|&is_deleted| is_deleted) {
        deleted[spared] = false;
    }
    tokens.retain(|token| {
        if !token.is_word {
            return true;
        }
        index += 1;
        !deleted[index - 1]
    });
}

/// A synonym of a word, with a capital where the word has one.
fn synonym<'a>(word: &str, lexicon: &'a Lexicon, rng: &mut impl Rng) -> Option<Cow<'a, str>> {
    let synonym = lexicon.synonyms(word)?.choose(word, rng)?;
    let mut chars = synonym.chars();
    if word.starts_with(char::is_uppercase) && synonym.starts_with(char::is_lowercase) {
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        return Some(first.chain(chars).collect::<String>().into());
    }
    Some(Cow::Borrowed(synonym))
}
