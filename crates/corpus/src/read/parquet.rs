//! Parquet files: a record a row, its columns by their names.

use std::panic::{AssertUnwindSafe, catch_unwind};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::LineDelimitedWriter;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use datafusion::parquet::file::reader::ChunkReader;

use super::packed::{OUT_OF_PROPORTION, allowed};
use super::{Emit, LONGEST, id, unreadable};
use crate::{Error, Record};

/// Rows held at once: few, as each may be a long text.
const BATCH_ROWS: usize = 128;

/// Reads what `input` opens, once for each group of rows. One that is broken is dropped, and reading
/// goes on with the next.
pub(super) fn read<R: ChunkReader + 'static>(
    name: &str,
    input: &dyn Fn() -> Option<R>,
    emit: &mut Emit<'_>,
) -> Result<(), Error> {
    let corrupt = |at: String| unreadable(at, b"", "corrupt Parquet");
    let metadata = guarded(|| ArrowReaderMetadata::load(&input()?, ArrowReaderOptions::new()).ok());
    let Some(metadata) = metadata else { return emit(corrupt(name.to_owned())) };
    let mut number = 0;
    for (group, about) in metadata.metadata().row_groups().iter().enumerate() {
        // Lengths that are negative are none.
        let [n_packed, n_unpacked] = [about.compressed_size(), about.total_byte_size()]
            .map(|length| u64::try_from(length).unwrap_or(0));
        if n_unpacked > allowed(n_packed) {
            emit(unreadable(id(name, number), b"", OUT_OF_PROPORTION))?;
        } else {
            let rows = guarded(|| open(input()?, &metadata, group).ok());
            let is_whole = match rows {
                Some(rows) => read_rows(name, rows, &mut number, emit)?,
                None => false,
            };
            if !is_whole {
                emit(corrupt(id(name, number)))?;
            }
        }
        number = number.max(n_rows_through(&metadata, group));
    }
    Ok(())
}

/// Rows in the groups up to `group`, so that rows behind a broken group keep their numbers.
fn n_rows_through(metadata: &ArrowReaderMetadata, group: usize) -> u64 {
    let groups = &metadata.metadata().row_groups()[..=group];
    groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum()
}

fn open(
    input: impl ChunkReader + 'static,
    metadata: &ArrowReaderMetadata,
    group: usize,
) -> Result<ParquetRecordBatchReader, datafusion::parquet::errors::ParquetError> {
    ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata.clone())
        .with_row_groups(vec![group])
        .with_batch_size(BATCH_ROWS)
        .build()
}

/// Gives on the rows of a group; whether all could be read.
fn read_rows(
    name: &str,
    mut rows: ParquetRecordBatchReader,
    number: &mut u64,
    emit: &mut Emit<'_>,
) -> Result<bool, Error> {
    loop {
        let next = guarded(|| match rows.next() {
            None => Some(None),
            Some(batch) => Some(Some(json_lines(&batch.ok()?).ok()?)),
        });
        let Some(next) = next else { return Ok(false) };
        let Some(lines) = next else { return Ok(true) };
        for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let at = id(name, *number);
            *number += 1;
            emit(match serde_json::from_slice::<Record>(line) {
                Ok(_) if line.len() > LONGEST => {
                    unreadable(at, line, "document longer than 64 MiB")
                }
                Ok(record) if record.id.is_empty() => Ok(Record { id: at, ..record }),
                Ok(record) => Ok(record),
                Err(_) => unreadable(at, line, "row is not a record: no column `text` of strings"),
            })?;
        }
    }
}

fn json_lines(rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(rows)?;
    writer.finish()?;
    Ok(writer.into_inner())
}

/// What `read` gives, or nothing where it panics: the library asserts what a whole file holds.
fn guarded<T>(read: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}
