//! Chinese.
//!
//! Both ways a text is walked over once ([`scan`]); at each place the rule that reaches furthest
//! rewrites what it found. `say/` holds the rules that read aloud, `write/` those that write down,
//! `data/` their tables.

mod clean;
mod data;
mod options;
mod say;
mod scan;
mod table;
mod write;

pub use options::Chinese;

use super::Options;

/// The text as it is read aloud.
pub(super) fn to_spoken(text: &str, options: &Options) -> String {
    let text = clean::before(text, &options.chinese);
    let said = say::to_spoken(&text, options);
    if options.chinese.tag_unknown { clean::tag_unknown(&said) } else { said }
}

/// The text as it is written down.
pub(super) fn to_written(text: &str, options: &Options) -> String {
    write::to_written(&clean::before(text, &options.chinese), options)
}
