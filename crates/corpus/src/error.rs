//! What can be wrong with what a corpus is made from.

use std::io;
use std::path::{Path, PathBuf};

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
        source: io::Error,
    },
    /// Records could not be read from, or written to, a stream.
    #[error("{stream}: {source}")]
    Stream {
        /// Which stream: `standard input`, `standard output`.
        stream: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file of a de-duplication index is not whole.
    #[error("{}: damaged at byte {offset}, where a whole record was expected; bring the file back from a copy", path.display())]
    DamagedIndex {
        /// Which file.
        path: PathBuf,
        /// Where the record begins that is not whole.
        offset: u64,
    },
    /// A file of a de-duplication index is missing.
    #[error("{}: named for another record than number {n_records}, which comes next; a file before it is missing", path.display())]
    MissingLog {
        /// The first file that does not follow.
        path: PathBuf,
        /// How many records the files before it hold.
        n_records: u64,
    },
    /// A file is not of a de-duplication index, or not of one that can be continued.
    #[error("{}: not a de-duplication index of version {version}", path.display())]
    NotAnIndex {
        /// Which file.
        path: PathBuf,
        /// The version that was expected.
        version: u32,
    },
    /// Another process has a de-duplication index open.
    #[error("{}: this index is open in another process", path.display())]
    IndexInUse {
        /// The index's folder.
        path: PathBuf,
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
    /// Operations look synonyms up, and there are none.
    #[error(
        "the operations synonym and insert look words up: give a folder of WordNet, a file of synonyms, or both"
    )]
    NoSynonyms,
    /// A recipe is not of its form, or asks for what cannot be.
    #[error("{}: {problem}", path.display())]
    Recipe {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A table, or a file of the run's, does not hold what it should.
    #[error("{}: {problem}", path.display())]
    Table {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A name is none of those there are.
    #[error("no {what} {name:?}; there are {known}")]
    Unknown {
        /// What was named: `rule`.
        what: &'static str,
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A folder has no tokenizer that can be read.
    #[error("{}: {source}", path.display())]
    Tokenizer {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        source: hadal_tokenizer::Error,
    },
    /// What is relational of a run could not be computed.
    #[error("{what}: {source}")]
    Relations {
        /// What was computed: `duplicates`.
        what: &'static str,
        /// What DataFusion said.
        source: Box<datafusion::error::DataFusionError>,
    },
    /// A run has more records than it can number.
    #[error("{n_records} records are more than the {most} that one run can compare")]
    TooManyRecords {
        /// How many there are.
        n_records: u64,
        /// How many there may be.
        most: u64,
    },
}

/// Says of which file the system complained.
pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::File { path: path.to_owned(), source }
}
