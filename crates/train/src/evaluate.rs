//! How well a model predicts documents.

use hadal_model::{Decoder, WeightSource};
use hadal_tensor::Backend;

use crate::batches::TrainingBatch;
use crate::error::Error;
use crate::windows::Windows;

/// The sums over a set of documents, from which all measures follow.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// `-ln p` of all predicted tokens together.
    pub nats: f64,
    /// Predicted tokens.
    pub n_tokens: usize,
    /// Bytes of the text.
    pub n_bytes: usize,
}

impl Evaluation {
    /// Nats per token.
    pub fn loss(&self) -> f64 {
        self.nats / self.n_tokens.max(1) as f64
    }

    /// `e` to the nats per token.
    pub fn perplexity(&self) -> f64 {
        self.loss().exp()
    }

    /// Bits per byte of text, which does not depend on the tokenizer.
    pub fn bits_per_byte(&self) -> f64 {
        self.nats / std::f64::consts::LN_2 / self.n_bytes.max(1) as f64
    }
}

/// Measures `decoder` on documents, each given as its tokens — the beginning of text first — and
/// its length in bytes. A document longer than `length` is cut into windows, each of which begins
/// with the last token of the one before, so that every token but the first is predicted once.
/// Windows are packed up to `budget` tokens a pass; `progress` is told the tokens of each.
///
/// # Errors
/// When a forward pass fails.
pub fn evaluate<'a>(
    device: &dyn Backend,
    decoder: &Decoder,
    weights: &dyn WeightSource,
    documents: impl IntoIterator<Item = (&'a [i32], usize)>,
    (length, budget): (usize, usize),
    mut progress: impl FnMut(usize),
) -> Result<Evaluation, Error> {
    let mut evaluation = Evaluation::default();
    let mut windows: Vec<(&[i32], Vec<usize>)> = Vec::new();
    let mut n_waiting = 0;
    let mut run = |windows: &mut Vec<(&[i32], Vec<usize>)>| -> Result<(f64, usize), Error> {
        let batch = TrainingBatch::of_windows(windows.drain(..))?;
        let nats = nats(device, decoder, weights, &batch)?;
        progress(batch.n_targets);
        Ok((nats, batch.n_targets))
    };
    for (tokens, n_bytes) in documents {
        evaluation.n_bytes += n_bytes;
        let mut start = 0;
        while start + 1 < tokens.len() {
            let end = (start + length + 1).min(tokens.len());
            windows.push((&tokens[start..end], Vec::new()));
            n_waiting += end - start;
            start = end - 1;
            if n_waiting >= budget {
                let (nats, n_tokens) = run(&mut windows)?;
                evaluation.nats += nats;
                evaluation.n_tokens += n_tokens;
                n_waiting = 0;
            }
        }
    }
    if !windows.is_empty() {
        let (nats, n_tokens) = run(&mut windows)?;
        evaluation.nats += nats;
        evaluation.n_tokens += n_tokens;
    }
    Ok(evaluation)
}

/// Measures `decoder` on every window of conversations, up to `budget` tokens a pass. What the
/// assistant says counts, with the bytes that `bytes_of` gives for each of its tokens.
///
/// # Errors
/// When a forward pass fails.
pub fn evaluate_conversations(
    device: &dyn Backend,
    decoder: &Decoder,
    weights: &dyn WeightSource,
    windows: &Windows<'_>,
    budget: usize,
    bytes_of: impl Fn(i32) -> usize,
) -> Result<Evaluation, Error> {
    let mut evaluation = Evaluation::default();
    let indices: Vec<usize> = (0..windows.len()).collect();
    for indices in indices.chunks((budget / windows.window_len()).max(1)) {
        let batch = windows.batch(indices)?;
        evaluation.nats += nats(device, decoder, weights, &batch)?;
        evaluation.n_tokens += batch.n_targets;
        let targets = batch.targets.as_slice::<i32>().iter().filter(|target| **target >= 0);
        evaluation.n_bytes += targets.map(|target| bytes_of(*target)).sum::<usize>();
    }
    Ok(evaluation)
}

/// `-ln p` of all targets of a batch together.
fn nats(
    device: &dyn Backend,
    decoder: &Decoder,
    weights: &dyn WeightSource,
    batch: &TrainingBatch,
) -> Result<f64, Error> {
    let output = decoder.forward(device, weights, &batch.inputs, None)?;
    let logits = decoder.logits(device, weights, &output.hidden)?;
    let losses = device.cross_entropy(&logits, &device.upload(&batch.targets));
    Ok(device.download(&losses).as_slice::<f32>().iter().map(|x| f64::from(*x)).sum())
}
