//! `hadal corpus filter train`: labelled records to a classifier with its table.

use std::collections::BTreeMap;
use std::io::{BufRead as _, stdin};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use hadal_corpus::Record;
use hadal_corpus::filter::classifier::{Example, Features, Model, Training};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64_with_seed;

#[derive(Args)]
pub(crate) struct Train {
    /// The field that says what a record is.
    #[arg(long, default_value = "label", value_name = "FIELD")]
    label: String,
    /// The label of what is worth keeping.
    #[arg(long, default_value = "1", value_name = "LABEL")]
    keep: String,
    /// A field whose values are held out as a whole, the page of a block for example; without it
    /// equal texts are.
    #[arg(long, value_name = "FIELD")]
    group: Option<String>,
    /// Where the classifier is written.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// How often every record is seen.
    #[arg(long, default_value_t = 5)]
    epochs: usize,
    /// Step size; more than a few thousand records want less.
    #[arg(long, default_value_t = 0.05)]
    rate: f32,
    /// In how many groups an n-gram must occur to be learned from.
    #[arg(long, default_value_t = 3)]
    min_groups: u8,
    /// Logarithm to base 2 of the number of weights for each label, 8 to 24.
    #[arg(long, default_value_t = 18)]
    bits: u8,
    /// What chance is drawn from: the same records and seed give the same file.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// A record as it is learned from.
struct Labelled {
    text: String,
    label: String,
    group: String,
}

impl Train {
    pub(crate) fn run(self) -> Result<()> {
        let features = Features { n_bits: self.bits, ..Features::default() };
        if !features.is_valid() {
            bail!("--bits {}: 8 to 24 are possible", self.bits);
        }
        if !(self.rate > 0.0 && self.rate.is_finite()) {
            bail!("--rate {}: a number above 0 was expected", self.rate);
        }
        let records = self.read()?;
        let mut labels = BTreeMap::new();
        for record in &records {
            *labels.entry(record.label.clone()).or_insert(0usize) += 1;
        }
        let labels: Vec<String> = labels.into_keys().collect();
        let Some(keep) = labels.iter().position(|label| *label == self.keep) else {
            bail!(
                "no record has the label {:?} that --keep names; there are {labels:?}",
                self.keep
            );
        };
        if !(2..=1000).contains(&labels.len()) {
            bail!("{} labels: 2 to 1,000 are possible", labels.len());
        }
        let mut parts: [Vec<Example<'_>>; 3] = Default::default();
        for record in &records {
            let class =
                labels.binary_search(&record.label).expect("labels are those of the records");
            // Eight tenths to learn from, one to calibrate with, one to report on.
            let group = xxh3_64_with_seed(record.group.as_bytes(), self.seed);
            let part = match group % 10 {
                0 => 2,
                1 => 1,
                _ => 0,
            };
            parts[part].push(Example { text: &record.text, class, group });
        }
        if parts.iter().any(Vec::is_empty) {
            bail!("{} records are too few, or of too few groups, to hold some out", records.len());
        }
        let training = Training {
            features,
            n_epochs: self.epochs,
            rate: self.rate,
            min_groups: self.min_groups,
            seed: self.seed,
            ..Training::default()
        };
        let [train, validation, test] = &parts;
        let model = Model::train(&training, labels, keep, [train, validation, test]);
        model.save(&self.output)?;
        self.report(&model)
    }

    fn read(&self) -> Result<Vec<Labelled>> {
        let mut records = Vec::new();
        for (line, number) in stdin().lock().lines().zip(1..) {
            let line = line.with_context(|| format!("standard input, line {number}"))?;
            if line.trim().is_empty() {
                continue;
            }
            let record: Record = serde_json::from_str(&line)
                .with_context(|| format!("standard input, line {number}: not a JSON record"))?;
            let field = |name: &str| record.other.get(name).and_then(as_text);
            let label = field(&self.label).with_context(|| {
                format!("standard input, line {number}: no label in the field {:?}", self.label)
            })?;
            let group = match &self.group {
                None => record.text.clone(),
                Some(name) => field(name).with_context(|| {
                    format!("standard input, line {number}: no group in the field {name:?}")
                })?,
            };
            records.push(Labelled { text: record.text, label, group });
        }
        Ok(records)
    }

    fn report(&self, model: &Model) -> Result<()> {
        let report = &model.report;
        if self.json {
            println!("{}", serde_json::to_string(report)?);
            return Ok(());
        }
        let [n_train, n_validation, n_test] = report.n_examples;
        println!("{n_train} records learned from, {n_validation} to calibrate, {n_test} held out");
        println!("threshold  precision  recall  F1     (held out)");
        for point in report.table.0.iter().chain(&report.best) {
            println!(
                "{:9.2}  {:9.3}  {:6.3}  {:.3}",
                point.threshold,
                point.precision,
                point.recall,
                point.f1()
            );
        }
        println!(
            "AUC {:.4}; calibration error {:.4}, {:.4} before; temperature {:.2}",
            report.auc, report.calibration_error, report.uncalibrated_error, model.temperature
        );
        println!("written to {}", self.output.display());
        Ok(())
    }
}

/// A label or a group: a string, a number or a truth.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
