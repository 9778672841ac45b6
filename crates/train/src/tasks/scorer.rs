//! How likely a model finds one text after another.

use hadal_model::{Batch, Decoder, WeightSource};
use hadal_tensor::{Backend, Tensor};
use hadal_tokenizer::Tokenizer;

use crate::error::Error;

/// A question to a model: how likely is `rest` where `context` stands before it?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What is given; may be empty.
    pub context: String,
    /// What is judged.
    pub rest: String,
}

/// What a model makes of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// `ln p` of the rest after the context.
    pub log_probability: f64,
    /// Whether each token of the rest is the likeliest at its place, the lower id on a tie.
    pub is_greedy: bool,
}

/// Scores texts, many in one forward pass.
pub struct Scorer<'a> {
    /// What computes.
    pub device: &'a dyn Backend,
    /// The mathematics.
    pub decoder: &'a Decoder,
    /// The weights.
    pub weights: &'a dyn WeightSource,
    /// The model's tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// What begins a text, where the model has such a token; without it a text's first token is
    /// not judged.
    pub bos: Option<u32>,
    /// Tokens that pass through the model at once.
    pub budget_tokens: usize,
    /// Tokens that are judged at once: each takes a row of scores as long as the vocabulary.
    pub budget_judged: usize,
}

/// A text as the model sees it.
struct Tokens {
    ids: Vec<u32>,
    /// The first of `ids` that is judged; at least 1.
    first_judged: usize,
}

impl Tokens {
    /// All but the last go into the model.
    fn n_inputs(&self) -> usize {
        self.ids.len().saturating_sub(1)
    }

    fn judged(&self) -> &[u32] {
        self.ids.get(self.first_judged..).unwrap_or_default()
    }
}

impl Scorer<'_> {
    /// The scores of `texts`, in their order; `progress` is told how many are done after each
    /// pass. A text that is longer than the decoder was made for loses the beginning of its
    /// context.
    ///
    /// # Errors
    /// When a forward pass fails, or what is judged is itself longer than the decoder was made
    /// for.
    pub fn score(
        &self,
        texts: &[Text],
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<Score>, Error> {
        let mut scores = Vec::with_capacity(texts.len());
        let mut waiting: Vec<Tokens> = Vec::new();
        let (mut n_inputs, mut n_judged) = (0, 0);
        for text in texts {
            let tokens = self.tokens(text)?;
            let is_full = n_inputs + tokens.n_inputs() > self.budget_tokens
                || n_judged + tokens.judged().len() > self.budget_judged;
            if is_full && !waiting.is_empty() {
                scores.extend(self.pass(&waiting)?);
                progress(waiting.len());
                waiting.clear();
                (n_inputs, n_judged) = (0, 0);
            }
            n_inputs += tokens.n_inputs();
            n_judged += tokens.judged().len();
            waiting.push(tokens);
        }
        scores.extend(self.pass(&waiting)?);
        progress(waiting.len());
        Ok(scores)
    }

    /// The tokens of a text. Where context and rest meet, they may be one token; what is judged
    /// begins with the first token that the context alone does not have.
    fn tokens(&self, text: &Text) -> Result<Tokens, Error> {
        let encode = |text: &str| self.tokenizer.encode(text, false);
        let whole = encode(&[&*text.context, &*text.rest].concat())?;
        let shared = match text.context.is_empty() {
            true => 0,
            false => {
                whole.iter().zip(encode(&text.context)?).take_while(|(a, b)| **a == *b).count()
            }
        };
        let n_bos = usize::from(self.bos.is_some());
        let mut ids: Vec<u32> = self.bos.into_iter().chain(whole).collect();
        let mut first_judged = (n_bos + shared).max(1);
        let most = self.decoder.n_positions() + 1;
        if ids.len() > most {
            let n_lost = ids.len() - most;
            if n_lost >= first_judged {
                let (wanted, capacity) = (ids.len() - first_judged, self.decoder.n_positions());
                return Err(hadal_model::Error::ContextFull { wanted, capacity }.into());
            }
            ids.drain(..n_lost);
            first_judged -= n_lost;
        }
        Ok(Tokens { ids, first_judged })
    }

    fn pass(&self, texts: &[Tokens]) -> Result<Vec<Score>, Error> {
        let (mut rows, mut targets, mut n_rows) = (Vec::new(), Vec::new(), 0);
        for text in texts {
            // The row of a token is the row of the one before it, which predicts it.
            let first = n_rows + text.first_judged - 1;
            rows.extend((first..first + text.judged().len()).map(|row| row as i32));
            targets.extend(text.judged().iter().map(|&id| id as i32));
            n_rows += text.n_inputs();
        }
        if rows.is_empty() {
            let nothing = Score { log_probability: 0.0, is_greedy: true };
            return Ok(vec![nothing; texts.len()]);
        }
        let device = self.device;
        let list = |values: &[i32]| device.upload(&Tensor::from_slice(values, &[values.len()]));
        let batch = Batch::of_texts(texts.iter().map(|text| &text.ids[..text.n_inputs()]))?;
        let output = self.decoder.forward(device, self.weights, &batch, None)?;
        // The head is for the judged rows alone: of a long context it would be most of the work.
        let hidden = device.embedding(&output.hidden, &list(&rows)); // [judged, D]
        let logits = self.decoder.logits(device, self.weights, &hidden)?; // [judged, V]
        let losses = device.download(&device.cross_entropy(&logits, &list(&targets)));
        let logits = device.download(&logits);
        let (losses, logits) = (losses.as_slice::<f32>(), logits.matrix::<f32>());
        let mut row = 0;
        let scores = texts.iter().map(|text| {
            let rows = row..row + text.judged().len();
            row = rows.end;
            Score {
                log_probability: -losses[rows.clone()].iter().map(|x| f64::from(*x)).sum::<f64>(),
                is_greedy: rows.into_iter().all(|row| is_best(logits.row(row), targets[row])),
            }
        });
        Ok(scores.collect())
    }
}

/// Whether `target` has the greatest of `logits`, and the lowest id of those that have.
fn is_best(logits: &[f32], target: i32) -> bool {
    let target = target as usize;
    let best = logits[target];
    logits[..target].iter().all(|x| *x < best) && logits[target..].iter().all(|x| *x <= best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_the_greatest_and_then_the_lowest() {
        assert!(is_best(&[0.0, 2.0, 1.0], 1));
        assert!(!is_best(&[0.0, 2.0, 1.0], 2));
        assert!(is_best(&[2.0, 2.0], 0) && !is_best(&[2.0, 2.0], 1));
        assert!(!is_best(&[f32::NAN, 2.0], 1));
    }
}
