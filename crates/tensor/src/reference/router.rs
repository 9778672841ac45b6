//! From router logits to experts and weights, and back to the logits.

use crate::differentiable::Gradient;
use crate::routing::{choose_experts, group_by_expert};
use crate::specification::{RouterSpec, Routing, Scoring};
use crate::tensor::Tensor;

use super::grid::{Grid, dot, log_sum_exp, sigmoid, values};

/// The affinities of one token.
pub(super) fn scores(logits: &[f64], scoring: Scoring) -> Vec<f64> {
    match scoring {
        Scoring::Sigmoid => logits.iter().map(|&x| sigmoid(x)).collect(),
        Scoring::Softmax => {
            let log_denominator = log_sum_exp(logits);
            logits.iter().map(|x| (x - log_denominator).exp()).collect()
        }
    }
}

pub(super) fn route(logits: &Tensor, bias: Option<&Tensor>, spec: &RouterSpec) -> Routing {
    let logits = Grid::read(logits);
    let bias = bias.map(values::<f32>);
    let n_active = spec.n_active;
    let mut indices = vec![0; logits.rows * n_active]; // T × K
    let mut weights = vec![0.0; logits.rows * n_active]; // T × K
    for t in 0..logits.rows {
        let scores: Vec<f32> =
            scores(logits.row(t), spec.scoring).into_iter().map(|x| x as f32).collect();
        let mine = t * n_active..(t + 1) * n_active;
        let (indices, weights) = (&mut indices[mine.clone()], &mut weights[mine]);
        choose_experts(&scores, bias.as_deref(), spec, indices, weights);
    }
    let (assignments, offsets) = group_by_expert(&indices, &mut weights, spec);
    Routing {
        indices: Tensor::from_slice(&indices, &[logits.rows, n_active]),
        weights: Tensor::from_slice(&weights, &[logits.rows, n_active]),
        assignments: Tensor::from_slice(&assignments, &[assignments.len()]),
        offsets: Tensor::from_slice(&offsets, &[offsets.len()]),
    }
}

/// With `s` the scores, `Z` the sum of the chosen plus 1e-20 and `g` the gradient of the weights:
/// `d_s = scale (g - Σ g s / Z) / Z` on the chosen, and `scale · g` without renormalisation.
pub(super) fn route_backward(
    d_weights: &Tensor,
    logits: &Tensor,
    routing: &Routing,
    spec: &RouterSpec,
    d_logits: &mut Gradient,
) {
    let (d_weights, logits) = (Grid::read(d_weights), Grid::read(logits));
    let (n_active, scale) = (spec.n_active, f64::from(spec.scale));
    let indices = values::<i32>(&routing.indices);
    let mut is_kept = vec![false; indices.len()];
    for assignment in values::<i32>(&routing.assignments) {
        is_kept[assignment as usize] = true;
    }
    let mut sums = Grid::zeros(logits.rows, logits.cols); // T × E
    for t in 0..logits.rows {
        let scores = scores(logits.row(t), spec.scoring);
        let chosen: Vec<usize> =
            indices[t * n_active..][..n_active].iter().map(|&e| e as usize).collect();
        // The weight of a dropped assignment is the constant 0; its score still takes part in
        // the denominator of the others.
        let g: Vec<f64> = (0..n_active)
            .map(|k| if is_kept[t * n_active + k] { d_weights.row(t)[k] } else { 0.0 })
            .collect();
        let (mean, denominator) = if spec.renormalise {
            let denominator = chosen.iter().map(|&e| scores[e]).sum::<f64>() + 1e-20;
            let weighted: f64 = chosen.iter().zip(&g).map(|(&e, g)| g * scores[e]).sum();
            (weighted / denominator, denominator)
        } else {
            (0.0, 1.0)
        };
        let mut d_scores = vec![0.0; logits.cols];
        for (&e, g) in chosen.iter().zip(&g) {
            d_scores[e] = scale * (g - mean) / denominator;
        }
        let weighted = dot(&d_scores, &scores);
        for (e, d_logit) in sums.row_mut(t).iter_mut().enumerate() {
            *d_logit = match spec.scoring {
                Scoring::Sigmoid => d_scores[e] * scores[e] * (1.0 - scores[e]),
                Scoring::Softmax => scores[e] * (d_scores[e] - weighted),
            };
        }
    }
    sums.write_to(d_logits);
}
