//! Raw pages and files to a corpus worth learning from: read, keep, write.
//!
//! This crate must never know tensors or models; whoever has a model hands in what it scores.
//!
//! One type flows through: the [`Record`], a document and what is known of it. A [`Step`] takes a
//! record and gives it on, changed or not, or drops it with its reason; what is dropped is kept
//! elsewhere. Every step also stands alone as a filter on JSON lines, by [`lines`].

#![forbid(unsafe_code)]

pub mod augment;
pub mod dedup;
mod error;
pub mod extract;
pub mod filter;
pub mod lines;
pub mod normalise;
pub mod pack;
pub mod read;
mod record;
pub mod run;
pub mod spoken;
mod step;
pub mod table;

pub use error::Error;
pub use record::Record;
pub use step::{Dropped, Step};
