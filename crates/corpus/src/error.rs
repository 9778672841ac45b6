//! What can be wrong with what a corpus is made from.

use std::path::PathBuf;

/// Why a step could not run. A single bad record is never one of these: it is dropped, with its
/// reason, and the run goes on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Records could not be read from, or written to, a stream.
    #[error("{stream}: {source}")]
    Stream {
        /// Which stream: `standard input`, `standard output`.
        stream: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is no model of a filter.
    #[error("{}: no model of a filter: {problem}", path.display())]
    FilterModel {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file of words and their synonyms could not be understood.
    #[error("{}, line {line}: expected {expected}", path.display())]
    Synonyms {
        /// Which file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
}
