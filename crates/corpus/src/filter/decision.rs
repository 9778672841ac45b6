//! The classifier as a step, and who is asked where it is unsure.

use std::sync::atomic::{AtomicU64, Ordering};

use super::classifier::Model;
use crate::{Dropped, Record, Step};

/// Something that judges better than the classifier and costs more, a transformer for example. It is
/// handed in, since this crate knows no models.
pub trait Scorer: Send + Sync {
    /// The probability that the record is worth keeping; nothing where it cannot say, and the
    /// classifier's probability stands.
    fn score(&self, record: &Record) -> Option<f32>;
}

/// Drops what the classifier, or the scorer it asks, finds not worth keeping. What it gives on has
/// the probability in the field `quality`.
pub struct Decision {
    model: Model,
    threshold: f32,
    borderline: Option<(f32, Box<dyn Scorer>)>,
    n_asked: AtomicU64,
}

impl Decision {
    /// Keeps what the model gives `threshold` or more.
    pub fn new(model: Model, threshold: f32) -> Decision {
        Decision { model, threshold, borderline: None, n_asked: AtomicU64::new(0) }
    }

    /// Asks `scorer` about records whose probability lies less than `width` from the threshold.
    #[must_use]
    pub fn with_scorer(mut self, width: f32, scorer: Box<dyn Scorer>) -> Decision {
        self.borderline = Some((width, scorer));
        self
    }

    /// How many records the scorer was asked about.
    pub fn n_asked(&self) -> u64 {
        self.n_asked.load(Ordering::Relaxed)
    }

    fn score(&self, record: &Record) -> f32 {
        let score = self.model.score(&record.text);
        match &self.borderline {
            Some((width, scorer)) if (score - self.threshold).abs() < *width => {
                self.n_asked.fetch_add(1, Ordering::Relaxed);
                scorer.score(record).unwrap_or(score)
            }
            _ => score,
        }
    }
}

impl Step for Decision {
    fn name(&self) -> &str {
        "classifier"
    }

    fn apply(&self, mut record: Record) -> Result<Record, Box<Dropped>> {
        let score = self.score(&record);
        // Four digits are more than the calibration knows.
        let rounded = (f64::from(score) * 1e4).round() / 1e4;
        record.other.insert("quality".to_owned(), rounded.into());
        if score < self.threshold {
            return Err(Dropped::by(self.name(), record, "quality below the threshold"));
        }
        Ok(record)
    }
}
