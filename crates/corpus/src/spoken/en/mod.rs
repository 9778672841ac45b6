//! English.

use super::Options;

/// The text as it is read aloud.
pub(super) fn to_spoken(text: &str, _options: &Options) -> String {
    text.to_owned()
}

/// The text as it is written down.
pub(super) fn to_written(text: &str, _options: &Options) -> String {
    text.to_owned()
}
