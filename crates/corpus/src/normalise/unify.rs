//! One form for characters: a Unicode normal form, and one of the two ways Chinese is written.

use std::sync::OnceLock;

use ferrous_opencc::OpenCC;
use ferrous_opencc::config::BuiltinConfig;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::{Dropped, Record, Step};

/// A normal form of Unicode (UAX 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Composed: an accented letter is one character.
    Nfc,
    /// Composed, and what only looks different made the same: `ﬁ` is `fi`, `①` is `1`, `Ａ` is `A`.
    Nfkc,
}

/// A way in which Chinese is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chinese {
    /// As on the mainland and in Singapore.
    Simplified,
    /// As in Taiwan and Hong Kong.
    Traditional,
}

/// Brings a record's text to one form. What stood there before is not kept.
pub struct Unify {
    /// The normal form, where one is asked for.
    pub form: Option<Form>,
    /// The way of writing Chinese, where one is asked for; phrases are converted as OpenCC's
    /// dictionaries have them.
    pub chinese: Option<Chinese>,
}

impl Unify {
    /// The text in its one form.
    #[must_use]
    pub fn text(&self, text: String) -> String {
        let text = match self.form {
            None => text,
            Some(Form::Nfc) => text.nfc().collect(),
            Some(Form::Nfkc) => text.nfkc().collect(),
        };
        match self.chinese {
            // Most texts of other languages need no dictionary.
            Some(to) if text.chars().any(crate::filter::is_han) => converter(to).convert(&text),
            _ => text,
        }
    }
}

/// The converter to a way of writing, which is unfolded when it is first needed.
fn converter(to: Chinese) -> &'static OpenCC {
    static SIMPLIFIED: OnceLock<OpenCC> = OnceLock::new();
    static TRADITIONAL: OnceLock<OpenCC> = OnceLock::new();
    let (converter, config) = match to {
        Chinese::Simplified => (&SIMPLIFIED, BuiltinConfig::T2s),
        Chinese::Traditional => (&TRADITIONAL, BuiltinConfig::S2t),
    };
    converter
        .get_or_init(|| OpenCC::from_config(config).expect("the dictionaries stand in the crate"))
}

impl Step for Unify {
    fn name(&self) -> &str {
        "unify"
    }

    fn apply(&self, mut record: Record) -> Result<Record, Box<Dropped>> {
        record.text = self.text(record.text);
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: Option<Form>, chinese: Option<Chinese>, text: &str, expected: &str) {
        let unify = Unify { form, chinese };
        let once = unify.text(text.to_owned());
        assert_eq!(once, expected);
        assert_eq!(unify.text(once.clone()), once, "again");
    }

    #[test]
    fn characters_are_brought_to_one_form() {
        check(None, None, "Ａ e\u{301} 後", "Ａ e\u{301} 後");
        check(Some(Form::Nfc), None, "Ａ e\u{301}", "Ａ é");
        check(Some(Form::Nfkc), None, "Ａ ﬁ①e\u{301}", "A fi1é");
        check(None, Some(Chinese::Simplified), "皇后在後面的頭髮", "皇后在后面的头发");
        check(None, Some(Chinese::Traditional), "皇后在后面的头发", "皇后在後面的頭髮");
        check(None, Some(Chinese::Simplified), "plain", "plain");
    }
}
