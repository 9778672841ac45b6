//! De-duplication as a filter on JSON lines.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};

use rayon::prelude::*;
use serde_json::Value;

use super::entry::Entry;
use super::store::Store;
use super::within::without_repeats;
use crate::lines::{self, Counts};
use crate::{Dropped, Error, Record};

/// The fields that the filter adds.
const CLUSTER: &str = "cluster";
const DUPLICATE_OF: &str = "duplicate_of";

/// What the filter does with what it finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether only the first record of a cluster is given on.
    pub drop: bool,
    /// Whether lines that a text repeats are cut before it is compared with others.
    pub within: bool,
}

/// Sends the records of `input` through `store`, and on to `kept` with the fields `cluster`, the
/// number of the first record of their cluster, and, where that is another record, `duplicate_of`,
/// its id or, if it has none, its number.
///
/// Sketches of a batch of lines are made while those of the batch before are inserted, one after
/// the other, so the answers are those of inserting every record by itself. A cluster is known when
/// the last record is, so records wait in a file without a name, and memory holds no more than the
/// index and two batches of lines.
///
/// # Errors
/// Where a stream or the store cannot be read or written; never for what stands in a line.
pub fn run(
    store: &mut Store,
    options: Options,
    mut input: impl BufRead,
    mut kept: impl Write,
    mut dropped: impl Write,
) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    let n_before = store.index().len() as u32;
    let mut waiting = BufWriter::new(tempfile::tempfile().map_err(waited)?);
    let mut batch_before = Vec::new();
    lines::each_batch(&mut input, |outcomes| {
        let batch = std::mem::take(&mut batch_before);
        let (sketched, inserted) =
            rayon::join(|| sketch(outcomes, options.within), || insert(batch, store, &mut waiting));
        inserted?;
        for outcome in sketched {
            match outcome {
                Ok(sketched) => batch_before.push(sketched),
                Err(drop) => {
                    counts.n_unreadable += 1;
                    lines::write_dropped(&mut dropped, drop)?;
                }
            }
        }
        Ok(())
    })?;
    insert(batch_before, store, &mut waiting)?;
    store.sync()?;
    let mut waiting = waiting.into_inner().map_err(|error| waited(error.into_error()))?;
    waiting.seek(SeekFrom::Start(0)).map_err(waited)?;
    let mut waiting = BufReader::new(waiting);
    let mut line = Vec::new();
    for number in n_before..store.index().len() as u32 {
        line.clear();
        waiting.read_until(b'\n', &mut line).map_err(waited)?;
        if options.drop && store.index().cluster(number) != number {
            counts.n_dropped += 1;
            lines::write_dropped(&mut dropped, dropped_as_duplicate(&line, number, store)?)?;
        } else {
            counts.n_kept += 1;
            write_named(&mut kept, &line, number, store).map_err(lines::written)?;
        }
    }
    lines::flush(&mut kept)?;
    lines::flush(&mut dropped)?;
    Ok(counts)
}

/// A record on its way into the index, and its line on its way out.
struct Sketched {
    entry: Entry,
    id: String,
    line: Vec<u8>,
}

/// What the index keeps of each record, on all cores.
fn sketch(
    outcomes: Vec<Result<Record, Box<Dropped>>>,
    within: bool,
) -> Vec<Result<Sketched, Box<Dropped>>> {
    outcomes
        .into_par_iter()
        .map(|outcome| {
            let mut record = if within { cut(outcome?) } else { outcome? };
            record.other.remove(CLUSTER);
            record.other.remove(DUPLICATE_OF);
            let mut line = Vec::new();
            lines::write_kept(&mut line, &record).expect("memory takes whatever is written");
            Ok(Sketched { entry: Entry::of(&record.text), id: record.id, line })
        })
        .collect()
}

fn insert(
    batch: Vec<Sketched>,
    store: &mut Store,
    waiting: &mut BufWriter<File>,
) -> Result<(), Error> {
    for Sketched { entry, id, line } in batch {
        store.insert(&entry, &id);
        waiting.write_all(&line).map_err(waited)?;
    }
    Ok(())
}

fn waited(source: std::io::Error) -> Error {
    Error::Stream { stream: "the file in which records wait", source }
}

/// The record without the lines that it repeats, and their share where there are any.
fn cut(mut record: Record) -> Record {
    let (text, share) = without_repeats(&record.text);
    if share > 0.0 {
        record.text = text;
        record.other.insert("repeated".to_owned(), share.into());
    }
    record
}

/// Writes the `line` of a record, a JSON object with one field or more, with its cluster.
fn write_named(
    output: &mut impl Write,
    line: &[u8],
    number: u32,
    store: &Store,
) -> std::io::Result<()> {
    let open = line.strip_suffix(b"}\n").expect("it was written here");
    output.write_all(open)?;
    let first = store.index().cluster(number);
    write!(output, ",\"{CLUSTER}\":{first}")?;
    if first != number {
        write!(output, ",\"{DUPLICATE_OF}\":{}", name(store, first))?;
    }
    output.write_all(b"}\n")
}

/// The record of a `line` that is not the first of its cluster.
fn dropped_as_duplicate(line: &[u8], number: u32, store: &Store) -> Result<Box<Dropped>, Error> {
    let mut record: Record =
        serde_json::from_slice(line).map_err(|error| waited(std::io::Error::from(error)))?;
    let first = store.index().cluster(number);
    record.other.insert(CLUSTER.to_owned(), first.into());
    record.other.insert(DUPLICATE_OF.to_owned(), name(store, first));
    let reason = match store.index().is_copy(first, number) {
        true => "exact duplicate",
        false => "near duplicate",
    };
    Ok(Dropped::by("dedup", record, reason))
}

/// The id of a record or, if it has none, its number.
#[must_use]
pub fn name(store: &Store, number: u32) -> Value {
    match store.id(number) {
        "" => number.into(),
        id => id.into(),
    }
}
