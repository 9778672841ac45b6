//! Files of any kind to records: read, name, give on.
//!
//! A source gives its records one at a time, and holds no more than one. What cannot be read becomes
//! a dropped record with its reason, and the run goes on. A record that has no id gets the name of
//! its file and its number in it, `crawl.warc.gz#12`, and within an archive `all.zip/a.jsonl#3`.

mod archive;
mod documents;
pub mod encoding;
mod http;
mod packed;
mod parquet;
mod source;
mod warc;

pub(crate) use source::in_order;
pub use source::{read, read_stream};

use crate::{Dropped, Error, Record};

/// A record, or what could not be one.
pub type Outcome = Result<Record, Box<Dropped>>;

/// Takes what a source gives; an error ends the run.
pub type Emit<'a> = dyn FnMut(Outcome) -> Result<(), Error> + 'a;

/// The longest document, record or line held, in bytes.
pub const LONGEST: usize = 64 << 20;

/// What is given on of a place that could not be read: its name, its beginning and the reason.
fn unreadable(id: String, beginning: &[u8], reason: &str) -> Outcome {
    Err(Dropped::unreadable(id, beginning, reason))
}

/// Names one record of a source.
fn id(name: &str, number: u64) -> String {
    format!("{name}#{number}")
}
