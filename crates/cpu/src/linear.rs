//! `x wᵀ` for weights of any format: row by row for few tokens, by matrix products for many.

use hadal_tensor::{Accumulate, DType, Gradient, Matrix, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;

use crate::Cpu;
use crate::cached::wide;
use crate::gemm::View;
use crate::isa::per_isa;
use crate::lanes::{LANES, dot, fetch, fma, sum_lanes};
use crate::packed;
use crate::rows::Rows;

/// Tokens up to which weights are streamed once, a row at a time; above, they are multiplied.
///
/// Each of few tokens gets the bits that it would get alone, so that drafts can be checked together
/// and what is generated does not depend on them.
pub(crate) const FEW_ROWS: usize = 8;

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
    let rows = x.matrix::<f32>();
    if n_tokens <= FEW_ROWS {
        return few_rows(cpu, rows, w);
    }
    let mut out = cpu.buffer(&[n_tokens, n_out]);
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

/// As [`linear`], for few tokens: each task has some of the weight's rows.
fn few_rows(cpu: &Cpu, x: Matrix<'_, f32>, w: &Tensor) -> Tensor {
    let (n_tokens, n_out) = (x.rows, w.rows());
    let tokens: Vec<&[f32]> = (0..n_tokens).map(|t| x.row(t)).collect();
    let mut turned = cpu.buffer(&[n_out, n_tokens]);
    let into = Rows::of(turned.as_mut_slice(), n_tokens);
    cpu.for_tasks(n_out.div_ceil(TASK_ROWS), n_tokens * w.len(), |task| {
        let first = task * TASK_ROWS;
        let n_rows = TASK_ROWS.min(n_out - first);
        // SAFETY: each task has rows of its own.
        let turned = unsafe { into.part(first, 0, n_rows * n_tokens) };
        multiply_rows(cpu, w, first, None, &tokens, turned);
    });
    let turned = turned.as_slice::<f32>();
    let mut out = cpu.buffer(&[n_tokens, n_out]);
    for (t, out) in out.as_mut_slice::<f32>().chunks_exact_mut(n_out.max(1)).enumerate() {
        for (out, row) in out.iter_mut().zip(turned.chunks_exact(n_tokens)) {
            *out = row[t];
        }
    }
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

/// `out[i · T + t] = w[first + i] · tokens[t]`: each weight row is read, and widened where it has to
/// be, once for all tokens. The rows from `next` on are what the caller multiplies after these.
pub(crate) fn multiply_rows(
    cpu: &Cpu,
    w: &Tensor,
    first: usize,
    next: Option<usize>,
    tokens: &[&[f32]],
    out: &mut [f32],
) {
    let isa = cpu.isa;
    if let (Some(packing), [x]) = (packed::packing_of(w), tokens)
        && packed::is_whole(first, out.len())
    {
        return packed::multiply_rows(cpu, w, packing, first, next, x, out);
    }
    let rows = out.chunks_exact_mut(tokens.len()).enumerate();
    match w.dtype() {
        DType::F32 => {
            let w = w.matrix::<f32>();
            for (i, out) in rows {
                dots(tokens, out, |x| dot(isa, w.row(first + i), x));
            }
        }
        DType::Bf16 => {
            let w = w.matrix::<bf16>();
            for (i, out) in rows {
                // Rows are short of what memory takes to begin with one.
                fetch(w.row((first + i + 1).min(w.rows - 1)));
                dots(tokens, out, |x| dot_bf16(isa, w.row(first + i), x));
            }
        }
        DType::F16 => {
            let w = w.matrix::<f16>();
            let mut wide = vec![0.0; w.cols];
            for (i, out) in rows {
                w.row(first + i).convert_to_f32_slice(&mut wide);
                dots(tokens, out, |x| dot(isa, &wide, x));
            }
        }
        // Integers, and blocks, which are unpacked row by row.
        _ => {
            let mut wide = vec![0.0; w.cols()];
            for (i, out) in rows {
                w.read_row(first + i, &mut wide);
                dots(tokens, out, |x| dot(isa, &wide, x));
            }
        }
    }
}

fn dots(tokens: &[&[f32]], out: &mut [f32], dot: impl Fn(&[f32]) -> f32) {
    for (out, x) in out.iter_mut().zip(tokens) {
        *out = dot(x);
    }
}

#[inline(always)]
fn dot_bf16_body<const FMA: bool>(w: &[bf16], x: &[f32]) -> f32 {
    let mut sums = [[0f32; LANES]; 4];
    let (wide_w, wide_x) = (w.chunks_exact(4 * LANES), x.chunks_exact(4 * LANES));
    let (tail_w, tail_x) = (wide_w.remainder(), wide_x.remainder());
    for (w, x) in wide_w.zip(wide_x) {
        for (s, sums) in sums.iter_mut().enumerate() {
            for i in 0..LANES {
                sums[i] = fma::<FMA>(wide(w[s * LANES + i]), x[s * LANES + i], sums[i]);
            }
        }
    }
    let [mut sum, s1, s2, s3] = sums;
    for i in 0..LANES {
        sum[i] = (sum[i] + s1[i]) + (s2[i] + s3[i]);
    }
    let tail = tail_w.iter().zip(tail_x).fold(0.0, |sum, (w, x)| fma::<FMA>(wide(*w), *x, sum));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_tokens_get_the_bits_that_each_gets_alone() {
        let cpu = Cpu::new(2);
        let numbers = |n: usize, seed: usize| -> Vec<f32> {
            (0..n).map(|i| ((i * 7919 + seed) % 1009) as f32 / 504.5 - 1.0).collect()
        };
        let (n_in, n_out) = (160, 70);
        let x = Tensor::from_slice(&numbers(FEW_ROWS * n_in, 3), &[FEW_ROWS, n_in]);
        let wide = numbers(n_out * n_in, 11);
        let narrow: Vec<bf16> = wide.iter().map(|x| bf16::from_f32(*x)).collect();
        let half: Vec<f16> = wide.iter().map(|x| f16::from_f32(*x)).collect();
        let dims = [n_out, n_in];
        let packed = Tensor::from_memory(
            std::sync::Arc::new(hadal_tensor::HostBuffer::from_bytes(
                &hadal_tensor::quantise_q8_0(&wide),
            )),
            0,
            DType::Q8_0,
            &dims,
        );
        for w in [
            Tensor::from_slice(&wide, &dims),
            Tensor::from_slice(&narrow, &dims),
            Tensor::from_slice(&half, &dims),
            packed,
        ] {
            let together = linear(&cpu, &x, &w);
            for t in 0..FEW_ROWS {
                let alone = linear(&cpu, &x.row_range(t..t + 1), &w);
                let found = together.row_range(t..t + 1).to_f32_vec();
                assert_eq!(found, alone.to_f32_vec(), "token {t}, {}", w.dtype().name());
            }
        }
    }
}
