//! What a step of the pipeline is.

use crate::Record;

/// A step looks at one record at a time and knows nothing of the others.
pub trait Step: Send + Sync {
    /// The step's name in recipes and reasons, e.g. `gopher_quality`.
    fn name(&self) -> &str;

    /// Gives the record on, changed or not, or says why it is dropped.
    ///
    /// # Errors
    /// The record itself, and the reason, where it is dropped.
    fn apply(&self, record: Record) -> Result<Record, Box<Dropped>>;
}

/// A record that a step did not give on.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    /// The record as the step found it.
    pub record: Record,
    /// The step that dropped it.
    pub step: String,
    /// Why, in words that are the same for every record dropped for that reason, so that they can
    /// be counted: `fewer than 50 words`.
    pub reason: String,
}

/// How much of what is no record is kept, in bytes.
pub(crate) const BEGINNING: usize = 1000;

impl Dropped {
    /// A record that `step` drops.
    pub(crate) fn by(step: &str, record: Record, reason: impl Into<String>) -> Box<Dropped> {
        Box::new(Dropped { record, step: step.to_owned(), reason: reason.into() })
    }

    /// What could not be read as a record: its name, where it has one, and its beginning as text.
    pub(crate) fn unreadable(id: String, bytes: &[u8], reason: &str) -> Box<Dropped> {
        let beginning = &bytes[..bytes.len().min(BEGINNING)];
        let text = String::from_utf8_lossy(beginning).trim_end().to_owned();
        Dropped::by(UNREADABLE, Record { id, text, ..Record::default() }, reason)
    }

    /// Whether it was no record to begin with.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.step == UNREADABLE
    }
}

/// The step named where something is no record.
const UNREADABLE: &str = "read";
