//! Written text to spoken and back: `$20.50` is read `twenty dollars fifty cents`.
//!
//! Find, read, write: a language finds what is written (or said) in a text, reads what it means,
//! and writes it as it is said (or written). Each language is a folder and each kind of expression
//! a file in it; units, currencies and abbreviations are tables beside them. The rest of the text
//! stays as it was.
//!
//! This is text normalisation (TN) before speech is made, and inverse text normalisation (ITN)
//! after it was recognised.

mod en;
mod step;
mod zh;

pub use crate::normalise::Lang;
pub use step::Spoken;
pub use zh::Chinese;

/// Which way a text is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// As it is read aloud: `3 kg` to `three kilograms`.
    ToSpoken,
    /// As it is written down: `three kilograms` to `3 kg`.
    ToWritten,
}

/// Whose conventions hold where two are in use; both are those of a public suite of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conventions {
    /// Those of NVIDIA's NeMo-text-processing: `july twenty fifth twenty twelve`.
    #[default]
    Nemo,
    /// Those of WeTextProcessing: `the twenty fifth of july twenty twelve`.
    WeText,
}

/// How a text is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The text's language.
    pub lang: Lang,
    /// Which way.
    pub direction: Direction,
    /// Whose conventions.
    pub conventions: Conventions,
    /// Whether white space stays as it was: `1!hello` gives `one!hello`, not `one! hello`.
    pub keep_spacing: bool,
    /// Choices that hold for Chinese alone.
    pub chinese: Chinese,
}

impl Options {
    /// The default conventions, which way and in which language stated.
    pub fn new(lang: Lang, direction: Direction) -> Options {
        Options {
            lang,
            direction,
            conventions: Conventions::default(),
            keep_spacing: false,
            chinese: Chinese::default(),
        }
    }
}

/// The text rewritten; a text in a language without rules, or without expressions, as it was.
pub fn rewrite(text: &str, options: &Options) -> String {
    match (options.lang, options.direction) {
        (Lang::En, Direction::ToSpoken) => en::to_spoken(text, options),
        (Lang::En, Direction::ToWritten) => en::to_written(text, options),
        (Lang::Zh, Direction::ToSpoken) => zh::to_spoken(text, options),
        (Lang::Zh, Direction::ToWritten) => zh::to_written(text, options),
    }
}
