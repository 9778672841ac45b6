//! `y = x wᵀ`.

use crate::differentiable::Gradient;
use crate::tensor::Tensor;

use super::grid::{Grid, add_scaled, dot};

pub(super) fn linear(x: &Tensor, w: &Tensor) -> Tensor {
    let (x, w) = (Grid::read(x), Grid::read(w));
    let mut y = Grid::zeros(x.rows, w.rows); // T × O
    for t in 0..x.rows {
        for o in 0..w.rows {
            y.row_mut(t)[o] = dot(x.row(t), w.row(o));
        }
    }
    y.into_tensor()
}

pub(super) fn linear_backward(
    d_out: &Tensor,
    x: &Tensor,
    w: &Tensor,
    d_x: Option<&mut Gradient>,
    d_w: Option<&mut Gradient>,
) {
    let d_out = Grid::read(d_out);
    if let Some(d_x) = d_x {
        let w = Grid::read(w);
        let mut sums = Grid::zeros(x.rows(), x.cols()); // T × I
        for t in 0..d_out.rows {
            for o in 0..w.rows {
                add_scaled(sums.row_mut(t), d_out.row(t)[o], w.row(o));
            }
        }
        sums.write_to(d_x);
    }
    if let Some(d_w) = d_w {
        let x = Grid::read(x);
        let mut sums = Grid::zeros_like(w); // O × I
        for t in 0..d_out.rows {
            for o in 0..w.rows() {
                add_scaled(sums.row_mut(o), d_out.row(t)[o], x.row(t));
            }
        }
        sums.write_to(d_w);
    }
}
