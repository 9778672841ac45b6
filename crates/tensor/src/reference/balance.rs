//! DeepSeek-V3's sequence-wise balance loss, equations 17 to 20.

use crate::differentiable::Gradient;
use crate::specification::{RouterSpec, Scoring, Segment};
use crate::tensor::Tensor;

use super::grid::{Grid, dot, values};
use super::router::scores;

/// `fᵢ = E / (K T) Σₜ 1(token t chose expert i)` over one segment.
fn frequencies(indices: &[i32], spec: &RouterSpec, segment: &Segment) -> Vec<f64> {
    let mut frequencies = vec![0.0; spec.n_experts];
    let n_choices = segment.queries.len() * spec.n_active;
    for &expert in &indices[segment.queries.start * spec.n_active..][..n_choices] {
        frequencies[expert as usize] += spec.n_experts as f64 / n_choices as f64;
    }
    frequencies
}

/// The affinities of one token and their sum.
fn affinities(logits: &[f64], spec: &RouterSpec) -> (Vec<f64>, f64) {
    let scores = scores(logits, spec.scoring);
    let sum = scores.iter().sum();
    (scores, sum)
}

pub(super) fn balance_loss(
    logits: &Tensor,
    indices: &Tensor,
    spec: &RouterSpec,
    segments: &[Segment],
) -> Tensor {
    let (logits, indices) = (Grid::read(logits), values::<i32>(indices));
    let mut losses = Grid::zeros(1, segments.len());
    for (s, segment) in segments.iter().enumerate() {
        let mut means = vec![0.0; spec.n_experts]; // P
        for t in segment.queries.clone() {
            let (scores, sum) = affinities(logits.row(t), spec);
            for (mean, score) in means.iter_mut().zip(&scores) {
                *mean += score / sum / segment.queries.len() as f64;
            }
        }
        losses.row_mut(0)[s] = dot(&frequencies(&indices, spec, segment), &means);
    }
    losses.into_shaped(&[segments.len()])
}

/// With `c = d_loss f / T` the gradient of the parts `s' = s / Z`: `d_s = (c - Σ c s') / Z`, and
/// through the sigmoid `d_logit = d_s s (1 - s)`. A softmax's parts are its scores, and there
/// `d_logit = s (c - Σ c s)`.
pub(super) fn balance_loss_backward(
    d_losses: &Tensor,
    logits: &Tensor,
    indices: &Tensor,
    spec: &RouterSpec,
    segments: &[Segment],
    d_logits: &mut Gradient,
) {
    let (d_losses, logits) = (Grid::read(d_losses), Grid::read(logits));
    let indices = values::<i32>(indices);
    let mut sums = Grid::zeros(logits.rows, logits.cols); // T × E
    for (s, segment) in segments.iter().enumerate() {
        let scale = d_losses.row(0)[s] / segment.queries.len() as f64;
        let d_parts: Vec<f64> =
            frequencies(&indices, spec, segment).into_iter().map(|f| scale * f).collect();
        for t in segment.queries.clone() {
            let (scores, sum) = affinities(logits.row(t), spec);
            let mean = dot(&d_parts, &scores) / sum;
            for ((d_logit, score), d_part) in sums.row_mut(t).iter_mut().zip(&scores).zip(&d_parts)
            {
                *d_logit = match spec.scoring {
                    Scoring::Sigmoid => (d_part - mean) / sum * score * (1.0 - score),
                    Scoring::Softmax => score * (d_part - mean),
                };
            }
        }
    }
    sums.write_to(d_logits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_use_costs_one_and_one_favourite_costs_the_number_of_experts() {
        let spec = RouterSpec {
            n_experts: 4,
            n_active: 1,
            scoring: Scoring::Softmax,
            groups: None,
            renormalise: false,
            scale: 1.0,
            capacity_factor: None,
        };
        let mut logits = vec![0.0; 8 * 4];
        // The second segment is sure of expert 2.
        logits[4 * 4..].chunks_exact_mut(4).for_each(|row| row[2] = 80.0);
        let logits = Tensor::from_slice::<f32>(&logits, &[8, 4]);
        let indices = Tensor::from_slice(&[0, 1, 2, 3, 2, 2, 2, 2], &[8, 1]);
        let segments = [0..4, 4..8].map(|rows| Segment { queries: rows.clone(), keys: rows });
        let losses = balance_loss(&logits, &indices, &spec, &segments);
        assert_eq!(losses.to_f32_vec(), [1.0, 4.0]);
    }
}
