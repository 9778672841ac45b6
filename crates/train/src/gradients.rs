//! Gradients by the identity of the tensor they belong to.

use std::collections::{HashMap, HashSet};

use hadal_tensor::{Backend, DType, Gradient, Tensor, TensorId};

/// The gradients of one backward pass, and afterwards those of the trained weights.
///
/// First writes store and later writes add, so that several micro-batches accumulate when their
/// backward passes are given the same `Gradients`.
#[derive(Default)]
pub struct Gradients {
    places: HashMap<TensorId, Gradient>,
    trained: HashSet<TensorId>,
}

impl Gradients {
    /// Empty places for the gradients of `trained`.
    pub fn of<'a>(trained: impl IntoIterator<Item = &'a Tensor>) -> Self {
        let trained = trained.into_iter().map(Tensor::id).collect();
        Gradients { places: HashMap::new(), trained }
    }

    /// The gradient of a trained weight; `None` where nothing depended on it.
    pub fn get(&self, weight: &Tensor) -> Option<&Tensor> {
        self.places.get(&weight.id()).filter(|place| place.is_filled()).map(Gradient::tensor)
    }

    /// Whether the gradient of a weight is asked for.
    pub(crate) fn is_trained(&self, weight: &Tensor) -> bool {
        self.trained.contains(&weight.id())
    }

    /// Sets what a backward pass begins with.
    pub(crate) fn seed(&mut self, output: &Tensor, gradient: Tensor) {
        self.places.insert(output.id(), Gradient::filled(gradient));
    }

    /// Takes the gradient of an output out: it is consumed. `None` where nothing depended on it.
    pub(crate) fn consume(&mut self, output: TensorId) -> Option<Tensor> {
        let place = self.places.remove(&output)?;
        place.is_filled().then(|| place.into_tensor())
    }

    /// Lends the place for the gradient of `input` to `write`.
    pub(crate) fn write<R>(
        &mut self,
        device: &dyn Backend,
        input: &Tensor,
        write: impl FnOnce(&mut Self, &mut Gradient) -> R,
    ) -> R {
        let mut place = self.take(device, input);
        let result = write(self, &mut place);
        self.put_back(input, place);
        result
    }

    /// Takes the place for the gradient of `input`, made where it does not exist yet.
    pub(crate) fn take(&mut self, device: &dyn Backend, input: &Tensor) -> Gradient {
        self.places
            .remove(&input.id())
            .unwrap_or_else(|| Gradient::unfilled(device.empty(DType::F32, input.dims())))
    }

    /// Puts a place back after writing.
    pub(crate) fn put_back(&mut self, input: &Tensor, place: Gradient) {
        self.places.insert(input.id(), place);
    }
}
