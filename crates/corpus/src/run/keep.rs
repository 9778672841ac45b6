//! Read and keep: the records of a unit, each through the steps that look at one at a time.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, UInt64Array};
use rayon::prelude::*;

use super::flow::{Take, flow};
use super::recipe::Recipe;
use super::tables::{Tables, Written, constant, list_column};
use super::units::Unit;
use super::watch::Watch;
use crate::dedup::{Entry, without_repeats};
use crate::extract::{Extract, language};
use crate::filter::classifier::Model;
use crate::filter::{Decision, Personal, Segmenter, rules};
use crate::pack::Decontaminate;
use crate::read::{self, Outcome};
use crate::table::{Columns, batch};
use crate::{Dropped, Error, Record, Step};

/// Records that pass through the steps together, and the bytes they may have.
const BATCH_RECORDS: usize = 1024;
const BATCH_BYTES: usize = 16 << 20;

/// The steps that a recipe asks for.
pub(super) fn steps(
    recipe: &Recipe,
    segmenter: &Arc<Segmenter>,
) -> Result<Vec<Box<dyn Step>>, Error> {
    let mut steps: Vec<Box<dyn Step>> = Vec::new();
    if let Some(config) = &recipe.extract {
        steps.push(Box::new(Extract));
        if let Some(languages) = config.languages.clone() {
            steps.push(Box::new(Languages(languages)));
        }
    }
    steps.push(Box::new(HasText));
    if recipe.dedup.is_some_and(|config| config.within) {
        steps.push(Box::new(WithoutRepeats));
    }
    if let Some(config) = &recipe.filter {
        steps.extend(rules(&config.rules, segmenter)?);
        if let Some(path) = &config.classifier {
            let model = Model::open(path)?;
            let best = || model.curve.best().map(|point| point.threshold);
            let threshold = config.threshold.or_else(best).ok_or(Error::FilterModel {
                path: path.clone(),
                problem: "it was trained without examples to choose a threshold by",
            })?;
            steps.push(Box::new(Decision::new(model, threshold)));
        }
        if config.mask_personal {
            steps.push(Box::new(Personal::default()));
        }
    }
    if let Some(config) = &recipe.decontaminate {
        let mut step = Decontaminate::new(config.n_words);
        config.against.iter().try_for_each(|path| step.add_file(path))?;
        steps.push(Box::new(step));
    }
    Ok(steps)
}

/// Drops records without a text.
struct HasText;

impl Step for HasText {
    fn name(&self) -> &str {
        "read"
    }

    fn apply(&self, record: Record) -> Result<Record, Box<Dropped>> {
        if record.text.trim().is_empty() {
            let reason =
                if record.html.is_some() { "page that is not extracted" } else { "no text" };
            return Err(Dropped::by(self.name(), record, reason));
        }
        Ok(record)
    }
}

/// Keeps some languages.
struct Languages(Vec<String>);

impl Step for Languages {
    fn name(&self) -> &str {
        "language"
    }

    fn apply(&self, record: Record) -> Result<Record, Box<Dropped>> {
        let reason = match &record.lang {
            Some(lang) if self.0.contains(lang) => return Ok(record),
            Some(lang) => format!("language {lang}"),
            None => "language that is not known".to_owned(),
        };
        Err(Dropped::by(self.name(), record, reason))
    }
}

/// Cuts lines that a text repeats.
struct WithoutRepeats;

impl Step for WithoutRepeats {
    fn name(&self) -> &str {
        "dedup"
    }

    fn apply(&self, mut record: Record) -> Result<Record, Box<Dropped>> {
        let (text, share) = without_repeats(&record.text);
        if share > 0.0 {
            record.text = text;
        }
        Ok(record)
    }
}

/// Reads a unit, sends its records through the steps, and writes what is kept and what is dropped into
/// `files`.
pub(super) fn keep(
    recipe: &Recipe,
    steps: &[Box<dyn Step>],
    unit: &Unit,
    files: (&Path, &Path),
    watch: &mut Watch<'_>,
) -> Result<Written, Error> {
    let source = &recipe.sources[unit.source];
    let has_language = recipe.extract.is_some();
    let complete = |mut record: Record| {
        record.licence = record.licence.take().or_else(|| source.licence.clone());
        record.lang = record.lang.take().or_else(|| source.lang.clone());
        if !has_language && record.lang.is_none() {
            record.lang = language(&record.text, None);
        }
        record
    };
    let is_compared = recipe.dedup.is_some();
    let one = |outcome: Outcome| {
        let record =
            steps.iter().try_fold(complete(outcome?), |record, step| step.apply(record))?;
        let entry = if is_compared { Entry::of(&record.text) } else { Entry::default() };
        Ok(Some((record, entry)))
    };
    let act = |outcomes: Vec<Outcome>| -> Vec<Result<Option<Kept>, Box<Dropped>>> {
        outcomes.into_par_iter().map(one).collect()
    };
    let rows = |first, kept| kept_rows(first, &source.name, kept);
    let mut tables = Tables::create(unit.index, &source.name, files, &rows)?;
    flow(|take| read_batches(unit, take), act, |outcomes| tables.write(outcomes, watch))?;
    tables.finish()
}

/// A record that passed all steps, and what tells who says the same.
type Kept = (Record, Entry);

fn read_batches(unit: &Unit, take: &mut Take<'_, Vec<Outcome>>) -> Result<(), Error> {
    let (mut waiting, mut n_bytes) = (Vec::new(), 0);
    for file in &unit.files {
        read::read(&file.path, &mut |outcome| {
            if let Ok(record) = &outcome {
                n_bytes += record.text.len() + record.html.as_ref().map_or(0, String::len);
            }
            waiting.push(outcome);
            if waiting.len() < BATCH_RECORDS && n_bytes < BATCH_BYTES {
                return Ok(());
            }
            n_bytes = 0;
            take(std::mem::take(&mut waiting))
        })?;
    }
    take(waiting)
}

/// Rows of what is kept, with what tells who says the same.
fn kept_rows(first: u64, source: &str, kept: Vec<Kept>) -> RecordBatch {
    let (records, entries): (Vec<Record>, Vec<Entry>) = kept.into_iter().unzip();
    let numbers = UInt64Array::from_iter_values(first..first + records.len() as u64);
    let content = UInt64Array::from_iter_values(entries.iter().map(|entry| entry.content));
    let fingerprint = UInt64Array::from_iter_values(entries.iter().map(|entry| entry.fingerprint));
    let hashes = list_column(entries.iter().map(|entry| entry.sketch.hashes()));
    batch(
        &records,
        Columns::WithoutPage,
        vec![
            ("source", constant(source, records.len())),
            ("number", Arc::new(numbers)),
            ("content", Arc::new(content)),
            ("fingerprint", Arc::new(fingerprint)),
            ("hashes", hashes),
        ],
    )
}
