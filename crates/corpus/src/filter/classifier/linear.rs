//! The weights, and what they make of a text.

use super::Features;

/// One weight for each bucket and class.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// How a text becomes buckets.
    pub features: Features,
    /// How many classes there are.
    pub n_classes: usize,
    /// `[buckets, classes]`.
    pub weights: Vec<f32>,
}

impl Linear {
    /// A classifier that has learned nothing.
    pub fn new(features: Features, n_classes: usize) -> Linear {
        Linear { features, n_classes, weights: vec![0.0; features.n_buckets() * n_classes] }
    }

    /// The score of every class, as logits, into `logits` (`[classes]`): the bias, and the
    /// weights of the n-grams over the root of their number, so that texts of all lengths are heard
    /// alike.
    pub fn logits(&self, buckets: &[u32], logits: &mut [f32]) {
        let (bias, n_grams) = buckets.split_at(1);
        logits.fill(0.0);
        self.add(n_grams, logits);
        let scale = scale(n_grams);
        logits.iter_mut().for_each(|logit| *logit *= scale);
        self.add(bias, logits);
    }

    fn add(&self, buckets: &[u32], logits: &mut [f32]) {
        for &bucket in buckets {
            let row = bucket as usize * self.n_classes;
            let weights = &self.weights[row..row + self.n_classes];
            for (logit, weight) in logits.iter_mut().zip(weights) {
                *logit += weight;
            }
        }
    }

    /// The logits of a text.
    pub fn classify(&self, text: &str) -> Vec<f32> {
        let (mut buckets, mut logits) = (Vec::new(), vec![0.0; self.n_classes]);
        self.features.extract(text, &mut buckets);
        self.logits(&buckets, &mut logits);
        logits
    }
}

/// What each n-gram of a text counts.
pub(super) fn scale(n_grams: &[u32]) -> f32 {
    1.0 / (n_grams.len().max(1) as f32).sqrt()
}

/// Logits over `temperature` to probabilities, in place.
pub(super) fn softmax(logits: &mut [f32], temperature: f32) {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = ((*logit - highest) / temperature).exp();
        sum += *logit;
    }
    logits.iter_mut().for_each(|p| *p /= sum);
}
