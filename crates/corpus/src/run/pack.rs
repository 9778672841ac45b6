//! Packing as a filter on JSON lines.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};

use super::relations::Relations;
use super::shuffle;
use super::tables::{constant, list_column};
use crate::error::at;
use crate::lines::{self, Counts};
use crate::pack::{Encoder, Report, ShardWriter, Tokens};
use crate::table::{Columns, TableWriter, batch};
use crate::{Error, Record};

/// How a stream of records is packed.
#[derive(Debug, Clone)]
pub struct PackOptions {
    /// What chance is drawn from.
    pub seed: u64,
    /// The share of the documents that is kept apart to measure on.
    pub validation: f64,
    /// Tokens after which a shard is closed.
    pub shard_tokens: usize,
    /// Memory for shuffling, in bytes; what does not fit waits on disk.
    pub memory_bytes: usize,
}

/// Sends the records of `input` to `kept` with the field `n_tokens`, and writes their tokens,
/// shuffled, into the folders `train` and, where a share is kept apart, `validation` of `folder`.
///
/// # Errors
/// Where a stream or a file cannot be read or written; never for what stands in a line.
pub fn pack(
    encoder: &Encoder,
    options: &PackOptions,
    folder: &Path,
    input: impl BufRead,
    mut kept: impl Write,
    dropped: impl Write,
) -> Result<(Counts, Report, Option<Report>), Error> {
    std::fs::create_dir_all(folder).map_err(at(folder))?;
    let waiting = tempfile::Builder::new().prefix("waiting-").tempdir_in(folder);
    let waiting = waiting.map_err(at(folder))?;
    let texts = waiting.path().join("texts.parquet");
    let mut table = TableWriter::create(&texts, rows(0, &[]).schema())?;
    let encode = |mut record: Record| {
        let Some(tokens) = encoder.encode(&record.text) else {
            return Err(encoder.cannot_say(record));
        };
        record.other.insert("n_tokens".to_owned(), tokens.ids.len().into());
        Ok((record, tokens))
    };
    let counts = lines::sort(&encode, input, dropped, |encoded| {
        let (records, tokens): (Vec<Record>, Vec<Tokens>) = encoded.into_iter().unzip();
        records.iter().try_for_each(|record| lines::write_kept(&mut kept, record))?;
        table.write(&rows(table.n_rows(), &tokens))
    })?;
    lines::flush(&mut kept)?;
    table.finish()?;
    let relations = Relations::new(options.memory_bytes, waiting.path())?;
    relations.table("texts", &[texts.display().to_string()])?;
    let (train, validation) = shards(&relations, encoder, options, folder)?;
    Ok((counts, train, validation))
}

fn shards(
    relations: &Relations,
    encoder: &Encoder,
    options: &PackOptions,
    folder: &Path,
) -> Result<(Report, Option<Report>), Error> {
    let &PackOptions { seed, validation, shard_tokens, .. } = options;
    let writer = |name| ShardWriter::create(&folder.join(name), shard_tokens, encoder.sha256());
    let epochs = [(STREAM.to_owned(), 1.0)].into();
    shuffle::register(relations, seed, validation);
    let (train, _) = shuffle::train(relations, seed, epochs, writer("train")?)?;
    if validation == 0.0 {
        return Ok((train, None));
    }
    let (validation, _) = shuffle::validation(relations, writer("validation")?)?;
    Ok((train, Some(validation)))
}

/// The source of all records of a stream.
const STREAM: &str = "stream";

fn rows(first: u64, texts: &[Tokens]) -> RecordBatch {
    let numbers = || Arc::new(UInt64Array::from_iter_values(first..first + texts.len() as u64));
    let n_bytes = UInt32Array::from_iter_values(texts.iter().map(|text| text.n_bytes));
    let copy = UInt32Array::from_iter_values(std::iter::repeat_n(0, texts.len()));
    batch(
        &[],
        Columns::None,
        vec![
            ("source", constant(STREAM, texts.len())),
            ("number", numbers() as ArrayRef),
            ("origin", numbers()),
            ("copy", Arc::new(copy)),
            ("n_bytes", Arc::new(n_bytes)),
            ("tokens", list_column(texts.iter().map(|text| text.ids.as_slice()))),
        ],
    )
}
