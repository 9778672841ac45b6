//! A mixture of SwiGLU experts, grouped: each expert multiplies the tokens that chose it.

use std::ops::Range;

use hadal_tensor::{
    Accumulate, DType, ExpertGradients, ExpertWeights, Gradient, Routing, SavedExperts, Tensor,
};

use crate::Cpu;
use crate::elementwise::{accumulate, swiglu_row, swiglu_row_backward};
use crate::gemm::{Threads, View};
use crate::lanes::{axpy, dot};
use crate::linear::{FEW_ROWS, multiply_rows, view, widened};

/// Assignments of one task: few enough that two threads share a popular expert, and enough that
/// packing its weights costs little beside multiplying by them.
const TASK_ROWS: usize = 256;

/// Who goes where, by expert.
struct Groups<'a> {
    assignments: &'a [i32],
    offsets: &'a [i32],
    n_active: usize,
    weights: &'a [f32],
}

/// A piece of one expert's group: its expert, and its rows among all assignments.
struct Piece {
    expert: usize,
    rows: Range<usize>,
}

impl<'a> Groups<'a> {
    fn of(routing: &'a Routing) -> Self {
        Groups {
            assignments: routing.assignments.as_slice(),
            offsets: routing.offsets.as_slice(),
            n_active: routing.indices.cols(),
            weights: routing.weights.as_slice(),
        }
    }

    fn token(&self, row: usize) -> usize {
        self.assignments[row] as usize / self.n_active
    }

    fn weight(&self, row: usize) -> f32 {
        self.weights[self.assignments[row] as usize]
    }

    fn rows_of(&self, expert: usize) -> Range<usize> {
        self.offsets[expert] as usize..self.offsets[expert + 1] as usize
    }

    fn pieces(&self) -> Vec<Piece> {
        let cut = |expert: usize| {
            let all = self.rows_of(expert);
            all.clone()
                .step_by(TASK_ROWS)
                .map(move |start| Piece { expert, rows: start..(start + TASK_ROWS).min(all.end) })
        };
        (0..self.offsets.len() - 1).flat_map(cut).collect()
    }

    /// The row of each assignment `t · K + k`; none where it was dropped.
    fn places(&self) -> Vec<Option<usize>> {
        let mut places = vec![None; self.weights.len()];
        for (row, &assignment) in self.assignments.iter().enumerate() {
            places[assignment as usize] = Some(row);
        }
        places
    }
}

/// Splits rows of `width` numbers among pieces.
fn split<'a>(mut out: &'a mut [f32], width: usize, pieces: &[Piece]) -> Vec<&'a mut [f32]> {
    pieces
        .iter()
        .map(|piece| {
            let (mine, rest) = std::mem::take(&mut out).split_at_mut(piece.rows.len() * width);
            out = rest;
            mine
        })
        .collect()
}

/// Gives the output `[T, D]` and the projections before the activation.
pub(crate) fn experts(
    cpu: &Cpu,
    x: &Tensor,
    routing: &Routing,
    weights: &ExpertWeights,
) -> (Tensor, SavedExperts) {
    let groups = Groups::of(routing);
    let (hidden, width) = (x.cols(), weights.gate[0].rows());
    let n_rows = groups.assignments.len();
    let pieces = groups.pieces();
    let mut saved =
        SavedExperts { gate: cpu.buffer(&[n_rows, width]), up: cpu.buffer(&[n_rows, width]) };
    let mut parts = cpu.buffer(&[n_rows, hidden]); // each assignment's output, not yet weighted
    let x = x.matrix::<f32>();
    let tasks: Vec<_> = (pieces.iter())
        .zip(split(saved.gate.as_mut_slice(), width, &pieces))
        .zip(split(saved.up.as_mut_slice(), width, &pieces))
        .zip(split(parts.as_mut_slice(), hidden, &pieces))
        .collect();
    cpu.for_each(tasks, n_rows * hidden * width, |(((piece, gate), up), part)| {
        let of = |w: &[Tensor]| w[piece.expert].clone();
        let (w_gate, w_up, w_down) = (of(&weights.gate), of(&weights.up), of(&weights.down));
        if piece.rows.len() <= FEW_ROWS {
            let rows = gate.chunks_exact_mut(width).zip(up.chunks_exact_mut(width));
            for (i, (gate, up)) in rows.enumerate() {
                let x = x.row(groups.token(piece.rows.start + i));
                let mut active = vec![0.0; width];
                multiply_rows(cpu, &w_gate, 0, None, &[x], gate);
                multiply_rows(cpu, &w_up, 0, None, &[x], up);
                swiglu_row(cpu.isa, gate, up, &mut active);
                multiply_rows(cpu, &w_down, 0, None, &[&active], &mut part[i * hidden..][..hidden]);
            }
            return;
        }
        let n = piece.rows.len();
        let gathered = gather(cpu, x, &groups, piece);
        let gathered = view(gathered.matrix::<f32>());
        project(cpu, [n, hidden, width], gathered, &w_gate, gate);
        project(cpu, [n, hidden, width], gathered, &w_up, up);
        let mut active = cpu.buffer(&[n, width]);
        swiglu_row(cpu.isa, gate, up, active.as_mut_slice());
        project(cpu, [n, width, hidden], view(active.matrix::<f32>()), &w_down, part);
    });

    let mut out = cpu.buffer(&[x.rows, hidden]);
    let (places, parts) = (groups.places(), parts.matrix::<f32>());
    cpu.for_row_tasks(out.as_mut_slice::<f32>(), hidden, 32, |first, out| {
        for (i, out) in out.chunks_exact_mut(hidden).enumerate() {
            out.fill(0.0);
            for k in 0..groups.n_active {
                let assignment = (first + i) * groups.n_active + k;
                if let Some(row) = places[assignment] {
                    axpy(cpu.isa, groups.weights[assignment], parts.row(row), out);
                }
            }
        }
    });
    (out, saved)
}

/// `out = x wᵀ` on the calling thread.
fn project(cpu: &Cpu, dims: [usize; 3], x: View<'_>, w: &Tensor, out: &mut [f32]) {
    let w = if w.dtype() == DType::F32 { w.clone() } else { widened(cpu, w) };
    let w = view(w.matrix::<f32>()).transposed();
    cpu.multiply(dims, x, w, 1.0, (out, dims[2]), Accumulate::Store, Threads::One);
}

/// The rows of `x` of a piece's tokens, `[n, D]`.
fn gather(
    cpu: &Cpu,
    x: hadal_tensor::Matrix<'_, f32>,
    groups: &Groups<'_>,
    piece: &Piece,
) -> Tensor {
    let mut rows = cpu.buffer(&[piece.rows.len(), x.cols]);
    let places = rows.as_mut_slice::<f32>().chunks_exact_mut(x.cols);
    for (row, place) in piece.rows.clone().zip(places) {
        place.copy_from_slice(x.row(groups.token(row)));
    }
    rows
}

pub(crate) fn experts_backward(
    cpu: &Cpu,
    d_out: &Tensor,
    x: &Tensor,
    routing: &Routing,
    weights: &ExpertWeights,
    saved: &SavedExperts,
    (d_x, d_routing): (&mut Gradient, &mut Gradient),
    d_weights: Option<ExpertGradients<'_>>,
) {
    let groups = Groups::of(routing);
    let (hidden, width) = (x.cols(), weights.gate[0].rows());
    let n_rows = groups.assignments.len();
    let pieces = groups.pieces();
    let (d_out, x) = (d_out.matrix::<f32>(), x.matrix::<f32>());
    let mut back = Backward {
        x: cpu.buffer(&[n_rows, hidden]),
        d_part: cpu.buffer(&[n_rows, hidden]),
        weighted: cpu.buffer(&[n_rows, width]),
        d_gate: cpu.buffer(&[n_rows, width]),
        d_up: cpu.buffer(&[n_rows, width]),
        d_x: cpu.buffer(&[n_rows, hidden]),
        d_weight: cpu.buffer(&[n_rows, 1]),
    };
    let (gate, up) = (saved.gate.matrix::<f32>(), saved.up.matrix::<f32>());
    let tasks = back.split(hidden, width, &pieces);
    cpu.for_each(tasks, 2 * n_rows * hidden * width, |(piece, mut task)| {
        let n = piece.rows.len();
        for (i, row) in piece.rows.clone().enumerate() {
            let token = groups.token(row);
            task.x[i * hidden..][..hidden].copy_from_slice(x.row(token));
            task.d_part[i * hidden..][..hidden].copy_from_slice(d_out.row(token));
        }
        let wide = |w: &[Tensor]| widened(cpu, &w[piece.expert]);
        let (w_gate, w_up, w_down) = (wide(&weights.gate), wide(&weights.up), wide(&weights.down));
        // The gradient of the activation, not yet weighted: its product with the activation is
        // the routing weight's gradient, so that the expert's output need not be kept.
        let mut d_active = cpu.buffer(&[n, width]);
        let into = (d_active.as_mut_slice(), width);
        let d_part = View::rows(task.d_part, hidden);
        let w = view(w_down.matrix::<f32>());
        cpu.multiply([n, hidden, width], d_part, w, 1.0, into, Accumulate::Store, Threads::One);
        let d_active = d_active.matrix::<f32>();
        for (i, row) in piece.rows.clone().enumerate() {
            task.activation(
                cpu,
                i,
                width,
                (gate.row(row), up.row(row)),
                d_active.row(i),
                groups.weight(row),
            );
        }
        let dims = [n, width, hidden];
        let w = view(w_gate.matrix::<f32>());
        let d_gate = View::rows(task.d_gate, width);
        cpu.multiply(dims, d_gate, w, 1.0, (task.d_x, hidden), Accumulate::Store, Threads::One);
        let w = view(w_up.matrix::<f32>());
        let d_up = View::rows(task.d_up, width);
        cpu.multiply(dims, d_up, w, 1.0, (task.d_x, hidden), Accumulate::Add, Threads::One);
    });
    back.gather(cpu, &groups, d_x, d_routing);
    if let Some(d_weights) = d_weights {
        back.weights(cpu, &groups, [hidden, width], d_weights);
    }
}

/// What one backward pass works with, one row an assignment, in the order of the assignments.
struct Backward {
    /// Inputs, `[A, D]`.
    x: Tensor,
    /// Gradients of the outputs, not weighted, `[A, D]`.
    d_part: Tensor,
    /// Activations times routing weight, `[A, F]`.
    weighted: Tensor,
    /// `[A, F]`.
    d_gate: Tensor,
    /// `[A, F]`.
    d_up: Tensor,
    /// `[A, D]`.
    d_x: Tensor,
    /// Gradients of the routing weights, `[A, 1]`.
    d_weight: Tensor,
}

/// The rows of one piece in [`Backward`].
struct Task<'a> {
    x: &'a mut [f32],
    d_part: &'a mut [f32],
    weighted: &'a mut [f32],
    d_gate: &'a mut [f32],
    d_up: &'a mut [f32],
    d_x: &'a mut [f32],
    d_weight: &'a mut [f32],
}

impl Task<'_> {
    /// Row `i` through the activation: from `d_active` to the gradients of gate, up and weight.
    fn activation(
        &mut self,
        cpu: &Cpu,
        i: usize,
        width: usize,
        (gate, up): (&[f32], &[f32]),
        d_active: &[f32],
        weight: f32,
    ) {
        let mine = i * width..(i + 1) * width;
        let weighted = &mut self.weighted[mine.clone()];
        swiglu_row(cpu.isa, gate, up, weighted);
        self.d_weight[i] = dot(cpu.isa, d_active, weighted);
        let (d_gate, d_up) = (&mut self.d_gate[mine.clone()], &mut self.d_up[mine]);
        swiglu_row_backward(cpu.isa, d_active, gate, up, d_gate, d_up);
        for row in [weighted, d_gate, d_up] {
            row.iter_mut().for_each(|x| *x *= weight);
        }
    }
}

impl Backward {
    fn split<'a>(
        &'a mut self,
        hidden: usize,
        width: usize,
        pieces: &'a [Piece],
    ) -> Vec<(&'a Piece, Task<'a>)> {
        let x = split(self.x.as_mut_slice(), hidden, pieces);
        let d_part = split(self.d_part.as_mut_slice(), hidden, pieces);
        let weighted = split(self.weighted.as_mut_slice(), width, pieces);
        let d_gate = split(self.d_gate.as_mut_slice(), width, pieces);
        let d_up = split(self.d_up.as_mut_slice(), width, pieces);
        let d_x = split(self.d_x.as_mut_slice(), hidden, pieces);
        let d_weight = split(self.d_weight.as_mut_slice(), 1, pieces);
        let rows = x.into_iter().zip(d_part).zip(weighted).zip(d_gate).zip(d_up).zip(d_x);
        let tasks = rows.zip(d_weight).map(
            |((((((x, d_part), weighted), d_gate), d_up), d_x), d_weight)| Task {
                x,
                d_part,
                weighted,
                d_gate,
                d_up,
                d_x,
                d_weight,
            },
        );
        pieces.iter().zip(tasks).collect()
    }

    /// Sums each token's gradients in the order of its experts.
    fn gather(&self, cpu: &Cpu, groups: &Groups<'_>, d_x: &mut Gradient, d_routing: &mut Gradient) {
        let places = groups.places();
        let (mode, d_x) = d_x.write();
        let (parts, hidden) = (self.d_x.matrix::<f32>(), d_x.cols());
        cpu.for_row_tasks(d_x.as_mut_slice::<f32>(), hidden, 32, |first, out| {
            for (i, out) in out.chunks_exact_mut(hidden).enumerate() {
                if mode == Accumulate::Store {
                    out.fill(0.0);
                }
                let mine = &places[(first + i) * groups.n_active..][..groups.n_active];
                for row in mine.iter().flatten() {
                    accumulate(cpu, Accumulate::Add, parts.row(*row), out);
                }
            }
        });
        let (mode, d_routing) = d_routing.write();
        let d_weight = self.d_weight.as_slice::<f32>();
        for (out, place) in d_routing.as_mut_slice::<f32>().iter_mut().zip(&places) {
            let gradient = place.map_or(0.0, |row| d_weight[row]);
            *out = if mode == Accumulate::Add { *out + gradient } else { gradient };
        }
    }

    /// The gradients of each expert's weights, every matrix a task of its own.
    fn weights(
        &self,
        cpu: &Cpu,
        groups: &Groups<'_>,
        [hidden, width]: [usize; 2],
        d_weights: ExpertGradients<'_>,
    ) {
        let mut tasks = Vec::new();
        for (left, right, gradients) in [
            (&self.d_gate, &self.x, d_weights.gate),
            (&self.d_up, &self.x, d_weights.up),
            (&self.d_part, &self.weighted, d_weights.down),
        ] {
            for (expert, gradient) in gradients.iter_mut().enumerate() {
                let rows = groups.rows_of(expert);
                if !rows.is_empty() {
                    tasks.push((left, right, (rows, gradient.write())));
                }
            }
        }
        let work = 3 * groups.assignments.len() * hidden * width;
        cpu.for_each(tasks, work, |(left, right, (rows, (mode, gradient)))| {
            let (n_left, n_right) = (left.cols(), right.cols());
            let left = &left.as_slice::<f32>()[rows.start * n_left..];
            let right = &right.as_slice::<f32>()[rows.start * n_right..];
            let dims = [n_left, rows.len(), n_right];
            let left = View::rows(left, n_left).transposed();
            let into = (gradient.as_mut_slice(), n_right);
            cpu.multiply(dims, left, View::rows(right, n_right), 1.0, into, mode, Threads::One);
        });
    }
}
