//! Guesses at the next tokens, which cost little to make and less than a step each to check.

use std::time::Duration;

use hadal_tensor::Tensor;

use crate::error::Error;
use crate::lookup::lookup;
use crate::model::Model;
use crate::pace::{Pace, Round, Source};
use crate::predictor::Predictor;

/// Which drafts may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draft {
    /// From what followed the last tokens when they came before.
    Lookup,
    /// By the model's layer that predicts the token after next.
    MultiToken,
    /// By lookup where the text repeats itself, else by the layer where the model has one.
    Auto,
}

/// Tells the time since some moment.
pub type Clock = Box<dyn Fn() -> Duration + Send>;

/// Makes drafts while they pay.
pub(crate) struct Drafter {
    draft: Draft,
    pace: Pace,
    predictor: Option<Predictor>,
    clock: Clock,
}

/// Drafts and where they came from.
#[derive(Default)]
pub(crate) struct Drafts {
    pub(crate) source: Option<Source>,
    pub(crate) ids: Vec<u32>,
}

impl Drafter {
    /// A drafter for sequences of up to `capacity` tokens.
    pub(crate) fn new(
        draft: Draft,
        clock: Clock,
        model: &Model,
        capacity: usize,
    ) -> Result<Self, Error> {
        let predictor = match draft {
            Draft::Lookup => None,
            Draft::Auto if model.decoder.config().n_predict_layers == 0 => None,
            Draft::Auto | Draft::MultiToken => Some(Predictor::new(model, capacity)?),
        };
        Ok(Drafter { draft, pace: Pace::default(), predictor, clock })
    }

    /// The time, as the clock that was given tells it.
    pub(crate) fn now(&self) -> Duration {
        (self.clock)()
    }

    /// The most drafts that the next round can have.
    pub(crate) fn most(&self) -> usize {
        [Source::Lookup, Source::MultiToken]
            .into_iter()
            .map(|source| self.n_drafts(source))
            .max()
            .unwrap_or(0)
    }

    fn n_drafts(&self, source: Source) -> usize {
        let is_on = match source {
            Source::Lookup => self.draft != Draft::MultiToken,
            Source::MultiToken => self.predictor.is_some(),
        };
        if is_on { self.pace.n_drafts(source) } else { 0 }
    }

    /// Does what later rounds gain from as well, so that it is not counted as the price of one.
    pub(crate) fn prepare(&mut self, model: &Model, ids: &[u32]) -> Result<(), Error> {
        match &mut self.predictor {
            Some(predictor) if self.pace.n_drafts(Source::MultiToken) > 0 => {
                predictor.prepare(model, ids)
            }
            _ => Ok(()),
        }
    }

    /// Drafts up to `most` tokens after `ids`, all of which but the last have been run.
    pub(crate) fn draft(
        &mut self,
        model: &Model,
        ids: &[u32],
        most: usize,
    ) -> Result<Drafts, Error> {
        let found = lookup(ids, most.min(self.n_drafts(Source::Lookup)));
        if !found.is_empty() {
            return Ok(Drafts { source: Some(Source::Lookup), ids: found });
        }
        let n_drafts = most.min(self.n_drafts(Source::MultiToken));
        match &mut self.predictor {
            Some(predictor) if n_drafts > 0 => {
                let ids = predictor.draft(model, ids, n_drafts)?;
                let source = (!ids.is_empty()).then_some(Source::MultiToken);
                Ok(Drafts { source, ids })
            }
            _ => Ok(Drafts::default()),
        }
    }

    /// Learns from a round.
    pub(crate) fn record(&mut self, round: &Round) {
        self.pace.record(round);
    }

    /// Keeps the hidden states `[T, D]` of the positions from `at` on.
    pub(crate) fn remember(&mut self, model: &Model, at: usize, hidden: &Tensor) {
        if let Some(predictor) = &mut self.predictor {
            predictor.remember(model, at, hidden);
        }
    }

    /// Forgets what depends on tokens from number `n_alike` on.
    pub(crate) fn truncate(&mut self, n_alike: usize) {
        if let Some(predictor) = &mut self.predictor {
            predictor.truncate(n_alike);
        }
    }
}
