//! How well a model predicts documents.

use std::f64::consts::LN_2;
use std::ops::AddAssign;

use hadal_model::{Decoder, WeightSource};
use hadal_tensor::{Backend, Tensor};

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
    /// Documents.
    pub n_documents: usize,
    /// Sums over documents, for the spread between them.
    squares: Squares,
}

/// Sums over documents of the products of their nats and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Squares {
    nats_nats: f64,
    nats_bytes: f64,
    bytes_bytes: f64,
}

impl Evaluation {
    /// Of one document.
    fn of_document(nats: f64, n_tokens: usize, n_bytes: usize) -> Self {
        let bytes = n_bytes as f64;
        let squares = Squares {
            nats_nats: nats * nats,
            nats_bytes: nats * bytes,
            bytes_bytes: bytes * bytes,
        };
        Evaluation { nats, n_tokens, n_bytes, n_documents: 1, squares }
    }

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
        self.nats / LN_2 / self.n_bytes.max(1) as f64
    }

    /// The standard error of the bits per byte where the documents are a sample of more of their
    /// kind: that of a ratio of two sums (Cochran 1977, section 6.3). None for one document.
    pub fn bits_per_byte_standard_error(&self) -> Option<f64> {
        let Squares { nats_nats, nats_bytes, bytes_bytes } = self.squares;
        let n = self.n_documents as f64;
        let ratio = self.nats / self.n_bytes.max(1) as f64;
        // The sum of (nats - ratio · bytes)², which rounding can take below 0.
        let residuals = nats_nats - 2.0 * ratio * nats_bytes + ratio * ratio * bytes_bytes;
        let variance = residuals.max(0.0) * n / (n - 1.0);
        (n > 1.0).then(|| variance.sqrt() / LN_2 / self.n_bytes.max(1) as f64)
    }
}

impl AddAssign for Evaluation {
    fn add_assign(&mut self, other: Self) {
        self.nats += other.nats;
        self.n_tokens += other.n_tokens;
        self.n_bytes += other.n_bytes;
        self.n_documents += other.n_documents;
        self.squares.nats_nats += other.squares.nats_nats;
        self.squares.nats_bytes += other.squares.nats_bytes;
        self.squares.bytes_bytes += other.squares.bytes_bytes;
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
    // Of each document: nats so far, tokens, bytes.
    let mut sums: Vec<(f64, usize, usize)> = Vec::new();
    let mut windows: Vec<(usize, &[i32])> = Vec::new();
    let mut n_waiting = 0;
    let mut run = |windows: &mut Vec<(usize, &[i32])>, sums: &mut [(f64, usize, usize)]| {
        let tokens = windows.iter().map(|(_, window)| (*window, Vec::new()));
        let batch = TrainingBatch::of_windows(tokens)?;
        let losses = token_losses(device, decoder, weights, &batch)?;
        let mut losses = losses.as_slice::<f32>().iter().map(|x| f64::from(*x));
        for (document, window) in windows.drain(..) {
            sums[document].0 += losses.by_ref().take(window.len() - 1).sum::<f64>();
        }
        progress(batch.n_targets);
        Ok::<(), Error>(())
    };
    for (document, (tokens, n_bytes)) in documents.into_iter().enumerate() {
        sums.push((0.0, tokens.len().saturating_sub(1), n_bytes));
        let mut start = 0;
        while start + 1 < tokens.len() {
            let end = (start + length + 1).min(tokens.len());
            windows.push((document, &tokens[start..end]));
            n_waiting += end - start;
            start = end - 1;
            if n_waiting >= budget {
                run(&mut windows, &mut sums)?;
                n_waiting = 0;
            }
        }
    }
    if !windows.is_empty() {
        run(&mut windows, &mut sums)?;
    }
    let mut evaluation = Evaluation::default();
    for (nats, n_tokens, n_bytes) in sums {
        evaluation += Evaluation::of_document(nats, n_tokens, n_bytes);
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
        let losses = token_losses(device, decoder, weights, &batch)?;
        let (losses, targets) = (losses.as_slice::<f32>(), batch.targets.as_slice::<i32>());
        for segment in batch.inputs.segments.iter() {
            let rows = segment.queries.clone();
            let nats = losses[rows.clone()].iter().map(|x| f64::from(*x)).sum();
            let targets = targets[rows].iter().filter(|target| **target >= 0);
            let n_bytes = targets.clone().map(|target| bytes_of(*target)).sum();
            evaluation += Evaluation::of_document(nats, targets.count(), n_bytes);
        }
    }
    Ok(evaluation)
}

/// `-ln p` of each target of a batch, `[T]`; 0 where there is none.
fn token_losses(
    device: &dyn Backend,
    decoder: &Decoder,
    weights: &dyn WeightSource,
    batch: &TrainingBatch,
) -> Result<Tensor, Error> {
    let output = decoder.forward(device, weights, &batch.inputs, None)?;
    let logits = decoder.logits(device, weights, &output.hidden)?;
    Ok(device.download(&device.cross_entropy(&logits, &device.upload(&batch.targets))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_over_documents_is_that_of_a_ratio() {
        let mut sums = Evaluation::of_document(10.0, 3, 4);
        assert_eq!(sums.bits_per_byte_standard_error(), None);
        sums += Evaluation::of_document(20.0, 5, 8);
        // The same bits in every byte leave nothing to doubt.
        assert!(sums.bits_per_byte_standard_error().unwrap() < 1e-6);
        sums += Evaluation::of_document(40.0, 5, 8);
        // The ratio is 70 / 20; the residuals are 10 - 14, 20 - 28 and 40 - 28.
        let expected = ((16.0 + 64.0 + 144.0) * 3.0 / 2.0f64).sqrt() / LN_2 / 20.0;
        assert!((sums.bits_per_byte_standard_error().unwrap() - expected).abs() < 1e-12);
    }
}
