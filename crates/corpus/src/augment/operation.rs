//! The operations, by name.

use rand::Rng;

use super::{Lexicon, Token, eda, noise, punctuation};
use crate::Error;

/// What can be done to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Words replaced by synonyms (EDA).
    Synonym,
    /// Synonyms of the text's words put in anywhere (EDA).
    Insert,
    /// Words changing places (EDA).
    Swap,
    /// Words left out (EDA).
    Delete,
    /// Punctuation put in anywhere (AEDA).
    Punctuation,
    /// A letter replaced by its neighbour on the keyboard.
    Keyboard,
    /// A letter left out, doubled, or changing places with the next.
    Typo,
    /// A word, or a Chinese character, replaced by one that sounds alike.
    Homophone,
}

impl Operation {
    /// The four of EDA.
    pub const EDA: [Operation; 4] =
        [Operation::Synonym, Operation::Insert, Operation::Swap, Operation::Delete];

    /// The three kinds of slips.
    pub const NOISE: [Operation; 3] = [Operation::Keyboard, Operation::Typo, Operation::Homophone];

    /// All of them.
    pub const ALL: [Operation; 8] = [
        Operation::Synonym,
        Operation::Insert,
        Operation::Swap,
        Operation::Delete,
        Operation::Punctuation,
        Operation::Keyboard,
        Operation::Typo,
        Operation::Homophone,
    ];

    /// The operations of those names; `eda`, `aeda` and `noise` stand for several.
    ///
    /// # Errors
    /// Where a name is none of them.
    pub fn named(names: &[String]) -> Result<Vec<Operation>, Error> {
        let mut operations = Vec::new();
        for name in names {
            match name.as_str() {
                "eda" => operations.extend(Operation::EDA),
                "aeda" => operations.push(Operation::Punctuation),
                "noise" => operations.extend(Operation::NOISE),
                name => operations.push(
                    Operation::ALL.into_iter().find(|known| known.name() == name).ok_or_else(
                        || Error::Unknown {
                            what: "operation",
                            name: name.to_owned(),
                            known: format!(
                                "eda, aeda, noise, {}",
                                Operation::ALL.map(Operation::name).join(", ")
                            ),
                        },
                    )?,
                ),
            }
        }
        Ok(operations)
    }

    /// Its name in options and in the field `augmented_by`.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Synonym => "synonym",
            Operation::Insert => "insert",
            Operation::Swap => "swap",
            Operation::Delete => "delete",
            Operation::Punctuation => "punctuation",
            Operation::Keyboard => "keyboard",
            Operation::Typo => "typo",
            Operation::Homophone => "homophone",
        }
    }

    /// Changes the share `alpha` of the words, one at least where any can be changed.
    pub fn apply<'a>(
        self,
        tokens: &mut Vec<Token<'a>>,
        alpha: f64,
        lexicon: &'a Lexicon,
        rng: &mut impl Rng,
    ) {
        let n_words = tokens.iter().filter(|token| token.is_word).count();
        let n = ((alpha * n_words as f64) as usize).max(1);
        match self {
            _ if n_words == 0 => {}
            Operation::Synonym => eda::replace(tokens, n, lexicon, rng),
            Operation::Insert => eda::insert(tokens, n, lexicon, rng),
            Operation::Swap => eda::swap(tokens, n, rng),
            Operation::Delete => eda::delete(tokens, alpha, rng),
            Operation::Punctuation => punctuation::insert(tokens, n_words, rng),
            Operation::Keyboard => noise::keyboard(tokens, n, rng),
            Operation::Typo => noise::typo(tokens, n, rng),
            Operation::Homophone => noise::homophone(tokens, n, &lexicon.homophones, rng),
        }
    }
}
