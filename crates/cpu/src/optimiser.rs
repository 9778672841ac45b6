//! The passes over all weights: AdamW, moving averages, and the norm of gradients.

use hadal_tensor::{AdamW, AdamWTensor, Tensor};
use rayon::prelude::*;

use crate::Cpu;
use crate::isa::per_isa;
use crate::lanes::{LANES, fma};

/// Numbers of one task.
const TASK: usize = 32 * 1024;

/// The gradient of one task of a tensor that has none.
static NO_GRADIENT: [f32; TASK] = [0.0; TASK];

/// Sums in the order of the tasks within each tensor, and then of the tensors.
pub(crate) fn sum_of_squares(cpu: &Cpu, tensors: &[&Tensor]) -> f64 {
    let slices = tensors.iter().map(|tensor| tensor.as_slice::<f32>()).enumerate();
    let tasks: Vec<(usize, &[f32])> =
        slices.flat_map(|(i, values)| values.chunks(TASK).map(move |chunk| (i, chunk))).collect();
    let square = |(i, chunk): (usize, &[f32])| (i, squares(cpu.isa, chunk));
    let parts: Vec<(usize, f64)> = if cpu.is_small(tasks.iter().map(|(_, chunk)| chunk.len()).sum())
    {
        tasks.into_iter().map(square).collect()
    } else {
        cpu.install(|| tasks.into_par_iter().map(square).collect())
    };
    let mut sums = vec![0.0; tensors.len()];
    parts.into_iter().for_each(|(i, part)| sums[i] += part);
    sums.iter().sum()
}

#[inline(always)]
fn squares_body<const FMA: bool>(x: &[f32]) -> f64 {
    let mut sums = [0f64; LANES];
    let chunks = x.chunks_exact(LANES);
    let tail: f64 = chunks.remainder().iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    for chunk in chunks {
        for i in 0..LANES {
            sums[i] += f64::from(chunk[i]) * f64::from(chunk[i]);
        }
    }
    sums.iter().sum::<f64>() + tail
}

per_isa! {
    fn squares(x: &[f32]) -> f64 => squares_body
}

/// One part of a tensor, no longer than [`TASK`].
struct AdamWTask<'a> {
    weight: &'a mut [f32],
    gradient: &'a [f32],
    mean: &'a mut [f32],
    mean_square: &'a mut [f32],
    update: AdamW,
}

/// All tensors are cut into tasks of one size and done in one pass, whatever their own sizes: a
/// model of experts has hundreds of small ones.
pub(crate) fn adamw(cpu: &Cpu, tensors: Vec<AdamWTensor<'_>>) {
    let mut tasks = Vec::new();
    let mut work = 0;
    for AdamWTensor { weight, gradient, moments: [mean, mean_square], update } in tensors {
        let gradient = gradient.map(|gradient| gradient.as_slice::<f32>());
        let weight = weight.as_mut_slice::<f32>();
        work += 8 * weight.len();
        let parts = (weight.chunks_mut(TASK))
            .zip(mean.as_mut_slice::<f32>().chunks_mut(TASK))
            .zip(mean_square.as_mut_slice::<f32>().chunks_mut(TASK));
        tasks.extend(parts.enumerate().map(|(task, ((weight, mean), mean_square))| {
            let gradient = match gradient {
                Some(gradient) => &gradient[task * TASK..][..weight.len()],
                None => &NO_GRADIENT[..weight.len()],
            };
            AdamWTask { weight, gradient, mean, mean_square, update }
        }));
    }
    cpu.for_each(tasks, work, |task| {
        let AdamWTask { weight, gradient, mean, mean_square, update } = task;
        adamw_chunk(cpu.isa, weight, gradient, mean, mean_square, &update);
    });
}

#[inline(always)]
fn adamw_chunk_body<const FMA: bool>(
    weight: &mut [f32],
    gradient: &[f32],
    mean: &mut [f32],
    mean_square: &mut [f32],
    update: &AdamW,
) {
    let n = weight.len();
    let (gradient, mean, mean_square) = (&gradient[..n], &mut mean[..n], &mut mean_square[..n]);
    let AdamW { learning_rate, beta1, beta2, epsilon, weight_decay, step, gradient_scale } =
        *update;
    let bias = |beta: f32| 1.0 - f64::from(beta).powi(step as i32);
    let rate = (f64::from(learning_rate) / bias(beta1)) as f32;
    let unbias = (1.0 / bias(beta2).sqrt()) as f32;
    let keep = 1.0 - learning_rate * weight_decay;
    for i in 0..n {
        let g = gradient[i] * gradient_scale;
        let m = fma::<FMA>(mean[i], beta1, (1.0 - beta1) * g);
        let v = fma::<FMA>(mean_square[i], beta2, (1.0 - beta2) * g * g);
        mean[i] = m;
        mean_square[i] = v;
        weight[i] = weight[i] * keep - rate * m / fma::<FMA>(v.sqrt(), unbias, epsilon);
    }
}

pub(crate) fn average(cpu: &Cpu, pairs: Vec<(&mut Tensor, &Tensor)>, keep: f32) {
    let mut tasks = Vec::new();
    let mut work = 0;
    for (average, weight) in pairs {
        work += average.len();
        let averages = average.as_mut_slice::<f32>().chunks_mut(TASK);
        tasks.extend(averages.zip(weight.as_slice::<f32>().chunks(TASK)));
    }
    cpu.for_each(tasks, work, |(average, weight)| average_chunk(cpu.isa, average, weight, keep));
}

#[inline(always)]
fn average_chunk_body<const FMA: bool>(average: &mut [f32], weight: &[f32], keep: f32) {
    for (average, weight) in average.iter_mut().zip(weight) {
        *average = fma::<FMA>(keep, *average, (1.0 - keep) * weight);
    }
}

per_isa! {
    fn average_chunk(average: &mut [f32], weight: &[f32], keep: f32) => average_chunk_body
}

per_isa! {
    fn adamw_chunk(
        weight: &mut [f32], gradient: &[f32], mean: &mut [f32], mean_square: &mut [f32],
        update: &AdamW,
    ) => adamw_chunk_body
}
