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
}
