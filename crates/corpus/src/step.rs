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
