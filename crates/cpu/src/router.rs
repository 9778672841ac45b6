//! From router logits to experts and weights, and back.

use hadal_tensor::{
    Accumulate, Gradient, RouterSpec, Routing, Scoring, Tensor, choose_experts, group_by_expert,
};

use crate::Cpu;
use crate::isa::per_isa;
use crate::lanes::{sigmoid, softmax};

#[inline(always)]
fn sigmoid_all_body<const FMA: bool>(x: &mut [f32]) {
    for x in x {
        *x = sigmoid::<FMA>(*x);
    }
}

per_isa! {
    fn sigmoid_all(x: &mut [f32]) => sigmoid_all_body
}

/// Replaces logits by affinities.
pub(crate) fn score(cpu: &Cpu, scoring: Scoring, logits: &mut [f32]) {
    match scoring {
        Scoring::Softmax => {
            softmax(cpu.isa, logits);
        }
        Scoring::Sigmoid => sigmoid_all(cpu.isa, logits),
    }
}

pub(crate) fn route(
    cpu: &Cpu,
    logits: &Tensor,
    bias: Option<&Tensor>,
    spec: &RouterSpec,
) -> Routing {
    let (n_tokens, n_active) = (logits.rows(), spec.n_active);
    let bias = bias.map(Tensor::as_f32);
    let logits = logits.matrix::<f32>();
    let mut indices = vec![0; n_tokens * n_active];
    let mut weights = vec![0.0; n_tokens * n_active];
    let mut scores = vec![0.0; spec.n_experts];
    let tokens = indices.chunks_exact_mut(n_active).zip(weights.chunks_exact_mut(n_active));
    for (t, (indices, weights)) in tokens.enumerate() {
        scores.copy_from_slice(logits.row(t));
        score(cpu, spec.scoring, &mut scores);
        choose_experts(&scores, bias.as_deref(), spec, indices, weights);
    }
    let (assignments, offsets) = group_by_expert(&indices, &mut weights, spec);
    Routing {
        indices: Tensor::from_slice(&indices, &[n_tokens, n_active]),
        weights: Tensor::from_slice(&weights, &[n_tokens, n_active]),
        assignments: Tensor::from_slice(&assignments, &[assignments.len()]),
        offsets: Tensor::from_slice(&offsets, &[offsets.len()]),
    }
}

pub(crate) fn route_backward(
    cpu: &Cpu,
    d_weights: &Tensor,
    logits: &Tensor,
    routing: &Routing,
    spec: &RouterSpec,
    d_logits: &mut Gradient,
) {
    let (d_weights, logits) = (d_weights.matrix::<f32>(), logits.matrix::<f32>());
    let indices = routing.indices.matrix::<i32>();
    let mut is_kept = vec![false; routing.indices.len()];
    for &assignment in routing.assignments.as_slice::<i32>() {
        is_kept[assignment as usize] = true;
    }
    let (mode, d_logits) = d_logits.write();
    let (n_experts, n_active) = (spec.n_experts, spec.n_active);
    cpu.for_row_tasks(d_logits.as_mut_slice::<f32>(), n_experts, 64, |first, out| {
        let mut scores = vec![0.0; n_experts];
        let mut d_scores = vec![0.0; n_experts];
        for (i, out) in out.chunks_exact_mut(n_experts).enumerate() {
            let t = first + i;
            scores.copy_from_slice(logits.row(t));
            score(cpu, spec.scoring, &mut scores);
            let (chosen, d_weights) = (indices.row(t), d_weights.row(t));
            let kept = |k: usize| if is_kept[t * n_active + k] { d_weights[k] } else { 0.0 };
            // With Z the denominator: d_s = scale (g - Σ g s / Z) / Z on the chosen.
            let (mean, denominator) = if spec.renormalise {
                let sum: f32 = chosen.iter().map(|&e| scores[e as usize]).sum();
                let denominator = sum + 1e-20;
                let pull = chosen.iter().enumerate().map(|(k, &e)| kept(k) * scores[e as usize]);
                (pull.sum::<f32>() / denominator, denominator)
            } else {
                (0.0, 1.0)
            };
            d_scores.fill(0.0);
            for (k, &expert) in chosen.iter().enumerate() {
                d_scores[expert as usize] = spec.scale * (kept(k) - mean) / denominator;
            }
            let weighted: f32 = d_scores.iter().zip(&scores).map(|(d, s)| d * s).sum();
            for ((out, d), s) in out.iter_mut().zip(&d_scores).zip(&scores) {
                let gradient = match spec.scoring {
                    Scoring::Sigmoid => d * s * (1.0 - s),
                    Scoring::Softmax => s * (d - weighted),
                };
                *out = if mode == Accumulate::Add { *out + gradient } else { gradient };
            }
        }
    });
}
