//! Records to columns and back.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringArray, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde_json::{Map, Value};

use crate::Record;

/// A column beside those of the record itself.
pub type Column = (&'static str, ArrayRef);

/// Which of a record's columns a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// None: what stands beside is all there is.
    None,
    /// All but the page, which is no longer needed once its text is known.
    WithoutPage,
    /// All: what is dropped stays as it was found.
    All,
}

const TEXTS: [&str; 9] = ["id", "text", "url", "title", "date", "lang", "licence", "other", "html"];

impl Columns {
    fn names(self) -> &'static [&'static str] {
        match self {
            Columns::None => &[],
            Columns::WithoutPage => &TEXTS[..TEXTS.len() - 1],
            Columns::All => &TEXTS,
        }
    }
}

/// Records as a batch of rows: a column of text for each of their fields, `other` as JSON, and then
/// the columns of `beside`, one value a record.
#[must_use]
pub fn batch(records: &[Record], columns: Columns, beside: Vec<Column>) -> RecordBatch {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for &name in columns.names() {
        let mut builder = StringBuilder::new();
        records.iter().for_each(|record| builder.append_option(field(record, name)));
        fields.push(Field::new(name, DataType::Utf8, !matches!(name, "id" | "text")));
        arrays.push(Arc::new(builder.finish()));
    }
    for (name, array) in beside {
        fields.push(Field::new(name, array.data_type().clone(), false));
        arrays.push(array);
    }
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    RecordBatch::try_new(schema, arrays).expect("each column has a value a record")
}

/// A record's field as it lies in its column.
fn field<'r>(record: &'r Record, name: &str) -> Option<Cow<'r, str>> {
    let text = match name {
        "id" => Some(record.id.as_str()),
        "text" => Some(record.text.as_str()),
        "html" => record.html.as_deref(),
        "url" => record.url.as_deref(),
        "title" => record.title.as_deref(),
        "date" => record.date.as_deref(),
        "lang" => record.lang.as_deref(),
        "licence" => record.licence.as_deref(),
        _ if record.other.is_empty() => None,
        _ => {
            let json = serde_json::to_string(&record.other);
            return Some(json.expect("a map of names is JSON").into());
        }
    };
    text.map(Cow::Borrowed)
}

/// The records of a batch of rows that [`batch`] made. Columns that are none of a record's are left.
#[must_use]
pub fn records(batch: &RecordBatch) -> Vec<Record> {
    let mut records = vec![Record::default(); batch.num_rows()];
    for name in TEXTS {
        let column = batch.column_by_name(name);
        let Some(texts) = column.and_then(|column| column.as_any().downcast_ref::<StringArray>())
        else {
            continue;
        };
        for (record, text) in records.iter_mut().zip(texts) {
            if let Some(text) = text {
                set(record, name, text);
            }
        }
    }
    records
}

fn set(record: &mut Record, name: &str, text: &str) {
    let text = text.to_owned();
    match name {
        "id" => record.id = text,
        "text" => record.text = text,
        "html" => record.html = Some(text),
        "url" => record.url = Some(text),
        "title" => record.title = Some(text),
        "date" => record.date = Some(text),
        "lang" => record.lang = Some(text),
        "licence" => record.licence = Some(text),
        _ => record.other = serde_json::from_str::<Map<String, Value>>(&text).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::UInt64Array;

    use super::*;

    #[test]
    fn records_come_back_as_they_went() {
        let line = r#"{"id":"a","text":"深海","html":"<p>","url":"u","title":"t","date":"2020-01-02",
            "lang":"zh","licence":"MIT","n":[1,{"a":null}]}"#;
        let full: Record = serde_json::from_str(line).unwrap();
        let plain = Record { text: "b".to_owned(), ..Record::default() };
        let all = vec![full.clone(), plain.clone()];
        let numbers: ArrayRef = Arc::new(UInt64Array::from(vec![1, 2]));
        let rows = batch(&all, Columns::All, vec![("number", numbers)]);
        assert_eq!(records(&rows), all);
        assert_eq!(rows.schema().fields().last().unwrap().name(), "number");
        let rows = batch(&all, Columns::WithoutPage, vec![]);
        assert_eq!(records(&rows), [Record { html: None, ..full }, plain]);
    }
}
