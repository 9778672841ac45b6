//! Activations in 8 bits, in the order in which the kernels meet them.
//!
//! The columns of a product (one for each token) are cut into *panels* of up to 12. A panel holds,
//! quad after quad of the input, the 4 bytes of each of its columns, so that one pointer walks
//! through it; a panel of one column is simply that column.

use hadal_tensor::{HostBuffer, LONGEST_GROUP, Matrix, Memory, Packing, QUAD};

use crate::Cpu;
use crate::isa::{Isa, per_isa};

/// The widest panel.
pub(super) const WIDEST: usize = 12;

/// The widths of panels, for each of which there is a kernel.
const WIDTHS: [usize; 5] = [WIDEST, 8, 4, 2, 1];

/// Columns that are multiplied together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panel {
    /// Its first column.
    pub(super) first: usize,
    /// One of [`WIDTHS`].
    pub(super) width: usize,
}

impl Panel {
    /// A panel of one column.
    pub(super) fn single(column: usize) -> Panel {
        Panel { first: column, width: 1 }
    }

    /// The panel that column `column` of `n_columns` is in.
    pub(super) fn of(column: usize, n_columns: usize) -> Panel {
        panels(n_columns)
            .find(|panel| column < panel.first + panel.width)
            .expect("the column is one of them")
    }
}

/// Cuts `n_columns` into panels, wide ones first.
pub(super) fn panels(n_columns: usize) -> impl Iterator<Item = Panel> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let rest = n_columns - first;
        let width = WIDTHS.into_iter().find(|width| *width <= rest)?;
        first += width;
        Some(Panel { first: first - width, width })
    })
}

/// Columns of `n_in` numbers, each group of which has a scale.
pub(super) struct Activations {
    n_columns: usize,
    n_in: usize,
    packing: Packing,
    quants: HostBuffer,
    scales: HostBuffer,
    sums: HostBuffer,
}

/// What a kernel reads of one panel.
#[derive(Clone, Copy)]
pub(super) struct PanelView<'a> {
    /// The number of its first column among those that are multiplied together.
    pub(super) first: usize,
    /// Columns.
    pub(super) width: usize,
    /// `[n_in / 4, width, 4]`.
    pub(super) quants: &'a [i8],
    /// `[blocks, width]`.
    pub(super) scales: &'a [f32],
    /// The sums of the column's quants, `[blocks, width]`, times what the weights' levels count
    /// from: minus their offset, with which a block's sum begins, or one for minima to meet.
    pub(super) sums: &'a [i32],
}

impl Activations {
    /// Room for columns that meet weights of `packing`; its contents are unspecified.
    pub(super) fn empty(cpu: &Cpu, n_columns: usize, n_in: usize, packing: Packing) -> Self {
        let n_groups = n_columns * (n_in / packing.group());
        Activations {
            n_columns,
            n_in,
            packing,
            quants: cpu.memory.take(n_columns * n_in),
            scales: cpu.memory.take(n_groups * size_of::<f32>()),
            sums: cpu.memory.take(n_groups * size_of::<i32>()),
        }
    }

    /// The columns of `x` `[T, n_in]` in panels.
    pub(super) fn of(cpu: &Cpu, x: Matrix<'_, f32>, packing: Packing) -> Self {
        Activations::rounded(cpu, x, packing, |column| Panel::of(column, x.rows))
    }

    /// The columns of `x` `[T, n_in]`, each a panel of its own, from which others are gathered.
    pub(super) fn singles(cpu: &Cpu, x: Matrix<'_, f32>, packing: Packing) -> Self {
        Activations::rounded(cpu, x, packing, Panel::single)
    }

    fn rounded(
        cpu: &Cpu,
        x: Matrix<'_, f32>,
        packing: Packing,
        panel: impl Fn(usize) -> Panel + Sync,
    ) -> Self {
        let mut rounded = Activations::empty(cpu, x.rows, x.cols, packing);
        let sink = rounded.sink();
        cpu.for_tasks(x.rows, x.rows * x.cols, |column| {
            // SAFETY: each column is written by its own task alone.
            unsafe { sink.round(cpu.isa, panel(column), column, 0, x.row(column)) };
        });
        rounded
    }

    /// A column of its own, where each is a panel.
    pub(super) fn single(&self, column: usize) -> PanelView<'_> {
        PanelView { first: 0, ..self.panel(Panel::single(column)) }
    }

    fn panel(&self, panel: Panel) -> PanelView<'_> {
        let (n_in, n_blocks) = (self.n_in, self.n_in / self.packing.group());
        let (first, width) = (panel.first, panel.width);
        PanelView {
            first,
            width,
            quants: &read::<i8>(&self.quants)[first * n_in..][..width * n_in],
            scales: &read::<f32>(&self.scales)[first * n_blocks..][..width * n_blocks],
            sums: &read::<i32>(&self.sums)[first * n_blocks..][..width * n_blocks],
        }
    }

    /// All panels.
    pub(super) fn panels(&self) -> Vec<PanelView<'_>> {
        panels(self.n_columns).map(|panel| self.panel(panel)).collect()
    }

    /// Lets several tasks write columns.
    pub(super) fn sink(&mut self) -> Sink {
        Sink {
            n_in: self.n_in,
            packing: self.packing,
            quants: write::<i8>(&mut self.quants).as_mut_ptr(),
            scales: write::<f32>(&mut self.scales).as_mut_ptr(),
            sums: write::<i32>(&mut self.sums).as_mut_ptr(),
        }
    }
}

fn read<T: bytemuck::Pod>(buffer: &HostBuffer) -> &[T] {
    bytemuck::cast_slice(buffer.bytes().expect("host memory"))
}

fn write<T: bytemuck::Pod>(buffer: &mut HostBuffer) -> &mut [T] {
    bytemuck::cast_slice_mut(buffer.bytes_mut().expect("host memory"))
}

/// Columns to be written by several tasks.
pub(super) struct Sink {
    n_in: usize,
    packing: Packing,
    quants: *mut i8,
    scales: *mut f32,
    sums: *mut i32,
}

// SAFETY: the pointers are into buffers of the activations they were made of; that these live and
// that nobody writes the same places is the promise of the functions that use them.
unsafe impl Send for Sink {}
// SAFETY: as above.
unsafe impl Sync for Sink {}

impl Sink {
    /// Rounds numbers of a column, from block `first_block` on.
    ///
    /// # Safety
    /// The activations are alive, `panel` is the one of theirs that `column` is in, and nobody else
    /// writes or reads these blocks of the column meanwhile.
    ///
    /// # Panics
    /// When the numbers are more than there is room for, or not whole groups.
    pub(super) unsafe fn round(
        &self,
        isa: Isa,
        panel: Panel,
        column: usize,
        first_block: usize,
        x: &[f32],
    ) {
        let group = self.packing.group();
        assert!(x.len().is_multiple_of(group), "{} numbers in groups of {group}", x.len());
        assert!(first_block * group + x.len() <= self.n_in, "a column of {}", self.n_in);
        let factor = if self.packing.has_minima() { 1 } else { -self.packing.offset() };
        let mut quants = [0i8; LONGEST_GROUP];
        for (block, x) in (first_block..).zip(x.chunks_exact(group)) {
            let (scale, sum) = round_group(isa, x, &mut quants[..group]);
            // SAFETY: the block is in the column, by the assertion and the promise.
            unsafe {
                self.place(panel, column, block, &quants[..group]);
                self.note(panel, column, block, scale, factor * sum);
            }
        }
    }

    /// Writes all columns: chosen ones of `singles`, which are panels of one column.
    ///
    /// # Safety
    /// The activations are alive, and nobody else writes or reads them meanwhile.
    ///
    /// # Panics
    /// When columns here and there are not of the same length.
    pub(super) unsafe fn gather(&self, singles: &Activations, columns: &[usize]) {
        assert_eq!(self.n_in, singles.n_in, "the length of columns");
        for (column, from) in columns.iter().enumerate() {
            let from = singles.single(*from);
            // SAFETY: the promise is the same, and the lengths agree.
            unsafe { self.copy(Panel::of(column, columns.len()), column, from) };
        }
    }

    /// Writes a column that is rounded already.
    ///
    /// # Safety
    /// As [`Sink::round`], for all blocks; `from` is a panel of one column as long as these.
    unsafe fn copy(&self, panel: Panel, column: usize, from: PanelView<'_>) {
        let group = self.packing.group();
        for (block, quants) in from.quants.chunks_exact(group).enumerate() {
            // SAFETY: the promise is the same.
            unsafe {
                self.place(panel, column, block, quants);
                self.note(panel, column, block, from.scales[block], from.sums[block]);
            }
        }
    }

    /// # Safety
    /// As [`Sink::round`], for one block that the column has.
    unsafe fn place(&self, panel: Panel, column: usize, block: usize, quants: &[i8]) {
        let lane = column - panel.first;
        let first = panel.first * self.n_in + block * quants.len() * panel.width + lane * QUAD;
        let mut to = self.quants.wrapping_add(first).cast::<[i8; QUAD]>();
        for quad in quants.as_chunks().0 {
            // SAFETY: quad and lane are in the panel, and the panel in the buffer.
            unsafe { to.write(*quad) };
            to = to.wrapping_add(panel.width);
        }
    }

    /// # Safety
    /// As [`Sink::place`].
    unsafe fn note(&self, panel: Panel, column: usize, block: usize, scale: f32, sum: i32) {
        let n_blocks = self.n_in / self.packing.group();
        let at = panel.first * n_blocks + block * panel.width + (column - panel.first);
        // SAFETY: block and lane are in the panel, and the panel in the buffers.
        unsafe {
            self.scales.add(at).write(scale);
            self.sums.add(at).write(sum);
        }
    }
}

/// Rounds a group to whole numbers of `scale`, from −127 to 127, and gives it and their sum.
#[inline(always)]
fn round_group_body<const FMA: bool>(x: &[f32], quants: &mut [i8]) -> (f32, i32) {
    // Adding 1.5 · 2²³ rounds to a whole number, which then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // As bits, magnitudes have the order of whole numbers, and what is not a number is greatest: it
    // ends in the scale, and so in the product.
    let magnitudes = x.iter().map(|x| x.to_bits() & 0x7fff_ffff);
    let largest = f32::from_bits(magnitudes.fold(0, |m, x| if x > m { x } else { m }));
    let inverse = if largest == 0.0 { 0.0 } else { 127.0 / largest };
    let mut sum = 0;
    for (quant, x) in quants.iter_mut().zip(x) {
        *quant = (x * inverse + ROUND).to_bits() as i8;
        sum += i32::from(*quant);
    }
    (largest / 127.0, sum)
}

per_isa! {
    fn round_group(x: &[f32], quants: &mut [i8]) -> (f32, i32) => round_group_body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_cover_all_columns() {
        for n_columns in 0..100 {
            let found: Vec<Panel> = panels(n_columns).collect();
            let mut next = 0;
            for panel in &found {
                assert_eq!(panel.first, next);
                next += panel.width;
                for column in panel.first..next {
                    assert_eq!(Panel::of(column, n_columns), *panel);
                }
            }
            assert_eq!(next, n_columns);
        }
    }

    #[test]
    fn a_gathered_column_is_the_column() {
        let cpu = Cpu::new(1);
        let packing = Packing::new(4, 32).expect("a packing");
        let x: Vec<f32> = (0..20 * 64).map(|i| (i * 37 % 101) as f32 - 50.0).collect();
        let x = hadal_tensor::Tensor::from_slice(&x, &[20, 64]);
        let whole = Activations::of(&cpu, x.matrix(), packing);
        let singles = Activations::singles(&cpu, x.matrix(), packing);
        let columns: Vec<usize> = (0..20).collect();
        let mut gathered = Activations::empty(&cpu, 20, 64, packing);
        // SAFETY: nobody else has them.
        unsafe { gathered.sink().gather(&singles, &columns) };
        for (a, b) in whole.panels().iter().zip(gathered.panels()) {
            assert_eq!((a.quants, a.scales, a.sums), (b.quants, b.scales, b.sums));
        }
    }

    #[test]
    fn rounding_loses_at_most_half_a_step() {
        let x: Vec<f32> = (0..128).map(|i| ((i * 53 % 97) as f32 - 48.0) / 3.0).collect();
        for isa in Isa::available() {
            let mut quants = [0; 128];
            let (scale, sum) = round_group(isa, &x, &mut quants);
            for (x, q) in x.iter().zip(quants) {
                assert!((x - scale * f32::from(q)).abs() <= scale * 0.501, "{x} became {q}");
            }
            assert_eq!(sum, quants.iter().map(|q| i32::from(*q)).sum::<i32>());
        }
        let mut quants = [1; 32];
        assert_eq!(round_group(Isa::Scalar, &[0.0; 32], &mut quants), (0.0, 0));
        assert_eq!(quants, [0; 32]);
        let mut damaged = [1.0; 32];
        damaged[7] = f32::NAN;
        assert!(round_group(Isa::Scalar, &damaged, &mut quants).0.is_nan());
    }
}
