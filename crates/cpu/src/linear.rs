//! `x wᵀ` for weights of any format: row by row for few tokens, by matrix products for many.

use hadal_tensor::{Accumulate, DType, Gradient, Matrix, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;

use crate::Cpu;
use crate::gemm::View;
use crate::isa::per_isa;
use crate::lanes::{LANES, dot, fma, sum_lanes};
use crate::packed;
use crate::rows::Rows;

/// Tokens up to which weights are streamed once, a row at a time; above, they are multiplied.
pub(crate) const FEW_ROWS: usize = 4;

/// Weight rows that are widened to `f32` together: a panel stays in the cache of one core.
const PANEL_ROWS: usize = 256;

/// Output rows that one task of a matrix-vector product computes.
const TASK_ROWS: usize = 32;

pub(crate) fn view(matrix: Matrix<'_, f32>) -> View<'_> {
    View::rows(matrix.data, matrix.stride)
}

/// `x` `[T, I]`, `w` `[O, I]`: `[T, O]`.
pub(crate) fn linear(cpu: &Cpu, x: &Tensor, w: &Tensor) -> Tensor {
    let (n_tokens, n_in, n_out) = (x.rows(), x.cols(), w.rows());
    assert_eq!(n_in, w.cols(), "the inputs of a linear layer");
    if let Some(packing) = packed::packing_of(w) {
        return packed::linear(cpu, x, w, packing);
    }
    let mut out = cpu.buffer(&[n_tokens, n_out]);
    let rows = x.matrix::<f32>();
    if n_tokens <= FEW_ROWS {
        let into = Rows::of(out.as_mut_slice(), n_out);
        let n_tasks = n_out.div_ceil(TASK_ROWS);
        cpu.for_tasks(n_tokens * n_tasks, n_tokens * n_in * n_out, |task| {
            let (token, first) = (task / n_tasks, task % n_tasks * TASK_ROWS);
            // SAFETY: each task has numbers of its own.
            let out = unsafe { into.part(token, first, TASK_ROWS.min(n_out - first)) };
            multiply_rows(cpu, w, first, rows.row(token), out);
        });
        return out;
    }
    let x = view(rows);
    cpu.install(|| {
        let out = out.as_mut_slice::<f32>();
        if w.dtype() == DType::F32 {
            let w = view(w.matrix::<f32>()).transposed();
            let shape = [n_tokens, n_in, n_out];
            cpu.multiply(shape, x, w, 1.0, (out, n_out), Accumulate::Store, cpu.threads());
            return;
        }
        for first in (0..n_out).step_by(PANEL_ROWS) {
            let n_rows = PANEL_ROWS.min(n_out - first);
            let panel = widened(cpu, &w.row_range(first..first + n_rows));
            let w = view(panel.matrix::<f32>()).transposed();
            let shape = [n_tokens, n_in, n_rows];
            let out = (&mut out[first..], n_out);
            cpu.multiply(shape, x, w, 1.0, out, Accumulate::Store, cpu.threads());
        }
    });
    out
}

/// A copy of a weight matrix in `f32`; the tensor itself where it is that already.
pub(crate) fn widened(cpu: &Cpu, w: &Tensor) -> Tensor {
    if w.dtype() == DType::F32 {
        return w.clone();
    }
    let mut panel = cpu.buffer(&[w.rows(), w.cols()]);
    let rows = panel.as_mut_slice::<f32>().par_chunks_exact_mut(w.cols().max(1)).enumerate();
    rows.for_each(|(row, out)| w.read_row(row, out));
    panel
}

/// `out[i] = w[first + i] · x`.
pub(crate) fn multiply_rows(cpu: &Cpu, w: &Tensor, first: usize, x: &[f32], out: &mut [f32]) {
    let isa = cpu.isa;
    match w.dtype() {
        DType::Packed(packing) if packed::is_whole(first, out.len()) => {
            packed::multiply_rows(cpu, w, packing, first, x, out);
        }
        DType::F32 => {
            let w = w.matrix::<f32>();
            for (i, out) in out.iter_mut().enumerate() {
                *out = dot(isa, w.row(first + i), x);
            }
        }
        DType::Bf16 => {
            let w = w.matrix::<bf16>();
            for (i, out) in out.iter_mut().enumerate() {
                *out = dot_bf16(isa, w.row(first + i), x);
            }
        }
        DType::F16 => {
            let w = w.matrix::<f16>();
            let mut wide = vec![0.0; x.len()];
            for (i, out) in out.iter_mut().enumerate() {
                w.row(first + i).convert_to_f32_slice(&mut wide);
                *out = dot(isa, &wide, x);
            }
        }
        // Integers, and blocks, which are unpacked row by row.
        _ => {
            let mut wide = vec![0.0; x.len()];
            for (i, out) in out.iter_mut().enumerate() {
                w.read_row(first + i, &mut wide);
                *out = dot(isa, &wide, x);
            }
        }
    }
}

#[inline(always)]
fn dot_bf16_body<const FMA: bool>(w: &[bf16], x: &[f32]) -> f32 {
    let widen = |w: bf16| f32::from_bits(u32::from(w.to_bits()) << 16);
    let mut sums = [[0f32; LANES]; 4];
    let (wide_w, wide_x) = (w.chunks_exact(4 * LANES), x.chunks_exact(4 * LANES));
    let (tail_w, tail_x) = (wide_w.remainder(), wide_x.remainder());
    for (w, x) in wide_w.zip(wide_x) {
        for (s, sums) in sums.iter_mut().enumerate() {
            for i in 0..LANES {
                sums[i] = fma::<FMA>(widen(w[s * LANES + i]), x[s * LANES + i], sums[i]);
            }
        }
    }
    let [mut sum, s1, s2, s3] = sums;
    for i in 0..LANES {
        sum[i] = (sum[i] + s1[i]) + (s2[i] + s3[i]);
    }
    let tail = tail_w.iter().zip(tail_x).fold(0.0, |sum, (w, x)| fma::<FMA>(widen(*w), *x, sum));
    sum_lanes(sum) + tail
}

per_isa! {
    /// `Σ w · x` with the weights widened on the way.
    fn dot_bf16(w: &[bf16], x: &[f32]) -> f32 => dot_bf16_body
}

pub(crate) fn linear_backward(
    cpu: &Cpu,
    d_out: &Tensor,
    x: &Tensor,
    w: &Tensor,
    d_x: Option<&mut Gradient>,
    d_w: Option<&mut Gradient>,
) {
    let (n_tokens, n_in, n_out) = (x.rows(), x.cols(), w.rows());
    let (d_out, x) = (view(d_out.matrix::<f32>()), view(x.matrix::<f32>()));
    cpu.install(|| {
        if let Some(d_x) = d_x {
            let (mode, d_x) = d_x.write();
            let w = widened(cpu, w);
            let (shape, w) = ([n_tokens, n_out, n_in], view(w.matrix::<f32>()));
            let out = (d_x.as_mut_slice::<f32>(), n_in);
            cpu.multiply(shape, d_out, w, 1.0, out, mode, cpu.threads());
        }
        if let Some(d_w) = d_w {
            let (mode, d_w) = d_w.write();
            let (shape, d_out) = ([n_out, n_tokens, n_in], d_out.transposed());
            let out = (d_w.as_mut_slice::<f32>(), n_in);
            cpu.multiply(shape, d_out, x, 1.0, out, mode, cpu.threads());
        }
    });
}
