//! Drafts by the layer that predicts the token after next (DeepSeek-V3, section 2.2).
//!
//! Row `i` of the layer joins the main model's hidden state of position `i` with token `i + 1`, and
//! predicts token `i + 2`. Further drafts chain: the layer's own hidden state takes the place of
//! the main model's, as it was not trained to; the rows of a chain are forgotten afterwards.

use hadal_model::{Batch, Cache};
use hadal_tensor::{DType, Tensor};

use crate::error::Error;
use crate::model::Model;
use crate::pace::MOST_DRAFTS;

/// Rows that are computed at once where many are missing.
const CHUNK_LEN: usize = 512;

pub(crate) struct Predictor {
    cache: Cache,
    /// The main model's hidden states by position, `[capacity, D]`.
    hidden: Tensor,
}

impl Predictor {
    pub(crate) fn new(model: &Model, capacity: usize) -> Result<Self, Error> {
        let config = model.decoder.config();
        // Says so where there is no such layer.
        model.weights.predict_layer()?;
        Ok(Predictor {
            cache: Cache::of_predict_layer(config, &*model.device, capacity),
            hidden: model.device.empty(DType::F32, &[capacity, config.hidden_size]),
        })
    }

    /// Keeps the hidden states `[T, D]` of the positions from `at` on.
    pub(crate) fn remember(&mut self, model: &Model, at: usize, hidden: &Tensor) {
        model.device.store_rows(&mut self.hidden, at, hidden);
    }

    /// Forgets the rows that depend on tokens from number `n_alike` on.
    pub(crate) fn truncate(&mut self, n_alike: usize) {
        self.cache.truncate(n_alike.saturating_sub(1));
    }

    /// Computes what a prompt, or a rest, left missing, but for the last row.
    pub(crate) fn prepare(&mut self, model: &Model, ids: &[u32]) -> Result<(), Error> {
        let end = ids.len().saturating_sub(2);
        if self.cache.len() + MOST_DRAFTS < end {
            self.catch_up(model, ids, end)?;
        }
        Ok(())
    }

    /// Computes the rows below `end` that are missing; the hidden state `[1, D]` of the last.
    fn catch_up(
        &mut self,
        model: &Model,
        ids: &[u32],
        end: usize,
    ) -> Result<Option<Tensor>, Error> {
        let mut last = None;
        while self.cache.len() < end {
            let start = self.cache.len();
            let rows = start..end.min(start + CHUNK_LEN);
            let main = self.hidden.row_range(rows.clone());
            last = Some(self.run(model, &main, &ids[rows.start + 1..rows.end + 1])?);
        }
        Ok(last)
    }

    /// Drafts up to `n_drafts` tokens after `ids`, all of which but the last have been run.
    pub(crate) fn draft(
        &mut self,
        model: &Model,
        ids: &[u32],
        n_drafts: usize,
    ) -> Result<Vec<u32>, Error> {
        let n_run = ids.len() - 1;
        let Some(mut hidden) = self.catch_up(model, ids, n_run)? else { return Ok(Vec::new()) };
        let mut drafts = Vec::with_capacity(n_drafts);
        loop {
            let draft = best(model, &hidden)?;
            drafts.push(draft);
            if drafts.len() == n_drafts {
                break;
            }
            hidden = self.run(model, &hidden, &[draft])?;
        }
        self.cache.truncate(n_run);
        Ok(drafts)
    }

    /// Runs the layer on `hidden` `[T, D]` and the token after each; its last hidden state `[1, D]`.
    fn run(&mut self, model: &Model, hidden: &Tensor, next: &[u32]) -> Result<Tensor, Error> {
        let batch = Batch::continuing(self.cache.len(), next)?;
        let (device, weights) = (&*model.device, &*model.weights);
        let cache = Some(&mut self.cache);
        let (hidden, _) =
            model.decoder.predict_second(device, weights, hidden, &batch.ids, &batch, cache)?;
        Ok(hidden.row_range(next.len() - 1..next.len()))
    }
}

/// The token with the best score after `hidden` `[1, D]`.
fn best(model: &Model, hidden: &Tensor) -> Result<u32, Error> {
    let scores = model.scores(hidden)?;
    let best = scores[0].iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
    Ok(best.expect("a vocabulary has tokens").0 as u32)
}
