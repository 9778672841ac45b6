//! Parquet: each row a record, its columns the record's fields.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Row;
use serde_json::Value;

use super::{Emit, Outcome, id, unreadable};
use crate::{Error, Record};

pub(super) fn read(name: &str, file: File, emit: &mut Emit<'_>) -> Result<(), Error> {
    let corrupt = || unreadable(name.to_owned(), b"", "corrupt Parquet");
    // The reader checks less than it should of what files say of themselves, and panics instead.
    let opened = catch_unwind(|| SerializedFileReader::new(file));
    let Ok(Ok(reader)) = opened else {
        return emit(corrupt());
    };
    let opened = catch_unwind(AssertUnwindSafe(|| reader.get_row_iter(None)));
    let Ok(Ok(mut rows)) = opened else {
        return emit(corrupt());
    };
    let mut number = 0;
    loop {
        match catch_unwind(AssertUnwindSafe(|| rows.next())) {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(row))) => emit(record(id(name, number), &row))?,
            Ok(Some(Err(_))) | Err(_) => return emit(corrupt()),
        }
        number += 1;
    }
}

fn record(id: String, row: &Row) -> Outcome {
    let mut value = row.to_json_value();
    if let Value::Object(fields) = &mut value {
        // A column without a value is a field that is not there.
        fields.retain(|_, value| !value.is_null());
    }
    match serde_json::from_value::<Record>(value) {
        Ok(mut record) => {
            if record.id.is_empty() {
                record.id = id;
            }
            Ok(record)
        }
        Err(_) => unreadable(id, b"", "row is not a record"),
    }
}
