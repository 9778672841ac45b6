//! Packing as a filter on JSON lines.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use rayon::prelude::*;

use super::duplicates::list_column;
use super::keep::constant;
use super::relations::Relations;
use super::shuffle;
use crate::lines::{self, Counts};
use crate::pack::{Encoder, Report, ShardWriter, Tokens};
use crate::table::{Columns, TableWriter, batch};
use crate::{Dropped, Error, Record};

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
    mut input: impl BufRead,
    mut kept: impl Write,
    mut dropped: impl Write,
) -> Result<(Counts, Report, Option<Report>), Error> {
    let at = |source| Error::File { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(at)?;
    let waiting = tempfile::Builder::new().prefix("waiting-").tempdir_in(folder).map_err(at)?;
    let texts = waiting.path().join("texts.parquet");
    let mut counts = Counts::default();
    let mut table = TableWriter::create(&texts, rows(0, &[]).schema())?;
    lines::each_batch(&mut input, |outcomes| {
        let encode = |outcome: Result<Record, Box<Dropped>>| {
            let mut record = outcome?;
            match encoder.encode(&record.text) {
                None => Err(Dropped::by("pack", record, "the tokenizer cannot say it")),
                Some(tokens) => {
                    record.other.insert("n_tokens".to_owned(), tokens.ids.len().into());
                    Ok((record, tokens))
                }
            }
        };
        let encoded: Vec<_> = outcomes.into_par_iter().map(encode).collect();
        let mut all = Vec::with_capacity(encoded.len());
        for outcome in encoded {
            match outcome {
                Ok((record, tokens)) => {
                    counts.n_kept += 1;
                    lines::write_kept(&mut kept, &record)?;
                    all.push(tokens);
                }
                Err(drop) => {
                    match drop.is_unreadable() {
                        true => counts.n_unreadable += 1,
                        false => counts.n_dropped += 1,
                    }
                    lines::write_dropped(&mut dropped, drop)?;
                }
            }
        }
        table.write(&rows(table.n_rows(), &all))
    })?;
    lines::flush(&mut kept)?;
    lines::flush(&mut dropped)?;
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
