//! What a run made, in numbers: sums over its tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, Int64Array, RecordBatch, UInt32Array};
use datafusion::arrow::datatypes::{DataType, Int64Type, UInt32Type, UInt64Type};
use serde::{Deserialize, Serialize};

use super::relations::Relations;
use crate::Error;
use crate::pack::{Epochs, Report};

/// Everything that the data card tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What is left, by source, licence and language.
    pub left: Vec<Left>,
    /// What was dropped, by source, step and reason; what was dropped most comes first.
    pub dropped: Vec<DroppedRow>,
    /// How many texts have 2ᵏ to 2ᵏ⁺¹ − 1 bytes, by k.
    pub lengths: BTreeMap<u32, i64>,
    /// How often the texts of each source are learned from, where they are packed.
    pub epochs: BTreeMap<String, Epochs>,
    /// The shards to learn from.
    pub train: Option<Report>,
    /// The shards to measure on.
    pub validation: Option<Report>,
}

/// What is left of a source, under one licence, in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The source's name.
    pub source: String,
    /// As records or the recipe state it.
    pub licence: Option<String>,
    /// ISO 639-1.
    pub lang: Option<String>,
    /// How many records.
    pub n_records: i64,
    /// Bytes of their texts.
    pub n_bytes: u64,
    /// Their tokens, each text once.
    pub n_tokens: u64,
}

/// What was dropped of a source for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedRow {
    /// The source's name.
    pub source: String,
    /// The step that dropped it.
    pub step: String,
    /// Why.
    pub reason: String,
    /// How many records.
    pub n_records: i64,
}

impl Summary {
    /// Sums over the tables `texts` and `dropped`.
    pub(super) fn of(relations: &Relations) -> Result<Self, Error> {
        let mut summary = Summary::default();
        relations.rows(
            "what is left",
            "SELECT source, licence, lang, count(*),
                    sum(CAST(n_bytes AS BIGINT UNSIGNED)), sum(CAST(n_tokens AS BIGINT UNSIGNED))
             FROM texts GROUP BY source, licence, lang
             ORDER BY source, licence NULLS LAST, lang NULLS LAST",
            |rows| {
                let [n_bytes, n_tokens] =
                    [4, 5].map(|column| rows.column(column).as_primitive::<UInt64Type>());
                summary.left.extend((0..rows.num_rows()).map(|row| Left {
                    source: text(&rows, 0, row).unwrap_or_default(),
                    licence: text(&rows, 1, row),
                    lang: text(&rows, 2, row),
                    n_records: count(&rows, 3).value(row),
                    n_bytes: n_bytes.value(row),
                    n_tokens: n_tokens.value(row),
                }));
                Ok(())
            },
        )?;
        relations.rows(
            "what was dropped",
            "SELECT source, dropped_by, reason, count(*) AS n FROM dropped
             GROUP BY source, dropped_by, reason ORDER BY n DESC, source, dropped_by, reason",
            |rows| {
                summary.dropped.extend((0..rows.num_rows()).map(|row| DroppedRow {
                    source: text(&rows, 0, row).unwrap_or_default(),
                    step: text(&rows, 1, row).unwrap_or_default(),
                    reason: text(&rows, 2, row).unwrap_or_default(),
                    n_records: count(&rows, 3).value(row),
                }));
                Ok(())
            },
        )?;
        relations.function(
            "magnitude",
            vec![DataType::UInt32],
            DataType::UInt32,
            Arc::new(|columns| {
                let lengths = columns[0].as_primitive::<UInt32Type>().values().iter();
                let magnitudes = lengths.map(|&length| length.max(1).ilog2());
                Ok(Arc::new(UInt32Array::from_iter_values(magnitudes)))
            }),
        );
        relations.rows(
            "the lengths of texts",
            "SELECT magnitude(n_bytes) AS k, count(*) FROM texts GROUP BY k ORDER BY k",
            |rows| {
                let magnitudes = rows.column(0).as_primitive::<UInt32Type>().values().iter();
                let counts = count(&rows, 1).values().iter();
                summary.lengths.extend(magnitudes.copied().zip(counts.copied()));
                Ok(())
            },
        )?;
        Ok(summary)
    }

    /// How many records are left.
    #[must_use]
    pub fn n_left(&self) -> i64 {
        self.left.iter().map(|row| row.n_records).sum()
    }

    /// How many records were dropped.
    #[must_use]
    pub fn n_dropped(&self) -> i64 {
        self.dropped.iter().map(|row| row.n_records).sum()
    }
}

fn text(rows: &RecordBatch, column: usize, row: usize) -> Option<String> {
    let texts = rows.column(column).as_string::<i32>();
    (!texts.is_null(row)).then(|| texts.value(row).to_owned())
}

fn count(rows: &RecordBatch, column: usize) -> &Int64Array {
    rows.column(column).as_primitive::<Int64Type>()
}
