//! Recomputation of activations (Chen et al. 2016): of each layer only the input is kept, and what
//! the backward pass needs of it is computed again when it comes there.

use std::sync::Arc;

use hadal_model::{Batch, Decoder, Output, WeightSource};

use crate::error::Error;
use crate::tape::Tape;

/// [`Decoder::forward`] on a tape that holds the inputs of layers. Each layer runs twice on the
/// same numbers, so its gradients have the bits that they have without this.
///
/// # Errors
/// As the decoder's.
pub(crate) fn forward(
    tape: &Tape<'_>,
    decoder: &Decoder,
    weights: &dyn WeightSource,
    batch: &Batch,
) -> Result<Output, Error> {
    let mut routed = Vec::new();
    let mut x = decoder.embed(tape, weights, batch)?;
    for index in 0..decoder.config().n_layers {
        let layer = weights.layer(index)?;
        let (next, chosen) = decoder.layer(tape.device(), &layer, index, &x, batch, None);
        let outputs = [Some(next.id()), chosen.as_ref().map(|chosen| chosen.logits.id())];
        let (decoder, layer, batch) = (decoder.clone(), Arc::clone(&layer), batch.clone());
        tape.push(Box::new(move |device, gradients| {
            let d_outputs = outputs.map(|output| gradients.consume(output?));
            let inner = Tape::around(device);
            let (next, chosen) = decoder.layer(&inner, &layer, index, &x, &batch, None);
            let outputs = [Some(next), chosen.map(|chosen| chosen.logits)];
            let known = outputs.iter().zip(d_outputs);
            inner.backward_from(
                known.filter_map(|(output, d_output)| Some((output.as_ref()?, d_output?))),
                gradients,
            );
        }));
        x = next;
        routed.extend(chosen);
    }
    Ok(Output { hidden: decoder.normalise(tape, weights, &x)?, routed })
}
