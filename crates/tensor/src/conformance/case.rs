//! One row of the table: an operation on one set of inputs.

use std::fmt;

use crate::differentiable::{Differentiable, Gradient};
use crate::tensor::Tensor;

/// How far a value may lie from the reference's: `absolute + relative · m`, where `m` is the
/// greatest magnitude in the reference's tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Whatever the size of the values.
    pub absolute: f64,
    /// In proportion to the greatest magnitude.
    pub relative: f64,
}

impl Bound {
    /// The operation rounds nothing, or in only one way.
    pub const EXACT: Bound = Bound { absolute: 0.0, relative: 0.0 };
    /// `f32` throughout, with sums in any order and a polynomial exponential.
    pub const F32: Bound = Bound { absolute: 1e-6, relative: 1e-5 };
    /// Activations may be rounded to `bf16` (8 bits of significand) before a product with `bf16`
    /// weights; the errors of a dot product mostly cancel.
    pub const BF16: Bound = Bound { absolute: 1e-6, relative: 8e-3 };
    /// Both factors of every product may be rounded to `bf16`, three products in a row.
    pub const BF16_PRODUCTS: Bound = Bound { absolute: 1e-6, relative: 1.5e-2 };
    /// Activations may be rounded to 8-bit blocks before a product with packed weights.
    pub const Q8_0: Bound = Bound { absolute: 1e-6, relative: 2e-2 };

    /// The bound for a tensor whose greatest magnitude is `magnitude`.
    pub fn at(&self, magnitude: f64) -> f64 {
        self.absolute + self.relative * magnitude
    }

    /// The looser of two bounds; what is exact stays so.
    pub(super) fn or(self, rounding: Bound) -> Bound {
        if self == Bound::EXACT {
            return self;
        }
        Bound {
            absolute: self.absolute.max(rounding.absolute),
            relative: self.relative.max(rounding.relative),
        }
    }

    /// Gradients are sums even where the values are copies.
    pub(super) fn of_gradients(self) -> Bound {
        if self == Bound::EXACT { Bound::F32 } else { self }
    }

    /// Whether finite differences of such values still tell a gradient.
    pub(super) fn is_fine(&self) -> bool {
        self.relative <= Bound::F32.relative
    }
}

/// One input of a case.
pub(super) struct Input {
    pub(super) name: String,
    pub(super) host: Tensor,
    /// Whether the backward pass is asked for its gradient.
    pub(super) is_wanted: bool,
    is_strided: bool,
}

impl Input {
    /// An input without a gradient.
    pub(super) fn fixed(name: impl Into<String>, host: Tensor) -> Self {
        Input { name: name.into(), host, is_wanted: false, is_strided: false }
    }

    /// An `f32` input whose gradient is asked for.
    pub(super) fn wanted(name: impl Into<String>, host: Tensor) -> Self {
        Input { is_wanted: true, ..Input::fixed(name, host) }
    }

    /// The same input as a range of columns of a wider tensor, when `is_strided`.
    pub(super) fn strided(self, is_strided: bool) -> Self {
        Input { is_strided, ..self }
    }

    /// This input on the device.
    pub(super) fn upload(&self, backend: &dyn Differentiable) -> Tensor {
        self.upload_in_place(backend, &self.host)
    }

    /// Other values of the same shape on the device, laid out as this input is. The gaps of a
    /// strided one hold NaN, which no operation may touch.
    pub(super) fn upload_in_place(&self, backend: &dyn Differentiable, host: &Tensor) -> Tensor {
        const BEFORE: usize = 5;
        const AFTER: usize = 3;
        if !self.is_strided {
            return backend.upload(host);
        }
        let (rows, cols) = (host.rows(), host.cols());
        let stride = BEFORE + cols + AFTER;
        let mut wide = vec![f32::NAN; rows * stride];
        for (row, wide) in wide.chunks_exact_mut(stride).enumerate() {
            wide[BEFORE..BEFORE + cols].copy_from_slice(host.matrix().row(row));
        }
        let wide = backend.upload(&Tensor::from_slice(&wide, &[rows, stride]));
        backend.columns(&wide, BEFORE..BEFORE + cols)
    }
}

/// From the inputs on a device to the outputs.
type Forward = Box<dyn Fn(&dyn Differentiable, &[Tensor]) -> Vec<Tensor> + Send + Sync>;

/// From the inputs and the gradients of the `f32` outputs to the gradients of the wanted inputs.
type Backward =
    Box<dyn Fn(&dyn Differentiable, &[Tensor], &[Tensor], &mut [Option<Gradient>]) + Send + Sync>;

/// An operation on one set of inputs, and how closely a backend must agree with the reference.
pub struct Case {
    /// The operation, its shape, and what is special about it.
    pub name: String,
    /// How closely values and gradients must agree.
    pub bound: Bound,
    pub(super) inputs: Vec<Input>,
    pub(super) forward: Forward,
    /// Another way to the first outputs of `forward`, on the same device.
    pub(super) twin: Option<Forward>,
    pub(super) backward: Option<Backward>,
    /// How many times a backend's rounding of products may go into the result.
    pub(super) amplification: f64,
    /// Floating-point operations of the forward pass.
    pub(super) flops: f64,
    /// Bytes the forward pass must read and write.
    pub(super) bytes: f64,
}

impl Case {
    pub(super) fn new(
        name: impl Into<String>,
        bound: Bound,
        inputs: Vec<Input>,
        forward: impl Fn(&dyn Differentiable, &[Tensor]) -> Vec<Tensor> + Send + Sync + 'static,
    ) -> Self {
        Case {
            name: name.into(),
            bound,
            inputs,
            forward: Box::new(forward),
            twin: None,
            backward: None,
            amplification: 1.0,
            flops: 0.0,
            bytes: 0.0,
        }
    }

    pub(super) fn twin(
        self,
        twin: impl Fn(&dyn Differentiable, &[Tensor]) -> Vec<Tensor> + Send + Sync + 'static,
    ) -> Self {
        Case { twin: Some(Box::new(twin)), ..self }
    }

    pub(super) fn backward(
        self,
        backward: impl Fn(&dyn Differentiable, &[Tensor], &[Tensor], &mut [Option<Gradient>])
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Case { backward: Some(Box::new(backward)), ..self }
    }

    /// The same case of an operation that multiplies many times in a row.
    pub(super) fn amplifying(self, amplification: f64) -> Self {
        Case { amplification, ..self }
    }

    /// The same case for a backend that rounds its products as well.
    pub(super) fn within(self, rounding: Bound) -> Self {
        let relative = rounding.relative * self.amplification;
        Case { bound: self.bound.or(Bound { relative, ..rounding }), ..self }
    }

    /// The work of the forward pass, for the measurement of speed.
    pub(super) fn work(self, flops: usize, bytes: usize) -> Self {
        Case { flops: flops as f64, bytes: bytes as f64, ..self }
    }

    pub(super) fn upload(&self, backend: &dyn Differentiable) -> Vec<Tensor> {
        self.inputs.iter().map(|input| input.upload(backend)).collect()
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

/// The place of a gradient that the case wants.
pub(super) fn place(gradient: &mut Option<Gradient>) -> &mut Gradient {
    gradient.as_mut().expect("the case wants this gradient")
}

/// The places of all gradients of a case that wants them all.
pub(super) fn places<const N: usize>(gradients: &mut [Option<Gradient>]) -> [&mut Gradient; N] {
    let places: Vec<&mut Gradient> = gradients.iter_mut().map(place).collect();
    places.try_into().unwrap_or_else(|places: Vec<_>| panic!("{} places for {N}", places.len()))
}

/// Uploads a tensor that nothing else holds afterwards, so that it may be written.
pub(super) fn upload_owned(backend: &dyn Differentiable, host: Tensor) -> Tensor {
    backend.upload(&host)
}
