//! `y = x · r · w` with `r = 1 / √(mean(x²) + ε)`.

use crate::differentiable::Gradient;
use crate::tensor::Tensor;

use super::grid::{Grid, dot};

fn inverse_root_mean_square(x: &[f64], epsilon: f32) -> f64 {
    1.0 / (dot(x, x) / x.len() as f64 + f64::from(epsilon)).sqrt()
}

pub(super) fn rms_norm(x: &Tensor, w: &Tensor, epsilon: f32) -> Tensor {
    let (x, w) = (Grid::read(x), Grid::read(w));
    let mut y = Grid::zeros(x.rows, x.cols);
    for t in 0..x.rows {
        let r = inverse_root_mean_square(x.row(t), epsilon);
        for ((y, x), w) in y.row_mut(t).iter_mut().zip(x.row(t)).zip(w.row(0)) {
            *y = x * r * w;
        }
    }
    y.into_tensor()
}

/// With `g = d_out · w`: `d_x = r g - x r³ mean(g x)`, and `d_w = Σₜ d_out · x r`.
pub(super) fn rms_norm_backward(
    d_out: &Tensor,
    x: &Tensor,
    w: &Tensor,
    epsilon: f32,
    d_x: &mut Gradient,
    d_w: Option<&mut Gradient>,
) {
    let (d_out, x, w) = (Grid::read(d_out), Grid::read(x), Grid::read(w));
    let mut x_sums = Grid::zeros(x.rows, x.cols);
    let mut w_sums = Grid::zeros(1, x.cols);
    for t in 0..x.rows {
        let (d_out, x) = (d_out.row(t), x.row(t));
        let r = inverse_root_mean_square(x, epsilon);
        let g: Vec<f64> = d_out.iter().zip(w.row(0)).map(|(d, w)| d * w).collect();
        let mean = dot(&g, x) / x.len() as f64;
        for (i, d_x) in x_sums.row_mut(t).iter_mut().enumerate() {
            *d_x = r * g[i] - x[i] * r.powi(3) * mean;
        }
        for (i, d_w) in w_sums.row_mut(0).iter_mut().enumerate() {
            *d_w += d_out[i] * x[i] * r;
        }
    }
    x_sums.write_to(d_x);
    if let Some(d_w) = d_w {
        w_sums.write_to(d_w);
    }
}
