//! The optimiser's pass over weights, gradients and moments.

use hadal_tensor::{AdamW, Tensor};
use rayon::prelude::*;

use crate::Cpu;
use crate::isa::per_isa;
use crate::lanes::{LANES, fma};

/// Numbers of one task.
const TASK: usize = 32 * 1024;

pub(crate) fn sum_of_squares(cpu: &Cpu, tensor: &Tensor) -> f64 {
    let values = tensor.as_slice::<f32>();
    if cpu.is_small(values.len()) {
        return values.chunks(TASK).map(|chunk| squares(cpu.isa, chunk)).sum();
    }
    let parts: Vec<f64> =
        cpu.install(|| values.par_chunks(TASK).map(|chunk| squares(cpu.isa, chunk)).collect());
    parts.iter().sum()
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

pub(crate) fn adamw(
    cpu: &Cpu,
    weight: &mut Tensor,
    gradient: Option<&Tensor>,
    [mean, mean_square]: [&mut Tensor; 2],
    update: &AdamW,
) {
    let gradient = gradient.map(|gradient| gradient.as_slice::<f32>());
    let weight = weight.as_mut_slice::<f32>();
    let len = weight.len();
    let tasks: Vec<_> = (weight.chunks_mut(TASK))
        .zip(mean.as_mut_slice::<f32>().chunks_mut(TASK))
        .zip(mean_square.as_mut_slice::<f32>().chunks_mut(TASK))
        .enumerate()
        .collect();
    cpu.for_each(tasks, 8 * len, |(task, ((weight, mean), mean_square))| {
        let zeros;
        let gradient = match gradient {
            Some(gradient) => &gradient[task * TASK..][..weight.len()],
            None => {
                zeros = vec![0.0; weight.len()];
                &zeros
            }
        };
        adamw_chunk(cpu.isa, weight, gradient, mean, mean_square, update);
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

per_isa! {
    fn adamw_chunk(
        weight: &mut [f32], gradient: &[f32], mean: &mut [f32], mean_square: &mut [f32],
        update: &AdamW,
    ) => adamw_chunk_body
}
