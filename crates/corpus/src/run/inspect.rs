//! What a run kept and what it dropped, a few of each, drawn by chance.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, RecordBatch, UInt64Array};
use datafusion::arrow::datatypes::DataType;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::manifest::entries;
use super::relations::Relations;
use super::{DROPPED, SPILL, TEXTS};
use crate::table::records;
use crate::{Dropped, Error, Record};

/// Which records are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// How many of each.
    pub n: usize,
    /// What chance is drawn from.
    pub seed: u64,
    /// Those of one source alone.
    pub source: Option<String>,
    /// Of the dropped, those that one step dropped alone.
    pub step: Option<String>,
    /// Of the dropped, those whose reason contains this alone.
    pub reason: Option<String>,
}

/// Records of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// Some that were kept.
    pub kept: Vec<Record>,
    /// Some that were dropped.
    pub dropped: Vec<Dropped>,
}

/// Draws records from the tables of the run in `folder`.
///
/// # Errors
/// Where there is no whole run, or a table cannot be read.
pub fn inspect(folder: &Path, wanted: &Wanted) -> Result<Samples, Error> {
    const MEMORY_BYTES: usize = 1 << 30;
    let entries = entries(folder)?;
    let files = |within: &str| -> Vec<String> {
        let names = entries.iter().flat_map(|entry| entry.files.keys());
        let asked = names.filter(|name| name.starts_with(&format!("{within}/")));
        asked.map(|name| folder.join(name).display().to_string()).collect()
    };
    let relations = Relations::new(MEMORY_BYTES, &folder.join(SPILL))?;
    let seed = wanted.seed;
    relations.function(
        "chance",
        vec![DataType::Utf8],
        DataType::UInt64,
        Arc::new(move |columns| {
            let ids = columns[0].as_string::<i32>().iter();
            let chances = ids.map(|id| xxh3_64_with_seed(id.unwrap_or("").as_bytes(), seed));
            Ok(Arc::new(UInt64Array::from_iter_values(chances)))
        }),
    );
    relations.table("texts", &files(TEXTS))?;
    relations.table("dropped", &files(DROPPED))?;
    let of_source = wanted.source.as_ref().map(|name| format!("source = {}", quoted(name)));
    let of_step = wanted.step.as_ref().map(|step| format!("dropped_by = {}", quoted(step)));
    let of_reason =
        wanted.reason.as_ref().map(|part| format!("strpos(reason, {}) > 0", quoted(part)));
    let mut samples = Samples::default();
    draw(&relations, "texts", std::slice::from_ref(&of_source), wanted.n, |rows| {
        samples.kept.extend(records(rows));
    })?;
    draw(&relations, "dropped", &[of_source, of_step, of_reason], wanted.n, |rows| {
        let text = |column: &str, row: usize| {
            let column = rows.column_by_name(column).expect("dropped rows have their reasons");
            column.as_string::<i32>().value(row).to_owned()
        };
        samples.dropped.extend(records(rows).into_iter().enumerate().map(|(row, record)| {
            Dropped { record, step: text("dropped_by", row), reason: text("reason", row) }
        }));
    })?;
    Ok(samples)
}

fn draw(
    relations: &Relations,
    table: &'static str,
    conditions: &[Option<String>],
    n: usize,
    mut take: impl FnMut(&RecordBatch),
) -> Result<(), Error> {
    let conditions: Vec<&str> = conditions.iter().flatten().map(String::as_str).collect();
    let conditions = match conditions.is_empty() {
        true => "TRUE".to_owned(),
        false => conditions.join(" AND "),
    };
    let sql = format!("SELECT * FROM {table} WHERE {conditions} ORDER BY chance(id), id LIMIT {n}");
    relations.rows(table, &sql, |rows| {
        take(&rows);
        Ok(())
    })
}

/// A text as SQL writes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
