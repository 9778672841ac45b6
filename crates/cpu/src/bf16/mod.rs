//! Matrix products of `f32` matrices whose factors are rounded to `bf16` and summed in `f32`, by
//! `vdpbf16ps`: twice the peak of an `f32` product.
//!
//! Both factors are packed, which rounds them on the way; the right one as a whole, the left one
//! in blocks that stay in the second-level cache. Every element of the product is summed in the
//! same order whatever the number of threads.

pub(crate) mod kernel;
pub(crate) mod pack;

use hadal_tensor::{Accumulate, HostBuffer, Memory};
use rayon::prelude::*;

use crate::Cpu;
use crate::gemm::{Threads, View};

use kernel::{TILE_COLS, TILE_ROWS, Target};
use pack::{Lines, panel_len};

/// Greatest depth of a block: a panel of columns is 32 KiB. Deeper blocks would leave the caches,
/// shallower ones would read and write the product more often.
const DEPTH: usize = 512;

/// Greatest number of rows of a block, whose packed panels take 384 KiB of the second-level cache.
const BLOCK_ROWS: usize = 384;

/// Panels of columns that are packed together.
const PACKED_PANELS: usize = 8;

/// Rows below which a product is left to `f32`: packing the right factor would cost as much.
const FEWEST_ROWS: usize = 6;

/// Whether this product is worth packing for, and its factors are of a layout that can be packed.
pub(crate) fn suits([m, k, n]: [usize; 3], a: View<'_>, b: View<'_>) -> bool {
    let has_lines = |view: View<'_>| view.row_stride == 1 || view.col_stride == 1;
    m >= FEWEST_ROWS && k >= 8 && n >= 8 && has_lines(a) && has_lines(b)
}

/// `out (+)= scale · a · b`, as [`Cpu::multiply`], whose checks it relies on.
pub(crate) fn multiply(
    cpu: &Cpu,
    [m, k, n]: [usize; 3],
    a: View<'_>,
    b: View<'_>,
    scale: f32,
    (out, out_stride): (&mut [f32], usize),
    mode: Accumulate,
    threads: Threads,
) {
    let depths = Depths::of(k);
    let n_panels = n.div_ceil(TILE_COLS);
    let mut packed = cpu.memory.take(4 * n_panels * depths.sum(panel_len::<TILE_COLS>));
    let cols = Lines { data: b.data, line_stride: b.col_stride, k_stride: b.row_stride };
    pack_columns(&mut packed, cols, n, &depths, threads);
    let product = Product {
        cpu,
        rows: Lines { data: a.data, line_stride: a.row_stride, k_stride: a.col_stride },
        cols: pairs(&packed),
        n_cols: n,
        depths,
        scale,
        mode,
        out: out.as_mut_ptr(),
        out_stride,
    };
    let blocks = blocks([m, n_panels], threads);
    match threads {
        Threads::One => blocks.into_iter().for_each(|block| product.block(&block)),
        Threads::Pool(_) => {
            blocks.into_par_iter().with_max_len(1).for_each(|block| product.block(&block));
        }
    }
}

/// The summed dimension, cut into blocks of equal depth.
struct Depths {
    k: usize,
    depth: usize,
}

impl Depths {
    fn of(k: usize) -> Self {
        Depths { k, depth: k.div_ceil(k.div_ceil(DEPTH)).next_multiple_of(2) }
    }

    /// The sum over all blocks of what `of` gives for their pairs.
    fn sum(&self, of: impl Fn(usize) -> usize) -> usize {
        self.blocks().map(|(_, depth)| of(depth.div_ceil(2))).sum()
    }

    /// First number and length of each block.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.k).step_by(self.depth).map(|first| (first, self.depth.min(self.k - first)))
    }
}

/// Packs all panels of the right factor: for each block of depth, panel after panel.
fn pack_columns(
    packed: &mut HostBuffer,
    cols: Lines<'_, f32>,
    n_cols: usize,
    depths: &Depths,
    threads: Threads,
) {
    let n_panels = n_cols.div_ceil(TILE_COLS);
    let mut rest = pairs_mut(packed);
    for (first, depth) in depths.blocks() {
        let panel_len = panel_len::<TILE_COLS>(depth.div_ceil(2));
        let (block, after) = rest.split_at_mut(n_panels * panel_len);
        rest = after;
        let pack = |(index, panels): (usize, &mut [u32])| {
            let line = index * PACKED_PANELS * TILE_COLS;
            let lines = (line, (n_cols - line).min(PACKED_PANELS * TILE_COLS));
            // SAFETY: a device multiplies in bf16 only where the processor can.
            unsafe { pack::panels::<TILE_COLS, f32>(cols, lines, (first, depth), panels) };
        };
        let groups = PACKED_PANELS * panel_len;
        match threads {
            Threads::One => block.chunks_mut(groups).enumerate().for_each(pack),
            Threads::Pool(_) => block.par_chunks_mut(groups).enumerate().for_each(pack),
        }
    }
}

/// A buffer of packed pairs.
pub(crate) fn pairs(buffer: &HostBuffer) -> &[u32] {
    bytemuck::cast_slice(buffer.bytes().expect("host memory"))
}

/// The same to pack into.
pub(crate) fn pairs_mut(buffer: &mut HostBuffer) -> &mut [u32] {
    bytemuck::cast_slice_mut(buffer.bytes_mut().expect("host memory"))
}

/// Rows, and panels of columns, that one task computes.
struct Block {
    rows: std::ops::Range<usize>,
    panels: std::ops::Range<usize>,
}

/// Cuts `[rows, panels]` into tasks: by rows, so that each packs its own once; where there are too
/// few rows for that to occupy the threads, by panels as well.
fn blocks([m, n_panels]: [usize; 2], threads: Threads) -> Vec<Block> {
    let n_threads = match threads {
        Threads::One => 1,
        Threads::Pool(n) => n,
    };
    let by_rows = m >= 4 * TILE_ROWS * n_threads;
    let n_row_blocks = if by_rows {
        m.div_ceil(n_threads * BLOCK_ROWS) * n_threads
    } else {
        m.div_ceil(BLOCK_ROWS)
    };
    let rows_each = m.div_ceil(n_row_blocks).next_multiple_of(TILE_ROWS);
    let panels_each = if by_rows { n_panels } else { n_panels.div_ceil(n_threads) };
    let cut = |len: usize, each: usize| {
        (0..len).step_by(each).map(move |first| first..(first + each).min(len))
    };
    cut(m, rows_each)
        .flat_map(|rows| {
            cut(n_panels, panels_each).map(move |panels| Block { rows: rows.clone(), panels })
        })
        .collect()
}

/// A product whose right factor is packed.
struct Product<'a> {
    cpu: &'a Cpu,
    rows: Lines<'a, f32>,
    /// For each block of depth, panel after panel.
    cols: &'a [u32],
    n_cols: usize,
    depths: Depths,
    scale: f32,
    mode: Accumulate,
    out: *mut f32,
    out_stride: usize,
}

// SAFETY: `out` is written by `Product::block` alone, and no two blocks share an element.
unsafe impl Sync for Product<'_> {}

impl Product<'_> {
    fn block(&self, block: &Block) {
        let n_row_panels = block.rows.len().div_ceil(TILE_ROWS);
        let n_panels = self.n_cols.div_ceil(TILE_COLS);
        let room = n_row_panels * panel_len::<TILE_ROWS>(self.depths.depth.div_ceil(2));
        let mut packed = self.cpu.memory.take(4 * room);
        let mut at = 0;
        for (first, depth) in self.depths.blocks() {
            let n_pairs = depth.div_ceil(2);
            let rows = pairs_mut(&mut packed);
            let lines = (block.rows.start, block.rows.len());
            // SAFETY: a device multiplies in bf16 only where the processor can.
            unsafe { pack::panels::<TILE_ROWS, f32>(self.rows, lines, (first, depth), rows) };
            let mode = if first == 0 { self.mode } else { Accumulate::Add };
            let panels = &self.cols[at..at + n_panels * panel_len::<TILE_COLS>(n_pairs)];
            self.tiles(block, n_pairs, pairs(&packed), panels, mode);
            at += panels.len();
        }
    }

    /// All tiles of a block at one depth; a panel of columns stays in the first-level cache while
    /// the rows pass by.
    fn tiles(&self, block: &Block, n_pairs: usize, rows: &[u32], cols: &[u32], mode: Accumulate) {
        for panel in block.panels.clone() {
            let col = panel * TILE_COLS;
            let cols = &cols[panel * panel_len::<TILE_COLS>(n_pairs)..][..n_pairs * TILE_COLS];
            for (index, row) in block.rows.clone().step_by(TILE_ROWS).enumerate() {
                let rows = &rows[index * panel_len::<TILE_ROWS>(n_pairs)..][..n_pairs * TILE_ROWS];
                let target = Target {
                    at: self.out.wrapping_add(row * self.out_stride + col),
                    stride: self.out_stride,
                    rows: TILE_ROWS.min(block.rows.end - row),
                    cols: TILE_COLS.min(self.n_cols - col),
                };
                // SAFETY: the panels are whole, `multiply` has checked that the product lies
                // within its slice, and no other block writes these elements.
                unsafe {
                    kernel::tile(n_pairs, rows.as_ptr(), cols.as_ptr(), &target, self.scale, mode);
                }
            }
        }
    }
}
