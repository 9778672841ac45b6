//! A classifier that decides what is kept: trained, calibrated, and measured on what it never saw.

use serde::{Deserialize, Serialize};

use super::curve::point;
use super::linear::softmax;
use super::{Curve, Example, Linear, Point, Training, auc, calibration_error, temperature};

/// A trained filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The classifier.
    pub linear: Linear,
    /// The names of the classes, in the order of the classifier's.
    pub labels: Vec<String>,
    /// Which class is kept.
    pub keep: usize,
    /// What logits are divided by.
    pub temperature: f32,
    /// Precision and recall at each threshold, on the validation examples; thresholds are chosen
    /// here.
    pub curve: Curve,
    /// How it did on the test examples.
    pub report: Report,
}

/// How a filter did on examples that neither the weights nor the thresholds were made from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Report {
    /// Examples learned from, to calibrate with, and to report on.
    pub n_examples: [usize; 3],
    /// Precision, recall and threshold where F1 was best on the validation examples.
    pub best: Option<Point>,
    /// Area under the receiver's curve.
    pub auc: f32,
    /// Expected calibration error, with the temperature.
    pub calibration_error: f32,
    /// Expected calibration error, had it not been calibrated.
    pub uncalibrated_error: f32,
    /// Precision and recall at every tenth.
    pub table: Curve,
}

impl Model {
    /// Trains on the first examples, finds temperature and thresholds on the second, and reports on
    /// the third.
    pub fn train(
        training: &Training,
        labels: Vec<String>,
        keep: usize,
        [train, validation, test]: [&[Example<'_>]; 3],
    ) -> Model {
        let linear = training.run(train, labels.len());
        let mut model = Model {
            linear,
            labels,
            keep,
            temperature: 1.0,
            curve: Curve::default(),
            report: Report::default(),
        };
        let uncalibrated_error = calibration_error(&model.scored(test));
        let logits: Vec<_> = validation.iter().map(|e| model.linear.classify(e.text)).collect();
        let classes: Vec<_> = validation.iter().map(|example| example.class).collect();
        model.temperature = temperature(&logits, &classes);
        model.curve = Curve::of(&model.scored(validation));
        let scored = model.scored(test);
        model.report = Report {
            n_examples: [train.len(), validation.len(), test.len()],
            best: model.curve.best().map(|best| point(&scored, best.threshold)),
            auc: auc(&scored),
            calibration_error: calibration_error(&scored),
            uncalibrated_error,
            table: Curve((1..10).map(|tenth| point(&scored, tenth as f32 / 10.0)).collect()),
        };
        model
    }

    /// The probability that a text is worth keeping.
    pub fn score(&self, text: &str) -> f32 {
        let mut p = self.linear.classify(text);
        softmax(&mut p, self.temperature);
        p[self.keep]
    }

    fn scored(&self, examples: &[Example<'_>]) -> Vec<(f32, bool)> {
        let each = examples.iter();
        each.map(|example| (self.score(example.text), example.class == self.keep)).collect()
    }
}
