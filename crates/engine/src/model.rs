//! A model ready to run: its mathematics, its weights, and the device they are on.

use std::sync::Arc;

use hadal_model::{Decoder, WeightSource};
use hadal_tensor::{Backend, Tensor};

use crate::error::Error;

pub(crate) struct Model {
    pub(crate) decoder: Decoder,
    pub(crate) weights: Arc<dyn WeightSource>,
    pub(crate) device: Arc<dyn Backend>,
}

impl Model {
    /// The scores of all tokens after each row of `hidden` `[T, D]`.
    pub(crate) fn scores(&self, hidden: &Tensor) -> Result<Vec<Vec<f32>>, Error> {
        let logits = self.decoder.logits(&*self.device, &*self.weights, hidden)?; // [T, V]
        let values = self.device.download(&logits).to_f32_vec();
        Ok(values.chunks_exact(logits.cols()).map(<[f32]>::to_vec).collect())
    }
}
