//! What is worth learning from: published rules, a classifier trained by us, and personal data
//! masked.
//!
//! Each published heuristic is one file, with its paper and its numbers for English and Chinese, and
//! one [`Step`]. [`rules`] finds them by name; [`Steps`] asks several in turn. The [`classifier`]
//! learns what the rules cannot say, and asks a [`Scorer`] that is handed in where it is unsure.

mod c4;
pub mod classifier;
mod decision;
mod fineweb;
mod gopher_quality;
mod gopher_repetition;
mod identity;
mod lines;
mod personal;
mod words;

pub use c4::C4;
pub use decision::{Decision, Scorer};
pub use fineweb::FineWeb;
pub use gopher_quality::GopherQuality;
pub use gopher_repetition::GopherRepetition;
pub use personal::{Kind, Masked, Personal};
pub(crate) use words::{JIEBA, is_han};
pub use words::{Language, Segmenter, Word};

use std::sync::Arc;

use crate::{Dropped, Error, Record, Step};

/// The names of all rules, in the order in which papers apply them.
pub const RULES: [&str; 4] = ["gopher_repetition", "gopher_quality", "c4", "fineweb"];

/// The rules of those names, in their order.
///
/// # Errors
/// Where a name is none of [`RULES`].
pub fn rules(names: &[String], segmenter: &Arc<Segmenter>) -> Result<Vec<Box<dyn Step>>, Error> {
    let rule = |name: &String| -> Result<Box<dyn Step>, Error> {
        let segmenter = Arc::clone(segmenter);
        match name.as_str() {
            "gopher_quality" => Ok(Box::new(GopherQuality::new(segmenter))),
            "gopher_repetition" => Ok(Box::new(GopherRepetition::new(segmenter))),
            "c4" => Ok(Box::new(C4::new(segmenter))),
            "fineweb" => Ok(Box::new(FineWeb::new(segmenter))),
            _ => Err(Error::Unknown { what: "rule", name: name.clone(), known: RULES.join(", ") }),
        }
    };
    names.iter().map(rule).collect()
}

/// Steps in a row, as one: the first that drops a record names the reason.
pub struct Steps(pub Vec<Box<dyn Step>>);

impl Step for Steps {
    fn name(&self) -> &str {
        "filter"
    }

    fn apply(&self, record: Record) -> Result<Record, Box<Dropped>> {
        self.0.iter().try_fold(record, |record, step| step.apply(record))
    }
}
