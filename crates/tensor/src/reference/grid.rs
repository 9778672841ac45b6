//! Rows of numbers in double precision, so that the reference's own rounding is out of the way.

use crate::differentiable::{Accumulate, Gradient};
use crate::dtype::Element;
use crate::tensor::Tensor;

/// A matrix of `f64`.
pub(super) struct Grid {
    pub(super) rows: usize,
    pub(super) cols: usize,
    values: Vec<f64>,
}

impl Grid {
    pub(super) fn zeros(rows: usize, cols: usize) -> Self {
        Grid { rows, cols, values: vec![0.0; rows * cols] }
    }

    /// As many zeros as `tensor` has values, in its rows.
    pub(super) fn zeros_like(tensor: &Tensor) -> Self {
        Grid::zeros(tensor.rows(), tensor.cols())
    }

    /// The values of a tensor of any dtype.
    pub(super) fn read(tensor: &Tensor) -> Self {
        let values = tensor.to_f32_vec().into_iter().map(f64::from).collect();
        Grid { rows: tensor.rows(), cols: tensor.cols(), values }
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.cols..][..self.cols]
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.values[row * self.cols..][..self.cols]
    }

    /// A tensor of this matrix, rounded to `f32`.
    pub(super) fn into_tensor(self) -> Tensor {
        let dims = [self.rows, self.cols];
        self.into_shaped(&dims)
    }

    /// A tensor of the given shape, rounded to `f32`.
    pub(super) fn into_shaped(self, dims: &[usize]) -> Tensor {
        let values: Vec<f32> = self.values.into_iter().map(|x| x as f32).collect();
        Tensor::from_slice(&values, dims)
    }

    /// Stores these values into the gradient, or adds them to it.
    pub(super) fn write_to(self, gradient: &mut Gradient) {
        let (mode, tensor) = gradient.write();
        assert_eq!((tensor.rows(), tensor.cols()), (self.rows, self.cols), "shape of a gradient");
        let mut matrix = tensor.matrix_mut::<f32>();
        for row in 0..self.rows {
            for (into, &x) in matrix.row_mut(row).iter_mut().zip(self.row(row)) {
                match mode {
                    Accumulate::Store => *into = x as f32,
                    Accumulate::Add => *into += x as f32,
                }
            }
        }
    }
}

/// All values of a tensor, row after row.
pub(super) fn values<T: Element>(tensor: &Tensor) -> Vec<T> {
    let matrix = tensor.matrix::<T>();
    (0..matrix.rows).flat_map(|row| matrix.row(row).iter().copied()).collect()
}

/// `a · b`.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `y += a · x`.
pub(super) fn add_scaled(y: &mut [f64], a: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// `log Σ exp(x)`, computed from the greatest value down.
pub(super) fn log_sum_exp(xs: &[f64]) -> f64 {
    let greatest = xs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    greatest + xs.iter().map(|x| (x - greatest).exp()).sum::<f64>().ln()
}

/// `1 / (1 + e⁻ˣ)`.
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
