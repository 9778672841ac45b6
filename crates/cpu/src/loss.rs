//! Cross-entropy over the vocabulary.

use hadal_tensor::{Accumulate, Gradient, Tensor};

use crate::Cpu;
use crate::isa::per_isa;
use crate::lanes::{LANES, exp, max_body, sum_lanes};

/// `ln Σ eˣ`.
#[inline(always)]
fn log_sum_exp_body<const FMA: bool>(x: &[f32]) -> f32 {
    let shift = max_body::<FMA>(x);
    let mut sums = [0f32; LANES];
    let chunks = x.chunks_exact(LANES);
    let tail: f32 = chunks.remainder().iter().map(|x| exp::<FMA>(x - shift)).sum();
    for chunk in chunks {
        for i in 0..LANES {
            sums[i] += exp::<FMA>(chunk[i] - shift);
        }
    }
    shift + (sum_lanes(sums) + tail).ln()
}

per_isa! {
    fn log_sum_exp(x: &[f32]) -> f32 => log_sum_exp_body
}

pub(crate) fn cross_entropy(cpu: &Cpu, logits: &Tensor, targets: &Tensor) -> Tensor {
    let mut losses = cpu.buffer(&[logits.rows()]);
    let (logits, targets) = (logits.matrix::<f32>(), targets.as_slice::<i32>());
    let work = logits.rows * logits.cols;
    let tasks = losses.as_mut_slice::<f32>().chunks_mut(16).enumerate().collect();
    cpu.for_each(tasks, work, |(task, losses): (usize, &mut [f32])| {
        for (i, loss) in losses.iter_mut().enumerate() {
            let row = logits.row(task * 16 + i);
            *loss = match usize::try_from(targets[task * 16 + i]) {
                Ok(target) => log_sum_exp(cpu.isa, row) - row[target],
                Err(_) => 0.0,
            };
        }
    });
    losses
}

/// `out (+)= (softmax(x)) · d`.
#[inline(always)]
fn scaled_softmax_body<const FMA: bool>(
    x: &[f32],
    log_sum_exp: f32,
    d: f32,
    is_added: bool,
    out: &mut [f32],
) {
    for (out, x) in out.iter_mut().zip(x) {
        let gradient = exp::<FMA>(x - log_sum_exp) * d;
        *out = if is_added { *out + gradient } else { gradient };
    }
}

per_isa! {
    fn scaled_softmax(x: &[f32], log_sum_exp: f32, d: f32, is_added: bool, out: &mut [f32])
        => scaled_softmax_body
}

pub(crate) fn cross_entropy_backward(
    cpu: &Cpu,
    d_losses: &Tensor,
    logits: &Tensor,
    targets: &Tensor,
    d_logits: &mut Gradient,
) {
    let (mode, d_logits) = d_logits.write();
    let (d_losses, targets) = (d_losses.as_slice::<f32>(), targets.as_slice::<i32>());
    let (logits, vocab) = (logits.matrix::<f32>(), d_logits.cols());
    let is_added = mode == Accumulate::Add;
    cpu.for_row_tasks(d_logits.as_mut_slice::<f32>(), vocab, 16, |first, out| {
        for (i, out) in out.chunks_exact_mut(vocab).enumerate() {
            let t = first + i;
            match usize::try_from(targets[t]) {
                Ok(target) => {
                    let row = logits.row(t);
                    let shift = log_sum_exp(cpu.isa, row);
                    scaled_softmax(cpu.isa, row, shift, d_losses[t], is_added, out);
                    out[target] -= d_losses[t];
                }
                Err(_) if !is_added => out.fill(0.0),
                Err(_) => {}
            }
        }
    });
}
