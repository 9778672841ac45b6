//! Muon: momentum, made orthogonal by the iteration of Newton and Schulz.

use crate::differentiable::{Muon, MuonMatrix};

use super::grid::{Grid, dot, values};

pub(super) fn muon(matrix: MuonMatrix<'_>) {
    let MuonMatrix { weight, gradient, momentum, update } = matrix;
    let gradient = gradient.map_or_else(|| vec![0.0; weight.len()], values::<f32>);
    let beta = f64::from(update.momentum);
    let (rows, cols) = (weight.rows(), weight.cols());
    let mut x = Grid::zeros(rows, cols);
    for (i, (m, g)) in momentum.as_mut_slice::<f32>().iter_mut().zip(gradient).enumerate() {
        let g = f64::from(g) * f64::from(update.gradient_scale);
        let mean = beta * f64::from(*m) + (1.0 - beta) * g;
        x.row_mut(i / cols)[i % cols] = beta * mean + (1.0 - beta) * g;
        *m = mean as f32;
    }
    let step = orthogonal(x);
    let shrink = 1.0 - f64::from(update.learning_rate) * f64::from(update.weight_decay);
    let size = update.step_size(rows, cols);
    for (i, w) in weight.as_mut_slice::<f32>().iter_mut().enumerate() {
        *w = (f64::from(*w) * shrink - size * step.row(i / cols)[i % cols]) as f32;
    }
}

/// Nearly `U Vᵀ` of the singular value decomposition `U S Vᵀ` of `x`.
fn orthogonal(mut x: Grid) -> Grid {
    let [a, b, c] = Muon::COEFFICIENTS;
    let norm = (0..x.rows).map(|row| dot(x.row(row), x.row(row))).sum::<f64>().sqrt();
    let divisor = norm.max(Muon::LEAST_NORM);
    for row in 0..x.rows {
        x.row_mut(row).iter_mut().for_each(|x| *x /= divisor);
    }
    for _ in 0..Muon::ITERATIONS {
        let gram = product_with_transposed(&x, &x); // [rows, rows]
        let square = product_with_transposed(&gram, &gram); // the Gram matrix is symmetric
        let columns = transposed(&x);
        let mut polynomial = Grid::zeros(x.rows, x.rows);
        for row in 0..x.rows {
            for (out, (g, s)) in
                polynomial.row_mut(row).iter_mut().zip(gram.row(row).iter().zip(square.row(row)))
            {
                *out = b * g + c * s;
            }
        }
        let mut next = product_with_transposed(&polynomial, &columns); // [rows, cols]
        for row in 0..x.rows {
            for (next, x) in next.row_mut(row).iter_mut().zip(x.row(row)) {
                *next += a * x;
            }
        }
        x = next;
    }
    x
}

/// `x yᵀ`.
fn product_with_transposed(x: &Grid, y: &Grid) -> Grid {
    let mut out = Grid::zeros(x.rows, y.rows);
    for i in 0..x.rows {
        for j in 0..y.rows {
            out.row_mut(i)[j] = dot(x.row(i), y.row(j));
        }
    }
    out
}

fn transposed(x: &Grid) -> Grid {
    let mut out = Grid::zeros(x.cols, x.rows);
    for i in 0..x.rows {
        for j in 0..x.cols {
            out.row_mut(j)[i] = x.row(i)[j];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;

    /// Whatever the gradient's size, the rows of a step become nearly orthonormal, and a weight
    /// without gradient or momentum only decays.
    #[test]
    fn a_step_is_nearly_orthogonal_and_nothing_comes_of_nothing() {
        let update =
            Muon { learning_rate: 0.5, momentum: 0.9, weight_decay: 0.2, gradient_scale: 1.0 };
        let step = |gradient: Option<&Tensor>| {
            let mut weight = Tensor::from_slice(&[1f32; 6], &[2, 3]);
            let mut momentum = Tensor::from_slice(&[0f32; 6], &[2, 3]);
            muon(MuonMatrix { weight: &mut weight, gradient, momentum: &mut momentum, update });
            weight.to_f32_vec()
        };
        assert!(step(None).iter().all(|w| (w - 0.9).abs() < 1e-6));
        let gradient = Tensor::from_slice(&[4e-3f32, 1e-3, 0.0, -1e-3, 3e-3, 2e-3], &[2, 3]);
        let size = (0.5 * 0.2 * 3f64.sqrt()) as f32;
        let moved: Vec<f32> = step(Some(&gradient)).iter().map(|w| (0.9 - w) / size).collect();
        let product = |a: usize, b: usize| -> f32 {
            moved[a * 3..][..3].iter().zip(&moved[b * 3..][..3]).map(|(a, b)| a * b).sum()
        };
        for (a, b, expected) in [(0, 0, 1.0), (1, 1, 1.0), (0, 1, 0.0)] {
            let found = product(a, b);
            assert!((found - expected).abs() < 0.5, "row {a} by row {b}: {found}");
        }
    }
}
