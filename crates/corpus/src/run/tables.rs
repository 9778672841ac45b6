//! The two tables that a task writes of a unit: what it gives on, and what it drops.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, ListBuilder, RecordBatch, StringArray, UInt32Array,
};
use datafusion::arrow::datatypes::UInt32Type;
use serde_json::{Value, json};

use super::watch::{Event, Tally, Watch};
use crate::table::{Columns, Output, TableWriter, batch};
use crate::{Dropped, Error, Record};

/// The rows of what is given on, the first of which has this number.
type Rows<'a, T> = dyn Fn(u64, Vec<T>) -> RecordBatch + Sync + 'a;

/// The tables as they grow.
pub(super) struct Tables<'a, T> {
    first: u64,
    source: &'a str,
    rows: &'a Rows<'a, T>,
    kept: TableWriter,
    dropped: TableWriter,
    tally: Tally,
}

/// The tables as they were written.
pub(super) struct Written {
    /// What was given on.
    pub(super) kept: Output,
    /// What was dropped.
    pub(super) dropped: Output,
    /// How many, as the manifest has it.
    pub(super) counts: Value,
}

impl<'a, T> Tables<'a, T> {
    /// Begins two files of a unit of `source`.
    pub(super) fn create(
        unit: usize,
        source: &'a str,
        (kept, dropped): (&Path, &Path),
        rows: &'a Rows<'a, T>,
    ) -> Result<Self, Error> {
        let first = (unit as u64) << 32;
        Ok(Self {
            first,
            source,
            rows,
            kept: TableWriter::create(kept, rows(first, Vec::new()).schema())?,
            dropped: TableWriter::create(dropped, dropped_rows(source, Vec::new()).schema())?,
            tally: Tally::default(),
        })
    }

    /// Adds what became of some records, each given on as none or several, and tells of all so far.
    pub(super) fn write<G: IntoIterator<Item = T>>(
        &mut self,
        outcomes: Vec<Result<G, Box<Dropped>>>,
        watch: &mut Watch<'_>,
    ) -> Result<(), Error> {
        let (mut given, mut dropped) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Ok(records) => given.extend(records),
                Err(drop) => dropped.push(*drop),
            }
        }
        self.tally.n_kept += given.len() as u64;
        for drop in &dropped {
            *self.tally.dropped.entry(drop.step.clone()).or_default() += 1;
        }
        watch(Event::Counted(&self.tally));
        self.kept.write(&(self.rows)(self.first + self.kept.n_rows(), given))?;
        self.dropped.write(&dropped_rows(self.source, dropped))
    }

    /// Ends both files.
    pub(super) fn finish(self) -> Result<Written, Error> {
        let Tally { n_kept, dropped } = self.tally;
        let counts = json!({ "n_kept": n_kept, "dropped": dropped });
        Ok(Written { kept: self.kept.finish()?, dropped: self.dropped.finish()?, counts })
    }
}

/// A column of the same text.
pub(super) fn constant(text: &str, n: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, n)))
}

/// A column of lists of numbers.
pub(super) fn list_column<'a>(lists: impl Iterator<Item = &'a [u32]>) -> ArrayRef {
    let mut column = ListBuilder::new(UInt32Array::builder(0));
    for numbers in lists {
        column.values().append_slice(numbers);
        column.append(true);
    }
    Arc::new(column.finish())
}

/// The lists of a column of lists of numbers.
pub(super) fn lists(column: &ArrayRef) -> impl Iterator<Item = &[u32]> {
    let lists = column.as_list::<i32>();
    let values = lists.values().as_primitive::<UInt32Type>().values();
    let offsets = lists.value_offsets();
    offsets.windows(2).map(|ends| &values[ends[0] as usize..ends[1] as usize])
}

/// Rows of what is dropped, with the step and the reason.
fn dropped_rows(source: &str, dropped: Vec<Dropped>) -> RecordBatch {
    let step = StringArray::from_iter_values(dropped.iter().map(|dropped| &dropped.step));
    let reason = StringArray::from_iter_values(dropped.iter().map(|dropped| &dropped.reason));
    let records: Vec<Record> = dropped.into_iter().map(|dropped| dropped.record).collect();
    batch(
        &records,
        Columns::All,
        vec![
            ("source", constant(source, records.len())),
            ("dropped_by", Arc::new(step)),
            ("reason", Arc::new(reason)),
        ],
    )
}
