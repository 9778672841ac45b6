//! Root-mean-square normalisation.

use hadal_tensor::{Accumulate, Gradient, Tensor};
use rayon::prelude::*;

use crate::Cpu;
use crate::isa::per_isa;
use crate::lanes::{LANES, dot_body, fma, sum_lanes};

/// Rows of one task; the gradient of the weights is summed per task and then in order, so that it
/// does not depend on the number of threads.
const TASK_ROWS: usize = 32;

pub(crate) fn rms_norm(cpu: &Cpu, x: &Tensor, w: &Tensor, epsilon: f32) -> Tensor {
    let mut out = cpu.buffer(x.dims());
    let (rows, w, dim) = (x.matrix::<f32>(), w.as_f32(), x.cols());
    cpu.for_row_tasks(out.as_mut_slice::<f32>(), dim, TASK_ROWS, |first, out| {
        for (i, out) in out.chunks_exact_mut(dim).enumerate() {
            norm_row(cpu.isa, rows.row(first + i), &w, epsilon, out);
        }
    });
    out
}

#[inline(always)]
fn norm_row_body<const FMA: bool>(x: &[f32], w: &[f32], epsilon: f32, out: &mut [f32]) {
    let inverse = 1.0 / (dot_body::<FMA>(x, x) / x.len() as f32 + epsilon).sqrt();
    for ((out, x), w) in out.iter_mut().zip(x).zip(w) {
        *out = x * inverse * w;
    }
}

per_isa! {
    fn norm_row(x: &[f32], w: &[f32], epsilon: f32, out: &mut [f32]) => norm_row_body
}

pub(crate) fn rms_norm_backward(
    cpu: &Cpu,
    d_out: &Tensor,
    x: &Tensor,
    w: &Tensor,
    epsilon: f32,
    d_x: &mut Gradient,
    d_w: Option<&mut Gradient>,
) {
    let (d_out, x) = (d_out.matrix::<f32>(), x.matrix::<f32>());
    let (w, dim, n_rows) = (w.as_f32(), x.cols, x.rows);
    let (mode, d_x) = d_x.write();
    let mut partial_d_w = vec![0f32; n_rows.div_ceil(TASK_ROWS) * dim];
    let tasks = d_x
        .as_mut_slice::<f32>()
        .par_chunks_mut(TASK_ROWS * dim)
        .zip(partial_d_w.par_chunks_mut(dim))
        .enumerate();
    cpu.install(|| {
        tasks.for_each(|(task, (d_x, d_w))| {
            for (i, d_x) in d_x.chunks_exact_mut(dim).enumerate() {
                let row = task * TASK_ROWS + i;
                let is_added = mode == Accumulate::Add;
                let (d_out, x) = (d_out.row(row), x.row(row));
                norm_row_backward(cpu.isa, d_out, x, &w, epsilon, is_added, d_x, d_w);
            }
        });
    });
    if let Some(d_w) = d_w {
        let (mode, d_w) = d_w.write();
        let d_w = d_w.as_mut_slice::<f32>();
        if mode == Accumulate::Store {
            d_w.fill(0.0);
        }
        for partial in partial_d_w.chunks_exact(dim) {
            d_w.iter_mut().zip(partial).for_each(|(d_w, partial)| *d_w += partial);
        }
    }
}

/// With `r = 1 / √(mean(x²) + ε)`: `d_x = r (w g - x r² mean(w g x))` and `d_w += g x r`.
#[inline(always)]
fn norm_row_backward_body<const FMA: bool>(
    d_out: &[f32],
    x: &[f32],
    w: &[f32],
    epsilon: f32,
    is_added: bool,
    d_x: &mut [f32],
    d_w: &mut [f32],
) {
    let n = x.len();
    let (d_out, w, d_x, d_w) = (&d_out[..n], &w[..n], &mut d_x[..n], &mut d_w[..n]);
    let inverse = 1.0 / (dot_body::<FMA>(x, x) / n as f32 + epsilon).sqrt();
    let mut sums = [0f32; LANES];
    let whole = n / LANES * LANES;
    for base in (0..whole).step_by(LANES) {
        for (i, sum) in sums.iter_mut().enumerate() {
            let j = base + i;
            *sum = fma::<FMA>(w[j] * d_out[j], x[j], *sum);
        }
    }
    let tail = (whole..n).fold(0.0, |sum, j| fma::<FMA>(w[j] * d_out[j], x[j], sum));
    let mean = (sum_lanes(sums) + tail) / n as f32;
    let pull = mean * inverse * inverse * inverse;
    for j in 0..n {
        let gradient = fma::<FMA>(w[j] * d_out[j], inverse, -(x[j] * pull));
        d_x[j] = if is_added { d_x[j] + gradient } else { gradient };
        d_w[j] = fma::<FMA>(d_out[j] * x[j], inverse, d_w[j]);
    }
}

per_isa! {
    fn norm_row_backward(
        d_out: &[f32], x: &[f32], w: &[f32], epsilon: f32, is_added: bool,
        d_x: &mut [f32], d_w: &mut [f32],
    ) => norm_row_backward_body
}
