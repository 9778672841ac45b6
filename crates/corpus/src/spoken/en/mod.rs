//! English.

mod tables;
mod to_spoken;
mod to_written;

pub(super) use to_spoken::to_spoken;
pub(super) use to_written::to_written;
