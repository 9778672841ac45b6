//! Records as tables: Parquet files, a column a field, written aside and hashed as they are written.

mod columns;
mod file;
mod reader;

pub use columns::{Column, Columns, batch, records};
pub(crate) use file::hex;
pub use file::{Output, TableWriter, written_aside};
pub use reader::{Batches, open};

use std::path::Path;

use datafusion::parquet::errors::ParquetError;

use crate::Error;

/// What is wrong with a table, and which.
pub(crate) fn at(path: &Path) -> impl Fn(ParquetError) -> Error {
    let path = path.to_owned();
    move |error| match error {
        ParquetError::External(source) if source.is::<std::io::Error>() => Error::File {
            path: path.clone(),
            source: *source.downcast().expect("it was looked at"),
        },
        error => Error::Table { path: path.clone(), problem: error.to_string() },
    }
}
