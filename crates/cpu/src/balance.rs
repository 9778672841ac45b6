//! The sequence-wise balance loss of a router, and back. A segment is a task.

use hadal_tensor::{Accumulate, Gradient, RouterSpec, Scoring, Segment, Tensor};

use crate::Cpu;
use crate::router::score;

/// The part of a segment's choices that fell on each expert, times the number of experts.
fn frequencies(indices: &[i32], spec: &RouterSpec, segment: &Segment) -> Vec<f32> {
    let n_choices = segment.queries.len() * spec.n_active;
    let mut counts = vec![0.0; spec.n_experts];
    for &expert in &indices[segment.queries.start * spec.n_active..][..n_choices] {
        counts[expert as usize] += 1.0;
    }
    counts.iter_mut().for_each(|count| *count *= spec.n_experts as f32 / n_choices as f32);
    counts
}

/// Replaces logits by affinities as parts of their sum, and gives the sum.
fn score_parts(cpu: &Cpu, scoring: Scoring, logits: &mut [f32]) -> f32 {
    score(cpu, scoring, logits);
    if scoring == Scoring::Softmax {
        return 1.0;
    }
    let sum: f32 = logits.iter().sum();
    logits.iter_mut().for_each(|score| *score /= sum);
    sum
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(crate) fn balance_loss(
    cpu: &Cpu,
    logits: &Tensor,
    indices: &Tensor,
    spec: &RouterSpec,
    segments: &[Segment],
) -> Tensor {
    let mut losses = cpu.buffer(&[segments.len()]);
    let (logits, indices) = (logits.matrix::<f32>(), indices.as_slice::<i32>());
    let tasks = losses.as_mut_slice::<f32>().iter_mut().zip(segments).collect();
    cpu.for_each(tasks, logits.rows * logits.cols, |(loss, segment): (&mut f32, &Segment)| {
        let frequencies = frequencies(indices, spec, segment);
        let mut parts = vec![0.0; spec.n_experts];
        let mut sum = 0.0;
        for t in segment.queries.clone() {
            parts.copy_from_slice(logits.row(t));
            score_parts(cpu, spec.scoring, &mut parts);
            sum += dot(&frequencies, &parts);
        }
        *loss = sum / segment.queries.len() as f32;
    });
    losses
}

pub(crate) fn balance_loss_backward(
    cpu: &Cpu,
    d_losses: &Tensor,
    logits: &Tensor,
    indices: &Tensor,
    spec: &RouterSpec,
    segments: &[Segment],
    d_logits: &mut Gradient,
) {
    let (mode, d_logits) = d_logits.write();
    let (logits, indices) = (logits.matrix::<f32>(), indices.as_slice::<i32>());
    let n_experts = spec.n_experts;
    let mut rest = d_logits.as_mut_slice::<f32>();
    let mut tasks = Vec::with_capacity(segments.len());
    for (segment, &d_loss) in segments.iter().zip(d_losses.as_slice::<f32>()) {
        let (mine, after) = rest.split_at_mut(segment.queries.len() * n_experts);
        tasks.push((segment, d_loss, mine));
        rest = after;
    }
    let work = logits.rows * logits.cols;
    cpu.for_each(tasks, work, |(segment, d_loss, out): (&Segment, f32, &mut [f32])| {
        let mut d_parts = frequencies(indices, spec, segment);
        d_parts.iter_mut().for_each(|d| *d *= d_loss / segment.queries.len() as f32);
        let mut parts = vec![0.0; n_experts];
        for (t, out) in segment.queries.clone().zip(out.chunks_exact_mut(n_experts)) {
            parts.copy_from_slice(logits.row(t));
            let sum = score_parts(cpu, spec.scoring, &mut parts);
            let mean = dot(&d_parts, &parts);
            for ((out, part), d_part) in out.iter_mut().zip(&parts).zip(&d_parts) {
                let slope = match spec.scoring {
                    Scoring::Sigmoid => 1.0 - part * sum,
                    Scoring::Softmax => 1.0,
                };
                let gradient = part * (d_part - mean) * slope;
                *out = if mode == Accumulate::Add { *out + gradient } else { gradient };
            }
        }
    });
}
