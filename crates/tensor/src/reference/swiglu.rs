//! `silu(gate) · up`, with `silu(x) = x σ(x)`.

use crate::differentiable::Gradient;
use crate::tensor::Tensor;

use super::grid::{Grid, sigmoid};

pub(super) fn silu(x: f64) -> f64 {
    x * sigmoid(x)
}

/// `σ(x) (1 + x (1 - σ(x)))`.
pub(super) fn silu_derivative(x: f64) -> f64 {
    let s = sigmoid(x);
    s * (1.0 + x * (1.0 - s))
}

pub(super) fn swiglu(gate: &Tensor, up: &Tensor) -> Tensor {
    let (gate, up) = (Grid::read(gate), Grid::read(up));
    let mut out = Grid::zeros(gate.rows, gate.cols);
    for t in 0..gate.rows {
        for (i, out) in out.row_mut(t).iter_mut().enumerate() {
            *out = silu(gate.row(t)[i]) * up.row(t)[i];
        }
    }
    out.into_tensor()
}

pub(super) fn swiglu_backward(
    d_out: &Tensor,
    gate: &Tensor,
    up: &Tensor,
    d_gate: &mut Gradient,
    d_up: &mut Gradient,
) {
    let (d_out, gate, up) = (Grid::read(d_out), Grid::read(gate), Grid::read(up));
    let mut gate_values = Grid::zeros(gate.rows, gate.cols);
    let mut up_values = Grid::zeros(gate.rows, gate.cols);
    for t in 0..gate.rows {
        for i in 0..gate.cols {
            let (d, g, u) = (d_out.row(t)[i], gate.row(t)[i], up.row(t)[i]);
            gate_values.row_mut(t)[i] = d * u * silu_derivative(g);
            up_values.row_mut(t)[i] = d * silu(g);
        }
    }
    gate_values.write_to(d_gate);
    up_values.write_to(d_up);
}
