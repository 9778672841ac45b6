//! Muon: momentum, made orthogonal by products of matrices.

use hadal_tensor::{Accumulate, Muon, MuonMatrix, Tensor};

use crate::Cpu;
use crate::gemm::{Threads, View};
use crate::isa::per_isa;
use crate::lanes::fma;
use crate::optimiser::squares;

/// Numbers of a matrix above which all threads work on it together; smaller ones are done side by
/// side, a thread each.
const LARGE: usize = 1 << 20;

pub(crate) fn muon(cpu: &Cpu, matrices: Vec<MuonMatrix<'_>>) {
    let is_large = |matrix: &MuonMatrix<'_>| matrix.weight.len() > LARGE;
    let (large, small): (Vec<_>, Vec<_>) = matrices.into_iter().partition(is_large);
    for matrix in large {
        cpu.install(|| step(cpu, matrix, cpu.threads()));
    }
    // An iteration has three products, of which the least has the cube of the smaller side.
    let flops = |matrix: &MuonMatrix<'_>| {
        let (rows, cols) = (matrix.weight.rows(), matrix.weight.cols());
        3 * Muon::ITERATIONS * rows.min(cols) * rows * cols
    };
    let work = small.iter().map(flops).sum();
    cpu.for_each(small, work, |matrix| step(cpu, matrix, Threads::One));
}

fn step(cpu: &Cpu, matrix: MuonMatrix<'_>, threads: Threads) {
    let MuonMatrix { weight, gradient, momentum, update } = matrix;
    let (rows, cols) = (weight.rows(), weight.cols());
    let mut x = cpu.buffer(&[rows, cols]);
    let values = x.as_mut_slice::<f32>();
    let scale = update.gradient_scale;
    match gradient {
        Some(gradient) => values.copy_from_slice(gradient.as_slice::<f32>()),
        None => values.fill(0.0),
    }
    nesterov(cpu.isa, momentum.as_mut_slice::<f32>(), values, update.momentum, scale);
    let norm = squares(cpu.isa, values).sqrt().max(Muon::LEAST_NORM);
    let divide = (1.0 / norm) as f32;
    values.iter_mut().for_each(|x| *x *= divide);
    let x = orthogonal(cpu, x, threads);
    let keep = 1.0 - update.learning_rate * update.weight_decay;
    let size = update.step_size(rows, cols) as f32;
    move_against(cpu.isa, weight.as_mut_slice::<f32>(), x.as_slice::<f32>(), keep, size);
}

/// The iterations of Newton and Schulz on `x` `[R, C]`, whose norm is at most 1.
///
/// They are made on the smaller side `S` with the other `L`: `X ← a X + (b A + c A²) X` with
/// `A = X Xᵀ`, where `X` is `x`, or `xᵀ` when that has fewer rows.
fn orthogonal(cpu: &Cpu, mut x: Tensor, threads: Threads) -> Tensor {
    let [a, b, c] = Muon::COEFFICIENTS.map(|coefficient| coefficient as f32);
    let (rows, cols) = (x.rows(), x.cols());
    let (small, long) = (rows.min(cols), rows.max(cols));
    let mut next = cpu.buffer(&[rows, cols]);
    let [mut gram, mut polynomial] = [(); 2].map(|()| cpu.buffer(&[small, small]));
    for _ in 0..Muon::ITERATIONS {
        let as_given = View::rows(x.as_slice::<f32>(), cols); // [R, C]
        let x_small = if rows > cols { as_given.transposed() } else { as_given }; // [S, L]
        let into = (gram.as_mut_slice::<f32>(), small);
        let shape = [small, long, small];
        cpu.multiply(shape, x_small, x_small.transposed(), 1.0, into, Accumulate::Store, threads);

        let into = polynomial.as_mut_slice::<f32>();
        scaled(cpu.isa, gram.as_slice::<f32>(), b, into);
        let gram = View::rows(gram.as_slice::<f32>(), small);
        let shape = [small; 3];
        cpu.multiply(shape, gram, gram, c, (into, small), Accumulate::Add, threads);

        let into = next.as_mut_slice::<f32>();
        scaled(cpu.isa, x.as_slice::<f32>(), a, into);
        let polynomial = View::rows(polynomial.as_slice::<f32>(), small);
        // The polynomial is symmetric, so that the transposed product needs no transposition.
        let (shape, left, right) = if rows > cols {
            ([rows, small, cols], as_given, polynomial)
        } else {
            ([rows, small, cols], polynomial, as_given)
        };
        cpu.multiply(shape, left, right, 1.0, (into, cols), Accumulate::Add, threads);
        std::mem::swap(&mut x, &mut next);
    }
    x
}

#[inline(always)]
fn nesterov_body<const FMA: bool>(momentum: &mut [f32], x: &mut [f32], beta: f32, scale: f32) {
    for (m, x) in momentum.iter_mut().zip(x) {
        let g = (1.0 - beta) * (*x * scale);
        *m = fma::<FMA>(*m, beta, g);
        *x = fma::<FMA>(*m, beta, g);
    }
}

per_isa! {
    /// Moves the momentum to the scaled gradient `x`, and turns `x` into Nesterov's look ahead.
    fn nesterov(momentum: &mut [f32], x: &mut [f32], beta: f32, scale: f32) => nesterov_body
}

#[inline(always)]
fn scaled_body<const FMA: bool>(x: &[f32], scale: f32, out: &mut [f32]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = scale * x;
    }
}

per_isa! {
    /// `out = scale · x`.
    fn scaled(x: &[f32], scale: f32, out: &mut [f32]) => scaled_body
}

#[inline(always)]
fn move_against_body<const FMA: bool>(weight: &mut [f32], step: &[f32], keep: f32, size: f32) {
    for (weight, step) in weight.iter_mut().zip(step) {
        *weight = fma::<FMA>(-size, *step, *weight * keep);
    }
}

per_isa! {
    /// `weight = keep · weight − size · step`.
    fn move_against(weight: &mut [f32], step: &[f32], keep: f32, size: f32) => move_against_body
}
