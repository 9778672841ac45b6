//! What a run tells of itself while it goes on.

use std::collections::BTreeMap;

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A stage begins, over so many bytes of files.
    Begun {
        /// Its name, as a verb: `read`.
        stage: &'static str,
        /// What there is to do, in bytes.
        n_bytes: u64,
    },
    /// So many bytes more are done; `was_done` where an earlier run has done them.
    Advanced {
        /// How many.
        n_bytes: u64,
        /// Whether nothing had to be done.
        was_done: bool,
    },
    /// What has become of the records of this stage so far.
    Counted(&'a Tally),
}

/// Takes what happens.
pub type Watch<'a> = dyn FnMut(Event<'_>) + Send + 'a;

/// What became of records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were given on.
    pub n_kept: u64,
    /// How many were dropped, by the step that dropped them.
    pub dropped: BTreeMap<String, u64>,
}

impl Tally {
    /// How many were dropped.
    #[must_use]
    pub fn n_dropped(&self) -> u64 {
        self.dropped.values().sum()
    }
}
