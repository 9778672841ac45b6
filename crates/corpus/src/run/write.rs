//! Write: what is left of a unit when the others are known, in one form, with its tokens.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array};
use datafusion::arrow::datatypes::UInt64Type;
use rayon::prelude::*;
use serde_json::Value;

use super::flow::{Take, flow};
use super::recipe::{self, Recipe};
use super::relations::Relations;
use super::tables::{Tables, Written, constant, list_column};
use super::watch::Watch;
use crate::augment::{Augmenter, Lexicon, Operation};
use crate::filter::Segmenter;
use crate::normalise::{Lang, Normalise, Unify, parse_reference};
use crate::pack::{Encoder, Tokens};
use crate::table::{Columns, batch, open, records};
use crate::{Dropped, Error, Record, Step};

/// What is done to a record that is left.
pub(super) struct Last {
    normalise: Option<(Unify, Normalise)>,
    augmenter: Option<Augmenter>,
    encoder: Option<Encoder>,
}

/// A text as it is written: its record, the number of the record it was made from, which copy of that
/// it is, and its tokens.
struct Text {
    record: Record,
    origin: u64,
    copy: u32,
    tokens: Tokens,
}

/// What is left of a duplicate.
struct Duplicate {
    is_copy: bool,
    of: String,
}

impl Last {
    /// What a recipe asks for.
    pub(super) fn new(recipe: &Recipe, segmenter: &Arc<Segmenter>) -> Result<Self, Error> {
        let normalise = recipe.normalise.as_ref().map(normalise).transpose()?;
        let augmenter = |config: &recipe::Augment| {
            let operations = Operation::named(&config.operations)?;
            let (wordnet, tab) = (config.wordnet.as_deref(), config.synonyms.as_deref());
            Ok::<_, Error>(Augmenter {
                lexicon: Lexicon::open(wordnet, tab, &operations, segmenter)?,
                operations,
                alpha: config.alpha,
                n_copies: config.copies,
                seed: recipe.seed,
                segmenter: Arc::clone(segmenter),
            })
        };
        let augmenter = recipe.augment.as_ref().map(augmenter).transpose()?;
        let encoder =
            recipe.pack.as_ref().map(|pack| Encoder::open(&pack.tokenizer)).transpose()?;
        Ok(Self { normalise, augmenter, encoder })
    }

    /// The tokenizer, where texts are packed.
    pub(super) fn encoder(&self) -> Option<&Encoder> {
        self.encoder.as_ref()
    }

    fn apply(&self, origin: u64, mut record: Record) -> Result<Vec<Text>, Box<Dropped>> {
        if let Some((unify, step)) = &self.normalise {
            if let (None, Some(date)) = (record.other.get("reference"), &record.date) {
                record.other.insert("reference".to_owned(), date.as_str().into());
            }
            record = step.apply(unify.apply(record)?)?;
        }
        let records = match &self.augmenter {
            Some(augmenter) => augmenter.augment(record),
            None => vec![record],
        };
        let written = |(copy, record): (u32, Record)| {
            let tokens = match &self.encoder {
                None => Tokens { ids: Vec::new(), n_bytes: record.text.len() as u32 },
                Some(encoder) => match encoder.encode(&record.text) {
                    Some(tokens) => tokens,
                    None => return Err(encoder.cannot_say(record)),
                },
            };
            Ok(Text { record, origin, copy, tokens })
        };
        (0..).zip(records).map(written).collect()
    }
}

fn normalise(config: &recipe::Normalise) -> Result<(Unify, Normalise), Error> {
    let unknown = |what, name: &String, known: &str| Error::Unknown {
        what,
        name: name.clone(),
        known: known.to_owned(),
    };
    let lang = Lang::from_code(&config.lang)
        .ok_or_else(|| unknown("rules for the language", &config.lang, "en, zh"))?;
    let known = "days and times such as 2024-01-31T12:00:00";
    let parse =
        |text: &String| parse_reference(text).ok_or_else(|| unknown("reference", text, known));
    let reference = config.reference.as_ref().map(parse).transpose()?;
    let unify = Unify { form: config.unicode, chinese: config.chinese };
    let &recipe::Normalise { half_width, places, .. } = config;
    Ok((unify, Normalise { lang, reference, half_width, places }))
}

/// Finds a unit's duplicates in the table of all.
fn duplicates(relations: &Relations, unit: usize) -> Result<BTreeMap<u64, Duplicate>, Error> {
    let (first, end) = ((unit as u64) << 32, (unit as u64 + 1) << 32);
    let mut found = BTreeMap::new();
    relations.rows(
        "the duplicates of a unit",
        &format!(
            "SELECT number, copy, id FROM duplicates WHERE number >= {first} AND number < {end}"
        ),
        |rows| {
            let numbers = rows.column(0).as_primitive::<UInt64Type>().values();
            let (copies, ids) = (rows.column(1).as_boolean(), rows.column(2).as_string::<i32>());
            for (row, &number) in numbers.iter().enumerate() {
                let of = ids.value(row).to_owned();
                found.insert(number, Duplicate { is_copy: copies.value(row), of });
            }
            Ok(())
        },
    )?;
    Ok(found)
}

/// Writes what is left of the unit that was kept in `kept`, and what is not, into `files`; `relations`
/// knows the duplicates of all units, where they were looked for.
pub(super) fn write(
    last: &Last,
    relations: Option<&Relations>,
    (unit, source): (usize, &str),
    kept: &Path,
    files: (&Path, &Path),
    watch: &mut Watch<'_>,
) -> Result<Written, Error> {
    let duplicates = relations.map(|relations| duplicates(relations, unit)).transpose()?;
    let duplicates = duplicates.unwrap_or_default();
    let act = |rows: RecordBatch| -> Vec<Result<Vec<Text>, Box<Dropped>>> {
        let numbers = rows.column_by_name("number").expect("kept rows have their numbers");
        let numbers = numbers.as_primitive::<UInt64Type>().values().to_vec();
        let one = |(origin, mut record): (u64, Record)| {
            let Some(duplicate) = duplicates.get(&origin) else {
                return last.apply(origin, record);
            };
            record.other.insert("duplicate_of".to_owned(), Value::from(duplicate.of.as_str()));
            let reason = if duplicate.is_copy { "exact duplicate" } else { "near duplicate" };
            Err(Dropped::by("dedup", record, reason))
        };
        numbers.into_par_iter().zip(records(&rows)).map(one).collect()
    };
    let rows = |first, left| left_rows(first, source, left);
    let mut tables = Tables::create(unit, source, files, &rows)?;
    let read = |take: &mut Take<'_, RecordBatch>| open(kept)?.try_for_each(|rows| take(rows?));
    flow(read, act, |outcomes| tables.write(outcomes, watch))?;
    tables.finish()
}

/// Rows of what is left.
fn left_rows(first: u64, source: &str, left: Vec<Text>) -> RecordBatch {
    let n = left.len();
    let column = |of: &dyn Fn(&Text) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(left.iter().map(of)))
    };
    let beside = vec![
        ("source", constant(source, n)),
        ("number", Arc::new(UInt64Array::from_iter_values(first..first + n as u64)) as ArrayRef),
        ("origin", Arc::new(UInt64Array::from_iter_values(left.iter().map(|row| row.origin)))),
        ("copy", column(&|row| row.copy)),
        ("n_bytes", column(&|row| row.tokens.n_bytes)),
        ("n_tokens", column(&|row| row.tokens.ids.len() as u32)),
        ("tokens", list_column(left.iter().map(|row| row.tokens.ids.as_slice()))),
    ];
    let records: Vec<Record> = left.into_iter().map(|row| row.record).collect();
    batch(&records, Columns::WithoutPage, beside)
}
