//! The forward pass, as the papers tell it: embed, then in each layer attend and feed forward,
//! then normalise and project to the vocabulary.

use std::sync::Arc;

use hadal_tensor::{Backend, RotarySpec, Tensor};

use crate::attention::Attention;
use crate::batch::Batch;
use crate::cache::Cache;
use crate::config::Config;
use crate::error::Error;
use crate::feed_forward::{self, Routed};
use crate::rotary;
use crate::weights::{FeedForwardWeights, LayerWeights, WeightSource};

/// A model's mathematics, without its weights.
#[derive(Clone)]
pub struct Decoder {
    config: Arc<Config>,
    rotary: RotarySpec,
}

/// What a forward pass gives.
pub struct Output {
    /// The last hidden states, normalised, `[T, D]`.
    pub hidden: Tensor,
    /// What the router did, for each layer with experts, in order.
    pub routed: Vec<Routed>,
}

impl Decoder {
    /// A decoder for texts of up to `n_positions` tokens on `device`.
    pub fn new(config: Config, device: &dyn Backend, n_positions: usize) -> Self {
        let tables = rotary::tables(&config, n_positions);
        let rotary = RotarySpec {
            cos: device.upload(&tables.cos),
            sin: device.upload(&tables.sin),
            ..tables
        };
        Decoder { config: Arc::new(config), rotary }
    }

    /// The model's facts.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The longest text it was made for.
    pub fn n_positions(&self) -> usize {
        self.rotary.cos.rows()
    }

    /// Runs a batch through all layers. With a cache, the batch continues the cached sequence and
    /// is appended to it; without, it stands alone.
    ///
    /// # Errors
    /// When a token is not in the vocabulary, the batch does not fit, or weights cannot be had;
    /// the cache is then as before.
    pub fn forward(
        &self,
        device: &dyn Backend,
        weights: &dyn WeightSource,
        batch: &Batch,
        mut cache: Option<&mut Cache>,
    ) -> Result<Output, Error> {
        self.check(batch, cache.as_deref())?;
        let mut routed = Vec::new();
        let mut x = self.embed(device, weights, batch)?;
        for index in 0..self.config.n_layers {
            let layer = weights.layer(index)?;
            let (next, router) = self.layer(device, &layer, index, &x, batch, cache.as_deref_mut());
            x = next;
            routed.extend(router);
        }
        let hidden = self.normalise(device, weights, &x)?;
        if let Some(cache) = cache {
            cache.advance(&batch.segments);
        }
        Ok(Output { hidden, routed })
    }

    /// What enters the first layer, `[T, D]`.
    ///
    /// # Errors
    /// When weights cannot be had.
    pub fn embed(
        &self,
        device: &dyn Backend,
        weights: &dyn WeightSource,
        batch: &Batch,
    ) -> Result<Tensor, Error> {
        Ok(device.embedding(&weights.embedding()?, &device.upload(&batch.ids)))
    }

    /// Layer `index`: from `x` `[T, D]` to the same, and what its router did if it has experts.
    pub fn layer(
        &self,
        device: &dyn Backend,
        weights: &LayerWeights,
        index: usize,
        x: &Tensor,
        batch: &Batch,
        cache: Option<&mut Cache>,
    ) -> (Tensor, Option<Routed>) {
        let epsilon = self.config.norm_epsilon;
        let h = device.rms_norm(x, &weights.attention_norm, epsilon);
        let attention =
            Attention { device, config: &self.config, rotary: &self.rotary, batch, layer: index };
        let attended = attention.forward(&h, &weights.attention, cache);
        let x = device.add(x, &attended);

        let h = device.rms_norm(&x, &weights.feed_forward_norm, epsilon);
        let (fed, routed) = match (&weights.feed_forward, self.config.mixture_of_layer(index)) {
            (FeedForwardWeights::Mixture(weights), Some(config)) => {
                let (fed, routed) = feed_forward::mixture(device, &h, weights, config);
                (fed, Some(routed))
            }
            (FeedForwardWeights::Dense(weights), _) => {
                (feed_forward::dense(device, &h, weights), None)
            }
            (FeedForwardWeights::Mixture(_), None) => {
                unreachable!("the weights were assembled from this configuration")
            }
        };
        (device.add(&x, &fed), routed)
    }

    /// The last normalisation: from what leaves the last layer to hidden states, `[T, D]`.
    ///
    /// # Errors
    /// When weights cannot be had.
    pub fn normalise(
        &self,
        device: &dyn Backend,
        weights: &dyn WeightSource,
        x: &Tensor,
    ) -> Result<Tensor, Error> {
        let (norm, _) = weights.head()?;
        Ok(device.rms_norm(x, &norm, self.config.norm_epsilon))
    }

    /// Projects hidden states `[T, D]` to the vocabulary, `[T, V]`.
    ///
    /// # Errors
    /// When weights cannot be had.
    pub fn logits(
        &self,
        device: &dyn Backend,
        weights: &dyn WeightSource,
        hidden: &Tensor,
    ) -> Result<Tensor, Error> {
        let (_, projection) = weights.head()?;
        Ok(device.linear(hidden, &projection))
    }

    /// Hidden states from which [`Decoder::logits`] predicts the token after next, `[T, D]`, and
    /// what the router did: from the main model's `hidden` `[T, D]` and the token that follows each
    /// row, `next` (`i32 [T]`). One layer of its own joins the two (DeepSeek-V3, section 2.2).
    ///
    /// The report does not say whether `hidden` is taken before or after the last normalisation.
    /// It is taken after, as engines that run the published weights are reported to do. The report's
    /// equation 21 puts the hidden state first; vLLM's `deepseek_mtp`, which reads the published
    /// `eh_proj`, has the embedding first, as here.
    ///
    /// With a cache, which is one of [`Cache::of_predict_layer`], the batch continues the rows that
    /// it holds and is appended to them.
    ///
    /// # Errors
    /// When a token is not in the vocabulary, the batch does not fit, or the weights have no such
    /// layer.
    pub fn predict_second(
        &self,
        device: &dyn Backend,
        weights: &dyn WeightSource,
        hidden: &Tensor,
        next: &Tensor,
        batch: &Batch,
        mut cache: Option<&mut Cache>,
    ) -> Result<(Tensor, Option<Routed>), Error> {
        self.check_ids(next)?;
        self.check(batch, cache.as_deref())?;
        let epsilon = self.config.norm_epsilon;
        let predict = weights.predict_layer()?;
        let embedded = device.embedding(&weights.embedding()?, &device.upload(next));
        let embedded = device.rms_norm(&embedded, &predict.embedding_norm, epsilon);
        let hidden = device.rms_norm(hidden, &predict.hidden_norm, epsilon);
        let joined = device.join_columns(&embedded, &hidden); // [T, 2 D]
        let x = device.linear(&joined, &predict.projection); // [T, D]
        let index = self.config.n_layers;
        let (x, routed) =
            self.layer(device, &predict.layer, index, &x, batch, cache.as_deref_mut());
        if let Some(cache) = cache {
            cache.advance(&batch.segments);
        }
        Ok((device.rms_norm(&x, &predict.norm, epsilon), routed))
    }

    fn check(&self, batch: &Batch, cache: Option<&Cache>) -> Result<(), Error> {
        self.check_ids(&batch.ids)?;
        if batch.n_positions > self.n_positions() {
            let (wanted, capacity) = (batch.n_positions, self.n_positions());
            return Err(Error::ContextFull { wanted, capacity });
        }
        cache.map_or(Ok(()), |cache| cache.reserve(&batch.segments))
    }

    fn check_ids(&self, ids: &Tensor) -> Result<(), Error> {
        let vocab_size = self.config.vocab_size;
        let known = 0..vocab_size as i32;
        match ids.as_slice::<i32>().iter().find(|id| !known.contains(id)) {
            None => Ok(()),
            Some(id) => Err(Error::UnknownToken { id: *id as u32, vocab_size }),
        }
    }
}
