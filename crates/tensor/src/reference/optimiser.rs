//! AdamW in the order of `torch.optim.AdamW`, and the norm that clipping needs.

use crate::differentiable::AdamWTensor;
use crate::tensor::Tensor;

use super::grid::{Grid, dot, values};

pub(super) fn sum_of_squares(tensor: &Tensor) -> f64 {
    let grid = Grid::read(tensor);
    (0..grid.rows).map(|row| dot(grid.row(row), grid.row(row))).sum()
}

pub(super) fn adamw(tensor: AdamWTensor<'_>) {
    let AdamWTensor { weight, gradient, moments: [mean, square], update } = tensor;
    let gradient = gradient.map_or_else(|| vec![0.0; weight.len()], values::<f32>);
    let (beta1, beta2) = (f64::from(update.beta1), f64::from(update.beta2));
    let rate = f64::from(update.learning_rate);
    let shrink = 1.0 - rate * f64::from(update.weight_decay);
    let mean_correction = 1.0 - beta1.powi(update.step as i32);
    let square_correction = 1.0 - beta2.powi(update.step as i32);
    let (weight, mean) = (weight.as_mut_slice::<f32>(), mean.as_mut_slice::<f32>());
    let square = square.as_mut_slice::<f32>();
    for (i, &g) in gradient.iter().enumerate() {
        let g = f64::from(g) * f64::from(update.gradient_scale);
        let m = beta1 * f64::from(mean[i]) + (1.0 - beta1) * g;
        let v = beta2 * f64::from(square[i]) + (1.0 - beta2) * g * g;
        let denominator = (v / square_correction).sqrt() + f64::from(update.epsilon);
        let step = rate * (m / mean_correction) / denominator;
        weight[i] = (f64::from(weight[i]) * shrink - step) as f32;
        mean[i] = m as f32;
        square[i] = v as f32;
    }
}

pub(super) fn average(average: &mut Tensor, weight: &Tensor, keep: f32) {
    let (weight, keep) = (values::<f32>(weight), f64::from(keep));
    for (average, weight) in average.as_mut_slice::<f32>().iter_mut().zip(weight) {
        *average = (keep * f64::from(*average) + (1.0 - keep) * f64::from(weight)) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differentiable::AdamW;

    /// The first step from empty moments shrinks the weight and then moves it by the step size
    /// against the sign of the gradient, however large the gradient.
    #[test]
    fn the_first_step_has_the_size_of_the_learning_rate() {
        let mut weight = Tensor::from_slice(&[1f32, 1.0, 1.0], &[3]);
        let mut mean = Tensor::from_slice(&[0f32; 3], &[3]);
        let mut square = Tensor::from_slice(&[0f32; 3], &[3]);
        let gradient = Tensor::from_slice(&[1e-3f32, -50.0, 0.0], &[3]);
        let update = AdamW {
            learning_rate: 0.1,
            beta1: 0.9,
            beta2: 0.95,
            epsilon: 1e-12,
            weight_decay: 0.5,
            step: 1,
            gradient_scale: 0.25,
        };
        let moments = [&mut mean, &mut square];
        adamw(AdamWTensor { weight: &mut weight, gradient: Some(&gradient), moments, update });
        for (w, expected) in weight.to_f32_vec().into_iter().zip([0.85, 1.05, 0.95]) {
            assert!((w - expected).abs() < 1e-6, "{w} instead of {expected}");
        }
    }
}
