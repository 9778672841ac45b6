//! Rows of Parquet files, a batch at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::RecordBatch;
use datafusion::parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use super::at;
use crate::{Error, error};

/// Rows read at once.
const BATCH_ROWS: usize = 1024;

/// The rows of a table, in order.
pub struct Batches {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
}

/// Opens a table that this program wrote.
///
/// # Errors
/// Where it cannot be read.
pub fn open(path: &Path) -> Result<Batches, Error> {
    let file = File::open(path).map_err(error::at(path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(at(path))?;
    let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(at(path))?;
    Ok(Batches { path: path.to_owned(), reader })
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.reader.next()?;
        Some(
            rows.map_err(|error| Error::Table {
                path: self.path.clone(),
                problem: error.to_string(),
            }),
        )
    }
}
