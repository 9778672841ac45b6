//! English.

mod tables;
mod to_written;

use super::Options;

pub(super) use to_written::to_written;

/// The text as it is read aloud.
pub(super) fn to_spoken(text: &str, _options: &Options) -> String {
    text.to_owned()
}
