//! Products with packed weights of 4, 6 and 8 bits.
//!
//! Activations are rounded to 8 bits once for all matrices that meet them, sums are exact within a
//! block, and blocks are added in `f32` from the first to the last, whichever kernel does it. So a
//! token's numbers do not depend on its neighbours, on the number of threads, or on which of the
//! kernels its batch is large enough for.

mod activations;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod experts;
mod kernel;

use std::ops::Range;

use hadal_tensor::{DType, ExpertWeights, Matrix, Packing, STRIP_ROWS, Tensor};

use crate::Cpu;
use crate::rows::Rows;
use activations::{Activations, PanelView, WIDEST};
use kernel::{Ahead, Kernel};

pub(crate) use experts::{experts, feed_forward};
pub(crate) use kernel::has_vnni;

/// Strips of the longest task: some hundred KiB of weights.
const TASK_STRIPS: usize = 8;

/// Tasks that a small matrix is cut into, so that threads end at nearly the same time.
const FEW_TASKS: usize = 16;

/// The packing of a weight, where it has one.
pub(crate) fn packing_of(w: &Tensor) -> Option<Packing> {
    match w.dtype() {
        DType::Packed(packing) => Some(packing),
        _ => None,
    }
}

/// The packings of a feed-forward's first two matrices and of its last, where all are packed.
pub(crate) fn packings([gate, up, down]: [&Tensor; 3]) -> Option<[Packing; 2]> {
    let [gate, up, down] = [packing_of(gate)?, packing_of(up)?, packing_of(down)?];
    (gate == up).then_some([gate, down])
}

/// As [`packings()`], where all experts have the same.
pub(crate) fn packings_of_experts(weights: &ExpertWeights) -> Option<[Packing; 2]> {
    let mut all = (weights.gate.iter().zip(&weights.up).zip(&weights.down))
        .map(|((gate, up), down)| packings([gate, up, down]));
    let first = all.next()??;
    all.all(|packings| packings == Some(first)).then_some(first)
}

/// `x wᵀ` for packed `w` `[O, I]` and `x` `[T, I]`: `[T, O]`.
pub(crate) fn linear(cpu: &Cpu, x: &Tensor, w: &Tensor, packing: Packing) -> Tensor {
    let (n_tokens, n_out) = (x.rows(), w.rows());
    assert_eq!(x.cols(), w.cols(), "the inputs of a linear layer");
    let mut out = cpu.buffer(&[n_tokens, n_out]);
    let x = Activations::of(cpu, x.matrix(), packing);
    let panels = x.panels();
    let product = Product::new(cpu, w, packing, 1);
    let into = Rows::of(out.as_mut_slice(), n_out);
    let step = |(): &mut (), task: usize, next: Option<usize>| {
        let strips = product.strips_of(task);
        let next = next.map(|task| product.bytes(product.strips_of(task)));
        product.multiply(strips, next, &panels, |column, row, numbers| {
            // SAFETY: the strips of a task are its own, and column and row are of the output.
            unsafe { into.write(column, row, numbers) };
        });
    };
    let n_tasks = product.n_tasks();
    cpu.for_tasks_ahead(n_tasks, n_tokens * w.len(), || (), step);
    out
}

/// Whether rows are whole strips.
pub(crate) fn is_whole(first: usize, n_rows: usize) -> bool {
    first.is_multiple_of(STRIP_ROWS) && n_rows.is_multiple_of(STRIP_ROWS)
}

/// `out[i] = w[first + i] · x` on the calling thread, for rows that are whole strips. As many from
/// `next` on are fetched meanwhile.
pub(crate) fn multiply_rows(
    cpu: &Cpu,
    w: &Tensor,
    packing: Packing,
    first: usize,
    next: Option<usize>,
    x: &[f32],
    out: &mut [f32],
) {
    let strips_from = |first: usize| first / STRIP_ROWS..(first + out.len()) / STRIP_ROWS;
    let (strips, next) = (strips_from(first), next.map(strips_from));
    let x = Matrix { data: x, rows: 1, cols: x.len(), stride: x.len() };
    let x = Activations::of(cpu, x, packing);
    let product = Product::new(cpu, w, packing, 1);
    let next = next.map(|strips| product.bytes(strips));
    product.multiply(strips, next, &x.panels(), |_, row, numbers| {
        out[row - first..][..STRIP_ROWS].copy_from_slice(numbers);
    });
}

/// A packed matrix, and the kernels for it.
struct Product<'a> {
    kernel: Kernel,
    bytes: &'a [u8],
    strip_bytes: usize,
    n_strips: usize,
    task_strips: usize,
    n_in: usize,
}

impl<'a> Product<'a> {
    /// A matrix whose tasks have multiples of `together` strips, which is at most [`TASK_STRIPS`].
    fn new(cpu: &Cpu, w: &'a Tensor, packing: Packing, together: usize) -> Self {
        let n_strips = w.rows() / STRIP_ROWS;
        let bytes = w.stored_bytes();
        Product {
            kernel: Kernel { isa: cpu.isa, has_vnni: cpu.has_vnni, packing },
            bytes,
            strip_bytes: bytes.len() / n_strips.max(1),
            n_strips,
            task_strips: (n_strips / FEW_TASKS)
                .next_multiple_of(together)
                .clamp(together, TASK_STRIPS),
            n_in: w.cols(),
        }
    }

    fn n_tasks(&self) -> usize {
        self.n_strips.div_ceil(self.task_strips)
    }

    /// The strips of one task.
    fn strips_of(&self, task: usize) -> Range<usize> {
        task * self.task_strips..((task + 1) * self.task_strips).min(self.n_strips)
    }

    fn bytes(&self, strips: Range<usize>) -> &'a [u8] {
        &self.bytes[strips.start * self.strip_bytes..strips.end * self.strip_bytes]
    }

    /// Multiplies some strips by all columns of some panels, and hands out the product in pieces: column,
    /// first row, and the numbers of that row and those after it. `next` is fetched meanwhile.
    ///
    /// Strip by strip, so that one stays in the first cache while all panels meet it.
    fn multiply(
        &self,
        strips: Range<usize>,
        next: Option<&[u8]>,
        panels: &[PanelView<'_>],
        mut take: impl FnMut(usize, usize, &[f32]),
    ) {
        let ahead = Ahead::of_task(self.bytes(strips.clone()), next);
        let mut room = [0.0; WIDEST * STRIP_ROWS];
        for strip in strips {
            for panel in panels {
                let out = &mut room[..panel.width * STRIP_ROWS];
                self.kernel.strip(self.bytes(strip..strip + 1), *panel, out, ahead);
                for (column, numbers) in (panel.first..).zip(out.chunks_exact(STRIP_ROWS)) {
                    take(column, strip * STRIP_ROWS, numbers);
                }
            }
        }
    }
}
