//! Normalising, and undoing it, as steps of the pipeline.

use jiff::civil::DateTime;

use super::language::Lang;
use super::rewrite::{Normalised, Options, normalise, spans_from_json, spans_to_json, undo};
use crate::{Dropped, Record, Step};

/// Rewrites a record's text; the field `spans` keeps what stood where.
#[derive(Debug, Clone, Copy)]
pub struct Normalise {
    /// The language of records that name none.
    pub lang: Lang,
    /// The reference of records that name none, in their field `reference`.
    pub reference: Option<DateTime>,
    /// Whether full-width letters and digits become half-width.
    pub half_width: bool,
    /// Whether places are rewritten to their codes.
    pub places: bool,
}

impl Step for Normalise {
    fn name(&self) -> &str {
        "normalise"
    }

    fn apply(&self, mut record: Record) -> Result<Record, Box<Dropped>> {
        let lang = match record.lang.as_deref() {
            Some(code) => Lang::from_code(code),
            None => Some(self.lang),
        };
        // A text in a language without rules stays as it is.
        let Some(lang) = lang else { return Ok(record) };
        let reference = match record.other.get("reference").map(|json| json.as_str()) {
            None => self.reference,
            Some(text) => match text.and_then(parse_reference) {
                Some(reference) => Some(reference),
                None => {
                    return Err(Dropped::by(
                        self.name(),
                        record,
                        "reference is not a date and time",
                    ));
                }
            },
        };
        if record.other.contains_key("spans") {
            return Err(Dropped::by(self.name(), record, "text is normalised already"));
        }
        let options = Options { lang, reference, half_width: self.half_width, places: self.places };
        let Normalised { text, spans } = normalise(&record.text, &options);
        record.text = text;
        record.other.insert("spans".to_owned(), spans_to_json(&spans));
        Ok(record)
    }
}

/// A reference as records write it: `2016-11-07T16:12:00`, or a day alone.
pub fn parse_reference(text: &str) -> Option<DateTime> {
    text.parse().ok()
}

/// Puts back what stood in a record's text before [`Normalise`].
#[derive(Debug, Clone, Copy)]
pub struct Undo;

impl Step for Undo {
    fn name(&self) -> &str {
        "normalise_undo"
    }

    fn apply(&self, mut record: Record) -> Result<Record, Box<Dropped>> {
        let Some(json) = record.other.get("spans") else { return Ok(record) };
        let Some(spans) = spans_from_json(json) else {
            return Err(Dropped::by(self.name(), record, "spans are not those of normalise"));
        };
        record.text = undo(&Normalised { text: std::mem::take(&mut record.text), spans });
        record.other.remove("spans");
        Ok(record)
    }
}
