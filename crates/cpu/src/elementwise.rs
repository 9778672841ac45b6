//! Additions, SwiGLU and rotary positions: each number once.

use hadal_tensor::{Accumulate, DType, Gradient, RotaryLayout, RotarySpec, Tensor};
use half::bf16;
use rayon::prelude::*;

use crate::Cpu;
use crate::cached::widen_bf16;
use crate::isa::per_isa;
use crate::lanes::{fma, sigmoid};

/// Numbers of one task.
const TASK: usize = 16 * 1024;

pub(crate) fn add(cpu: &Cpu, a: &Tensor, b: &Tensor) -> Tensor {
    assert_eq!(a.dims(), b.dims(), "the terms of a sum");
    let mut out = cpu.buffer(a.dims());
    let (a, b, dim) = (a.matrix::<f32>(), b.matrix::<f32>(), a.cols());
    let rows = (TASK / dim.max(1)).max(1);
    cpu.for_row_tasks(out.as_mut_slice::<f32>(), dim, rows, |first, out| {
        for (i, out) in out.chunks_exact_mut(dim).enumerate() {
            sum_into(cpu.isa, a.row(first + i), b.row(first + i), out);
        }
    });
    out
}

pub(crate) fn widen(cpu: &Cpu, x: &Tensor) -> Tensor {
    if x.dtype() == DType::F32 {
        return x.clone();
    }
    let mut out = cpu.buffer(x.dims());
    let (x, dim) = (x.matrix::<bf16>(), x.cols());
    let rows = (TASK / dim.max(1)).max(1);
    cpu.for_row_tasks(out.as_mut_slice::<f32>(), dim, rows, |first, out| {
        for (i, out) in out.chunks_exact_mut(dim).enumerate() {
            widen_bf16(cpu.isa, x.row(first + i), out);
        }
    });
    out
}

pub(crate) fn add_row(cpu: &Cpu, x: &Tensor, row: &Tensor) -> Tensor {
    assert_eq!(x.cols(), row.len(), "a row for each row");
    let mut out = cpu.buffer(x.dims());
    let (x, row, dim) = (x.matrix::<f32>(), row.as_f32(), x.cols());
    let rows = (TASK / dim.max(1)).max(1);
    cpu.for_row_tasks(out.as_mut_slice::<f32>(), dim, rows, |first, out| {
        for (i, out) in out.chunks_exact_mut(dim).enumerate() {
            sum_into(cpu.isa, x.row(first + i), &row, out);
        }
    });
    out
}

/// One thread adds all rows in their order: it reads each number once, as memory gives them.
pub(crate) fn add_row_backward(cpu: &Cpu, d_out: &Tensor, d_row: &mut Gradient) {
    let (mode, d_row) = d_row.write();
    let (d_out, d_row) = (d_out.matrix::<f32>(), d_row.as_mut_slice::<f32>());
    if mode == Accumulate::Store {
        d_row.fill(0.0);
    }
    for row in 0..d_out.rows {
        add_into(cpu.isa, d_out.row(row), d_row);
    }
}

#[inline(always)]
fn sum_into_body<const FMA: bool>(a: &[f32], b: &[f32], out: &mut [f32]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = a + b;
    }
}

per_isa! {
    fn sum_into(a: &[f32], b: &[f32], out: &mut [f32]) => sum_into_body
}

#[inline(always)]
fn add_into_body<const FMA: bool>(x: &[f32], out: &mut [f32]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out += x;
    }
}

per_isa! {
    /// `out += x`.
    fn add_into(x: &[f32], out: &mut [f32]) => add_into_body
}

/// Writes `x` over `out`, or adds it.
pub(crate) fn accumulate(cpu: &Cpu, mode: Accumulate, x: &[f32], out: &mut [f32]) {
    match mode {
        Accumulate::Store => out.copy_from_slice(x),
        Accumulate::Add => add_into(cpu.isa, x, out),
    }
}

pub(crate) fn pass_gradient(cpu: &Cpu, gradient: &Tensor, into: &mut Gradient) {
    let (mode, into) = into.write();
    let (gradient, dim) = (gradient.matrix::<f32>(), gradient.cols());
    let rows = (TASK / dim.max(1)).max(1);
    cpu.for_row_tasks(into.as_mut_slice::<f32>(), dim, rows, |first, out| {
        for (i, out) in out.chunks_exact_mut(dim).enumerate() {
            accumulate(cpu, mode, gradient.row(first + i), out);
        }
    });
}

pub(crate) fn join_columns(cpu: &Cpu, a: &Tensor, b: &Tensor) -> Tensor {
    let (a, b) = (a.matrix::<f32>(), b.matrix::<f32>());
    let dim = a.cols + b.cols;
    let mut out = cpu.buffer(&[a.rows, dim]);
    let rows = (TASK / dim.max(1)).max(1);
    cpu.for_row_tasks(out.as_mut_slice::<f32>(), dim, rows, |first, out| {
        for (i, out) in out.chunks_exact_mut(dim).enumerate() {
            let (left, right) = out.split_at_mut(a.cols);
            left.copy_from_slice(a.row(first + i));
            right.copy_from_slice(b.row(first + i));
        }
    });
    out
}

/// The columns from `start`; all others get zeros on the first write.
pub(crate) fn columns_backward(cpu: &Cpu, d_out: &Tensor, start: usize, d_x: &mut Gradient) {
    let (mode, d_x) = d_x.write();
    let (d_out, dim) = (d_out.matrix::<f32>(), d_x.cols());
    let mine = start..start + d_out.cols;
    cpu.for_row_tasks(d_x.as_mut_slice::<f32>(), dim, 64, |first, d_x| {
        for (i, d_x) in d_x.chunks_exact_mut(dim).enumerate() {
            if mode == Accumulate::Store {
                d_x[..mine.start].fill(0.0);
                d_x[mine.end..].fill(0.0);
            }
            accumulate(cpu, mode, d_out.row(first + i), &mut d_x[mine.clone()]);
        }
    });
}

pub(crate) fn swiglu(cpu: &Cpu, gate: &Tensor, up: &Tensor) -> Tensor {
    assert_eq!(gate.dims(), up.dims(), "gate and up");
    let mut out = cpu.buffer(gate.dims());
    let (gate, up, dim) = (gate.matrix::<f32>(), up.matrix::<f32>(), gate.cols());
    let rows = (TASK / 4 / dim.max(1)).max(1);
    cpu.for_row_tasks(out.as_mut_slice::<f32>(), dim, rows, |first, out| {
        for (i, out) in out.chunks_exact_mut(dim).enumerate() {
            swiglu_row(cpu.isa, gate.row(first + i), up.row(first + i), out);
        }
    });
    out
}

#[inline(always)]
fn swiglu_row_body<const FMA: bool>(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
        *out = gate * sigmoid::<FMA>(*gate) * up;
    }
}

per_isa! {
    /// `silu(gate) · up`.
    fn swiglu_row(gate: &[f32], up: &[f32], out: &mut [f32]) => swiglu_row_body
}

pub(crate) fn swiglu_backward(
    cpu: &Cpu,
    d_out: &Tensor,
    gate: &Tensor,
    up: &Tensor,
    d_gate: &mut Gradient,
    d_up: &mut Gradient,
) {
    let (d_out, gate, up) = (d_out.matrix::<f32>(), gate.matrix::<f32>(), up.matrix::<f32>());
    let dim = gate.cols;
    let rows = (TASK / 8 / dim.max(1)).max(1);
    let ((gate_mode, d_gate), (up_mode, d_up)) = (d_gate.write(), d_up.write());
    let tasks = d_gate
        .as_mut_slice::<f32>()
        .par_chunks_mut(rows * dim)
        .zip(d_up.as_mut_slice::<f32>().par_chunks_mut(rows * dim))
        .enumerate();
    cpu.install(|| {
        tasks.for_each(|(task, (d_gate, d_up))| {
            let mut parts = vec![0.0; 2 * dim];
            let (gate_part, up_part) = parts.split_at_mut(dim);
            let places = d_gate.chunks_exact_mut(dim).zip(d_up.chunks_exact_mut(dim));
            for (i, (d_gate, d_up)) in places.enumerate() {
                let row = task * rows + i;
                let (d_out, gate, up) = (d_out.row(row), gate.row(row), up.row(row));
                swiglu_row_backward(cpu.isa, d_out, gate, up, gate_part, up_part);
                accumulate(cpu, gate_mode, gate_part, d_gate);
                accumulate(cpu, up_mode, up_part, d_up);
            }
        });
    });
}

#[inline(always)]
fn swiglu_row_backward_body<const FMA: bool>(
    d_out: &[f32],
    gate: &[f32],
    up: &[f32],
    d_gate: &mut [f32],
    d_up: &mut [f32],
) {
    let n = d_out.len();
    let (gate, up, d_gate, d_up) = (&gate[..n], &up[..n], &mut d_gate[..n], &mut d_up[..n]);
    for i in 0..n {
        let s = sigmoid::<FMA>(gate[i]);
        let silu = gate[i] * s;
        d_up[i] = d_out[i] * silu;
        d_gate[i] = d_out[i] * up[i] * fma::<FMA>(silu, 1.0 - s, s);
    }
}

per_isa! {
    /// The gradients of [`swiglu_row`].
    fn swiglu_row_backward(
        d_out: &[f32], gate: &[f32], up: &[f32], d_gate: &mut [f32], d_up: &mut [f32],
    ) => swiglu_row_backward_body
}

pub(crate) fn rotary(cpu: &Cpu, x: &Tensor, spec: &RotarySpec, positions: &Tensor) -> Tensor {
    let mut out = cpu.buffer(x.dims());
    let (x, dim) = (x.matrix::<f32>(), x.cols());
    let positions = positions.as_slice::<i32>();
    cpu.for_row_tasks(out.as_mut_slice::<f32>(), dim, 64, |first, out| {
        for (i, out) in out.chunks_exact_mut(dim).enumerate() {
            out.copy_from_slice(x.row(first + i));
            turn(spec, positions[first + i] as usize, 1.0, out);
        }
    });
    out
}

pub(crate) fn rotary_backward(
    cpu: &Cpu,
    d_out: &Tensor,
    spec: &RotarySpec,
    positions: &Tensor,
    d_x: &mut Gradient,
) {
    let (mode, d_x) = d_x.write();
    let (d_out, dim) = (d_out.matrix::<f32>(), d_x.cols());
    let positions = positions.as_slice::<i32>();
    cpu.for_row_tasks(d_x.as_mut_slice::<f32>(), dim, 64, |first, d_x| {
        let mut turned = vec![0.0; dim];
        for (i, d_x) in d_x.chunks_exact_mut(dim).enumerate() {
            turned.copy_from_slice(d_out.row(first + i));
            turn(spec, positions[first + i] as usize, -1.0, &mut turned);
            accumulate(cpu, mode, &turned, d_x);
        }
    });
}

/// Turns the rotary end of every head of a row; backwards where `direction` is -1.
fn turn(spec: &RotarySpec, position: usize, direction: f32, row: &mut [f32]) {
    let cos = spec.cos.matrix::<f32>().row(position);
    let sin = spec.sin.matrix::<f32>().row(position);
    for head in row.chunks_exact_mut(spec.head_dim) {
        let rotary = &mut head[spec.head_dim - spec.rotary_dim()..];
        match spec.layout {
            RotaryLayout::Interleaved => {
                for ((pair, cos), sin) in rotary.chunks_exact_mut(2).zip(cos).zip(sin) {
                    let (a, b, sin) = (pair[0], pair[1], direction * sin);
                    pair[0] = a * cos - b * sin;
                    pair[1] = b * cos + a * sin;
                }
            }
            RotaryLayout::HalfSplit => {
                let (first, second) = rotary.split_at_mut(cos.len());
                for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                    let (x, y, sin) = (*a, *b, direction * sin);
                    *a = x * cos - y * sin;
                    *b = y * cos + x * sin;
                }
            }
        }
    }
}
