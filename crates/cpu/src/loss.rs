//! Cross-entropy over the vocabulary, with the z-loss.

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

/// Rows of one task.
const TASK_ROWS: usize = 16;

pub(crate) fn cross_entropy_with_z(
    cpu: &Cpu,
    logits: &Tensor,
    targets: &Tensor,
) -> (Tensor, Tensor) {
    let [mut losses, mut squares] = [cpu.buffer(&[logits.rows()]), cpu.buffer(&[logits.rows()])];
    let (logits, targets) = (logits.matrix::<f32>(), targets.as_slice::<i32>());
    let work = logits.rows * logits.cols;
    let places = losses.as_mut_slice::<f32>().iter_mut().zip(squares.as_mut_slice::<f32>());
    let mut places: Vec<_> = places.collect();
    let tasks = places.chunks_mut(TASK_ROWS).enumerate().collect();
    cpu.for_each(tasks, work, |(task, places): (usize, &mut [(&mut f32, &mut f32)])| {
        for (i, (loss, square)) in places.iter_mut().enumerate() {
            let t = task * TASK_ROWS + i;
            let (row, target) = (logits.row(t), usize::try_from(targets[t]));
            (**loss, **square) = target.map_or((0.0, 0.0), |target| {
                let log_z = log_sum_exp(cpu.isa, row);
                (log_z - row[target], log_z * log_z)
            });
        }
    });
    (losses, squares)
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
    d_squares: Option<&Tensor>,
    logits: &Tensor,
    targets: &Tensor,
    d_logits: &mut Gradient,
) {
    let (mode, d_logits) = d_logits.write();
    let (d_losses, targets) = (d_losses.as_slice::<f32>(), targets.as_slice::<i32>());
    let d_squares = d_squares.map(Tensor::as_slice::<f32>);
    let (logits, vocab) = (logits.matrix::<f32>(), d_logits.cols());
    let is_added = mode == Accumulate::Add;
    cpu.for_row_tasks(d_logits.as_mut_slice::<f32>(), vocab, TASK_ROWS, |first, out| {
        for (i, out) in out.chunks_exact_mut(vocab).enumerate() {
            let t = first + i;
            match usize::try_from(targets[t]) {
                Ok(target) => {
                    let row = logits.row(t);
                    let log_z = log_sum_exp(cpu.isa, row);
                    let d_log_z = d_losses[t] + d_squares.map_or(0.0, |d| 2.0 * log_z * d[t]);
                    scaled_softmax(cpu.isa, row, log_z, d_log_z, is_added, out);
                    out[target] -= d_losses[t];
                }
                Err(_) if !is_added => out.fill(0.0),
                Err(_) => {}
            }
        }
    });
}
