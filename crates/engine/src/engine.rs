//! The story of generation: plan what to compute, run it, commit what came of it.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use hadal_model::{Batch, Cache, Decoder, WeightSource};
use hadal_tensor::Backend;
use hadal_tokenizer::Tokenizer;

use crate::drafter::{Clock, Draft, Drafter, Drafts};
use crate::error::Error;
use crate::event::{Event, FinishReason, Finished, Generation, Usage};
use crate::model::Model;
use crate::pace::Round;
use crate::plan::{Plan, Progress, plan};
use crate::request::Request;
use crate::sampler::Sampler;
use crate::text::TextStream;

/// Prompt tokens computed in one step: enough to keep matrix products efficient, few enough that
/// a long prompt needs no large buffers and can be cancelled.
const CHUNK_LEN: usize = 512;

/// Runs one sequence at a time, and keeps its cache for the next one that begins alike.
pub struct Engine {
    model: Model,
    tokenizer: Arc<Tokenizer>,
    drafter: Option<Drafter>,
    cache: Cache,
    /// The tokens whose keys and values are in the cache.
    held: Vec<u32>,
    sequence: Option<Sequence>,
    end_ids: Vec<u32>,
    chunk_len: usize,
}

/// A request being answered.
struct Sequence {
    /// Prompt, then generated.
    ids: Vec<u32>,
    n_prompt: usize,
    n_reused: usize,
    max_new_tokens: usize,
    sampler: Sampler,
    text: TextStream,
    /// The scores after the last token, and after the drafts that follow it in the cache.
    scores: VecDeque<Vec<f32>>,
    /// The forward pass that gave them, where it was of one token and its drafts.
    round: Option<Round>,
    n_drafted: usize,
    n_accepted: usize,
    ending: Option<FinishReason>,
}

impl Engine {
    /// An engine with room for `capacity` positions, prompt and answer together.
    ///
    /// # Errors
    /// When `capacity` is 0 or more than the decoder was made for.
    pub fn new(
        decoder: Decoder,
        weights: Arc<dyn WeightSource>,
        device: Arc<dyn Backend>,
        tokenizer: Arc<Tokenizer>,
        capacity: usize,
    ) -> Result<Self, Error> {
        let most = decoder.n_positions();
        if !(1..=most).contains(&capacity) {
            return Err(Error::Capacity { found: capacity, most });
        }
        let cache = Cache::new(decoder.config(), &*device, capacity);
        let end_ids = decoder.config().eos.iter().copied().chain(tokenizer.eos()).collect();
        Ok(Engine {
            model: Model { decoder, weights, device },
            tokenizer,
            drafter: None,
            cache,
            held: Vec::new(),
            sequence: None,
            end_ids,
            chunk_len: CHUNK_LEN,
        })
    }

    /// The same engine with another number of prompt tokens computed in one step.
    ///
    /// # Panics
    /// When that is 0.
    #[must_use]
    pub fn with_chunk_len(self, chunk_len: usize) -> Self {
        assert!(chunk_len > 0, "a chunk has at least one token");
        Engine { chunk_len, ..self }
    }

    /// The same engine that guesses the next tokens while that pays by `clock`, which tells the
    /// time. Which tokens come does not depend on it, as far as the device computes each row of a
    /// small batch as it would alone.
    ///
    /// # Errors
    /// When the layer that predicts the token after next is asked for, and the model has none.
    pub fn with_drafts(self, draft: Draft, clock: Clock) -> Result<Self, Error> {
        let drafter = Some(Drafter::new(draft, clock, &self.model, self.capacity())?);
        Ok(Engine { drafter, ..self })
    }

    /// Positions there is room for.
    pub fn capacity(&self) -> usize {
        self.cache.capacity()
    }

    /// The tokenizer that text is decoded with.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Takes a request. What the cache holds of its prompt is not computed again.
    ///
    /// # Errors
    /// When another request runs, or the prompt has a token that is unknown or is too long.
    pub fn submit(&mut self, request: Request) -> Result<(), Error> {
        if self.sequence.is_some() {
            return Err(Error::Busy);
        }
        let Request { prompt, max_new_tokens, sampling, stops } = request;
        let vocab_size = self.model.decoder.config().vocab_size;
        if let Some(&id) = prompt.iter().find(|id| **id as usize >= vocab_size) {
            return Err(Error::UnknownToken { id, vocab_size });
        }
        if prompt.len() > self.capacity() {
            return Err(Error::PromptTooLong { found: prompt.len(), capacity: self.capacity() });
        }
        let n_alike = self.held.iter().zip(&prompt).take_while(|(held, id)| held == id).count();
        // The last token is always computed, because its scores choose the first new one.
        let n_reused = n_alike.min(prompt.len() - 1);
        self.cache.truncate(n_reused);
        self.held.truncate(n_reused);
        if let Some(drafter) = &mut self.drafter {
            drafter.truncate(n_reused);
        }
        self.sequence = Some(Sequence {
            n_prompt: prompt.len(),
            n_reused,
            max_new_tokens,
            sampler: Sampler::new(sampling, &prompt),
            text: TextStream::new(&self.tokenizer, stops),
            scores: VecDeque::new(),
            round: None,
            n_drafted: 0,
            n_accepted: 0,
            ids: prompt,
            ending: None,
        });
        Ok(())
    }

    /// Does the next piece of work and tells what it was; `None` when there is none.
    ///
    /// # Errors
    /// When the model fails; the request is then over and the engine ready for another.
    pub fn step(&mut self) -> Result<Option<Event>, Error> {
        let Some(mut sequence) = self.sequence.take() else { return Ok(None) };
        let n_drafts = self.drafter.as_ref().map_or(0, Drafter::most);
        let progress = sequence.progress(self.held.len(), n_drafts);
        let event = match plan(progress, self.capacity(), self.chunk_len) {
            Plan::Finish(reason) => return Ok(Some(Event::Finished(sequence.finish(reason)))),
            Plan::Compute { tokens, is_last: false, .. } => {
                self.run(&sequence.ids[tokens], 0)?;
                Event::Prompt { n_done: self.held.len(), n_total: sequence.n_prompt }
            }
            Plan::Compute { tokens, is_last: true, n_drafts } if tokens.len() == 1 => {
                self.run_with_drafts(&mut sequence, n_drafts)?;
                self.choose(&mut sequence)?
            }
            Plan::Compute { tokens, is_last: true, .. } => {
                sequence.scores = self.run(&sequence.ids[tokens], 1)?.into();
                self.choose(&mut sequence)?
            }
            Plan::Choose => self.choose(&mut sequence)?,
        };
        self.sequence = Some(sequence);
        Ok(Some(event))
    }

    /// Ends the request that runs, if one does; the next step says so.
    pub fn cancel(&mut self) {
        if let Some(sequence) = &mut self.sequence {
            sequence.ending.get_or_insert(FinishReason::Cancelled);
        }
    }

    /// Answers a request from beginning to end, telling each event to `on_event`, which may break
    /// off.
    ///
    /// # Errors
    /// As [`Engine::submit`] and [`Engine::step`].
    pub fn generate(
        &mut self,
        request: Request,
        mut on_event: impl FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<Generation, Error> {
        self.submit(request)?;
        let (mut ids, mut generated) = (Vec::new(), String::new());
        loop {
            let event = self.step()?.expect("a sequence has events until it has finished");
            if on_event(&event).is_break() {
                self.cancel();
            }
            match event {
                Event::Prompt { .. } => {}
                Event::Token { id, text } => {
                    ids.push(id);
                    generated.push_str(&text);
                }
                Event::Finished(Finished { text, reason, usage }) => {
                    generated.push_str(&text);
                    return Ok(Generation { ids, text: generated, reason, usage });
                }
            }
        }
    }

    /// Runs the last token of a sequence, and after it up to `n_drafts` guesses.
    fn run_with_drafts(&mut self, sequence: &mut Sequence, n_drafts: usize) -> Result<(), Error> {
        if let Some(drafter) = &mut self.drafter {
            drafter.prepare(&self.model, &sequence.ids)?;
        }
        let began = self.drafter.as_ref().map(Drafter::now);
        let drafts = match &mut self.drafter {
            Some(drafter) => drafter.draft(&self.model, &sequence.ids, n_drafts)?,
            None => Drafts::default(),
        };
        let last = &sequence.ids[sequence.ids.len() - 1..];
        let n_drafted = drafts.ids.len();
        sequence.scores = self.run(&[last, &drafts.ids].concat(), 1 + n_drafted)?.into();
        sequence.n_drafted += n_drafted;
        sequence.round = self.drafter.as_ref().zip(began).map(|(drafter, began)| Round {
            source: drafts.source,
            n_drafted,
            n_accepted: 0,
            took: drafter.now().saturating_sub(began),
        });
        Ok(())
    }

    /// Runs tokens through the model, appending them to the cache; the scores after each of the
    /// last `n_scored`.
    fn run(&mut self, ids: &[u32], n_scored: usize) -> Result<Vec<Vec<f32>>, Error> {
        let Model { decoder, weights, device } = &self.model;
        let start = self.held.len();
        let batch = Batch::continuing(start, ids)?;
        let output = decoder.forward(&**device, &**weights, &batch, Some(&mut self.cache))?;
        self.held.extend_from_slice(ids);
        if let Some(drafter) = &mut self.drafter {
            drafter.remember(&self.model, start, &output.hidden);
        }
        if n_scored == 0 {
            return Ok(Vec::new());
        }
        self.model.scores(&output.hidden.row_range(ids.len() - n_scored..ids.len()))
    }

    /// Chooses the next token from the first scores. They are of use up to the first draft that
    /// was not chosen: it and what follows it leave the cache.
    ///
    /// A draft is accepted when the sampler draws it, with the draws and the history it would have
    /// had without. For a source that is certain of its draft this is speculative sampling
    /// (Leviathan et al. 2023): a draft of probability p is accepted with probability p, and the
    /// token in its place is distributed as the others are.
    fn choose(&mut self, sequence: &mut Sequence) -> Result<Event, Error> {
        let scores = sequence.scores.pop_front().expect("scores were computed for this token");
        let event = sequence.commit(&scores, &self.tokenizer, &self.end_ids)?;
        let n_before = sequence.ids.len() - 1;
        if self.held.get(n_before) == sequence.ids.last() {
            sequence.n_accepted += 1;
            sequence.round.iter_mut().for_each(|round| round.n_accepted += 1);
        } else {
            sequence.scores.clear();
            self.cache.truncate(n_before);
            self.held.truncate(n_before);
        }
        if sequence.scores.is_empty()
            && let (Some(drafter), Some(round)) = (&mut self.drafter, sequence.round.take())
        {
            drafter.record(&round);
        }
        Ok(event)
    }
}

impl Sequence {
    fn progress(&self, n_cached: usize, n_drafts: usize) -> Progress {
        Progress {
            n_tokens: self.ids.len(),
            n_cached,
            n_scored: self.scores.len(),
            n_left: self.max_new_tokens - self.n_generated(),
            n_drafts,
            ending: self.ending.clone(),
        }
    }

    fn n_generated(&self) -> usize {
        self.ids.len() - self.n_prompt
    }

    /// Chooses the next token, appends it, and sees whether it is the last.
    fn commit(
        &mut self,
        logits: &[f32],
        tokenizer: &Tokenizer,
        end_ids: &[u32],
    ) -> Result<Event, Error> {
        let id = self.sampler.sample(logits)?;
        self.ids.push(id);
        if end_ids.contains(&id) {
            self.ending = Some(FinishReason::EndOfText);
            return Ok(Event::Token { id, text: String::new() });
        }
        // Published embeddings have rows that no token has; they say nothing.
        let is_token = tokenizer.token_bytes(id).is_some();
        let piece = if is_token { self.text.push(id)? } else { Default::default() };
        if let Some(stop) = piece.stop {
            self.ending = Some(FinishReason::Stop(stop));
        } else if self.n_generated() == self.max_new_tokens {
            self.ending = Some(FinishReason::Length);
        }
        Ok(Event::Token { id, text: piece.text })
    }

    fn finish(self, reason: FinishReason) -> Finished {
        let usage = Usage {
            n_prompt: self.n_prompt,
            n_reused: self.n_reused,
            n_generated: self.n_generated(),
            n_drafted: self.n_drafted,
            n_accepted: self.n_accepted,
        };
        Finished { text: self.text.finish(), reason, usage }
    }
}
