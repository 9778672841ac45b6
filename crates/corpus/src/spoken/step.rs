//! Rewriting as a step of the pipeline.

use super::{Lang, Options, rewrite};
use crate::{Dropped, Record, Step};

/// Rewrites a record's text, in the record's language, or that of the options where it names none.
#[derive(Debug, Clone, Copy)]
pub struct Spoken {
    /// How, and in which language where a record names none.
    pub options: Options,
}

impl Step for Spoken {
    fn name(&self) -> &str {
        "spoken"
    }

    fn apply(&self, mut record: Record) -> Result<Record, Box<Dropped>> {
        let lang = match record.lang.as_deref() {
            Some(code) => Lang::from_code(code),
            None => Some(self.options.lang),
        };
        // A text in a language without rules stays as it is.
        if let Some(lang) = lang {
            record.text = rewrite(&record.text, &Options { lang, ..self.options });
        }
        Ok(record)
    }
}
