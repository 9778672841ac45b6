//! The story of generation: plan what to compute, run it, commit what came of it.

use std::ops::ControlFlow;
use std::sync::Arc;

use hadal_model::{Batch, Cache, Decoder, WeightSource};
use hadal_tensor::Backend;
use hadal_tokenizer::Tokenizer;

use crate::error::Error;
use crate::event::{Event, FinishReason, Finished, Generation, Usage};
use crate::plan::{Plan, Progress, plan};
use crate::request::Request;
use crate::sampler::Sampler;
use crate::text::TextStream;

/// Prompt tokens computed in one step: enough to keep matrix products efficient, few enough that
/// a long prompt needs no large buffers and can be cancelled.
const CHUNK_LEN: usize = 512;

/// Runs one sequence at a time, and keeps its cache for the next one that begins alike.
pub struct Engine {
    decoder: Decoder,
    weights: Arc<dyn WeightSource>,
    device: Arc<dyn Backend>,
    tokenizer: Arc<Tokenizer>,
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
            decoder,
            weights,
            device,
            tokenizer,
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
        let vocab_size = self.decoder.config().vocab_size;
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
        self.sequence = Some(Sequence {
            n_prompt: prompt.len(),
            n_reused,
            max_new_tokens,
            sampler: Sampler::new(sampling, &prompt),
            text: TextStream::new(&self.tokenizer, stops),
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
        match plan(sequence.progress(self.held.len()), self.capacity(), self.chunk_len) {
            Plan::Finish(reason) => Ok(Some(Event::Finished(sequence.finish(reason)))),
            Plan::Compute { tokens, is_last } => {
                let logits = self.run(&sequence.ids[tokens], is_last)?;
                let event = match logits {
                    None => Event::Prompt { n_done: self.held.len(), n_total: sequence.n_prompt },
                    Some(logits) => sequence.commit(&logits, &self.tokenizer, &self.end_ids)?,
                };
                self.sequence = Some(sequence);
                Ok(Some(event))
            }
        }
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

    /// Runs tokens through the model, appending them to the cache; the scores of the token after
    /// them, if they are asked for.
    fn run(&mut self, ids: &[u32], is_last: bool) -> Result<Option<Vec<f32>>, Error> {
        let (device, weights) = (&*self.device, &*self.weights);
        let batch = Batch::continuing(self.held.len(), ids)?;
        let output = self.decoder.forward(device, weights, &batch, Some(&mut self.cache))?;
        self.held.extend_from_slice(ids);
        if !is_last {
            return Ok(None);
        }
        let last = output.hidden.row_range(ids.len() - 1..ids.len()); // [1, D]
        let logits = self.decoder.logits(device, weights, &last)?; // [1, V]
        Ok(Some(device.download(&logits).to_f32_vec()))
    }
}

impl Sequence {
    fn progress(&self, n_cached: usize) -> Progress {
        Progress { n_tokens: self.ids.len(), n_cached, ending: self.ending.clone() }
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
        };
        Finished { text: self.text.finish(), reason, usage }
    }
}
