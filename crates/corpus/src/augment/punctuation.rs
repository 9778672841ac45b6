//! AEDA: Karimi, Rossi and Prati 2021, "AEDA: An Easier Data Augmentation Technique for Text
//! Classification", arXiv 2108.13230. Nothing is replaced or lost: only marks are put in.

use std::borrow::Cow;

use rand::{Rng, RngExt};

use super::Token;
use super::tokens::is_han;

/// The paper's six marks, and those that Chinese has for them.
const MARKS: [&str; 6] = [".", ";", "?", ":", "!", ","];
const CHINESE_MARKS: [&str; 6] = ["。", "；", "？", "：", "！", "，"];

/// Puts between one mark and a third as many as there are words in front of tokens.
pub(super) fn insert(tokens: &mut Vec<Token<'_>>, n_words: usize, rng: &mut impl Rng) {
    let is_chinese = tokens.iter().any(|token| token.text.chars().any(is_han));
    let (marks, gap) = if is_chinese { (CHINESE_MARKS, "") } else { (MARKS, " ") };
    for _ in 0..rng.random_range(1..=(n_words / 3).max(1)) {
        let place = rng.random_range(0..tokens.len());
        let text = Cow::Borrowed(marks[rng.random_range(0..marks.len())]);
        tokens.insert(place, Token { text, gap, is_word: false });
    }
}
