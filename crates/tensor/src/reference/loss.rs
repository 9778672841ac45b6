//! `-log softmax(logits)[target]`, and the square of the softmax's log-denominator.

use crate::differentiable::Gradient;
use crate::tensor::Tensor;

use super::grid::{Grid, log_sum_exp, values};

/// The targets, `None` where there is nothing to learn.
fn read_targets(targets: &Tensor) -> Vec<Option<usize>> {
    values::<i32>(targets).into_iter().map(|target| usize::try_from(target).ok()).collect()
}

pub(super) fn cross_entropy_with_z(logits: &Tensor, targets: &Tensor) -> (Tensor, Tensor) {
    let logits = Grid::read(logits);
    let mut losses = Grid::zeros(1, logits.rows);
    let mut squares = Grid::zeros(1, logits.rows);
    for (t, target) in read_targets(targets).into_iter().enumerate() {
        if let Some(target) = target {
            let log_z = log_sum_exp(logits.row(t));
            losses.row_mut(0)[t] = log_z - logits.row(t)[target];
            squares.row_mut(0)[t] = log_z * log_z;
        }
    }
    (losses.into_shaped(&[logits.rows]), squares.into_shaped(&[logits.rows]))
}

/// `d_logits = (d_loss + 2 log Z d_square) softmax(logits) - d_loss onehot(target)`.
pub(super) fn cross_entropy_backward(
    d_losses: &Tensor,
    d_squares: Option<&Tensor>,
    logits: &Tensor,
    targets: &Tensor,
    d_logits: &mut Gradient,
) {
    let (d_losses, d_squares) = (Grid::read(d_losses), d_squares.map(Grid::read));
    let logits = Grid::read(logits);
    let mut sums = Grid::zeros(logits.rows, logits.cols); // T × V
    for (t, target) in read_targets(targets).into_iter().enumerate() {
        let Some(target) = target else { continue };
        let d_loss = d_losses.row(0)[t];
        let log_z = log_sum_exp(logits.row(t));
        let d_log_z = d_loss + d_squares.as_ref().map_or(0.0, |d| 2.0 * log_z * d.row(0)[t]);
        for (d_logit, logit) in sums.row_mut(t).iter_mut().zip(logits.row(t)) {
            *d_logit = d_log_z * (logit - log_z).exp();
        }
        sums.row_mut(t)[target] -= d_loss;
    }
    sums.write_to(d_logits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_cost_the_logarithm_of_their_number() {
        let logits = Tensor::from_slice(&[1000f32; 8], &[2, 4]);
        let (losses, squares) = cross_entropy_with_z(&logits, &Tensor::from_slice(&[2, -1], &[2]));
        assert_eq!(losses.to_f32_vec(), [4f32.ln(), 0.0]);
        assert_eq!(squares.to_f32_vec(), [(1000.0 + 4f64.ln()).powi(2) as f32, 0.0]);
    }
}
