//! Matrix products: in `f32` by `faer` on x86-64 and by `gemm` elsewhere, or with factors rounded
//! to `bf16` by our own.

use hadal_tensor::Accumulate;

use crate::{Cpu, Products};

/// A matrix in a slice, with any strides: element `(i, j)` is `data[i · rows + j · cols]`.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) col_stride: usize,
}

impl<'a> View<'a> {
    /// Rows one after the other, `row_stride` apart.
    pub(crate) fn rows(data: &'a [f32], row_stride: usize) -> Self {
        View { data, row_stride, col_stride: 1 }
    }

    /// The same matrix, turned.
    pub(crate) fn transposed(self) -> Self {
        View { row_stride: self.col_stride, col_stride: self.row_stride, ..self }
    }

    fn check(&self, rows: usize, cols: usize, name: &str) {
        if rows > 0 && cols > 0 {
            let last = (rows - 1) * self.row_stride + (cols - 1) * self.col_stride;
            assert!(last < self.data.len(), "{name} of {rows}×{cols} lies within its slice");
        }
    }
}

/// How many threads one product may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// Only the calling one: inside a task.
    One,
    /// This many of the current pool.
    Pool(usize),
}

impl Cpu {
    /// `out (+)= scale · a · b` for `a` `[m, k]`, `b` `[k, n]` and `out` `[m, n]` with rows
    /// `out_stride` apart, the factors rounded where the device does that.
    ///
    /// # Panics
    /// When a matrix does not lie within its slice.
    pub(crate) fn multiply(
        &self,
        dims: [usize; 3],
        a: View<'_>,
        b: View<'_>,
        scale: f32,
        out: (&mut [f32], usize),
        mode: Accumulate,
        threads: Threads,
    ) {
        self.multiply_in(self.products, dims, a, b, scale, out, mode, threads);
    }

    /// [`Cpu::multiply`] with the factors as they are: for what is exponentiated, or cancels,
    /// afterwards.
    ///
    /// # Panics
    /// As [`Cpu::multiply`].
    pub(crate) fn multiply_unrounded(
        &self,
        dims: [usize; 3],
        a: View<'_>,
        b: View<'_>,
        scale: f32,
        out: (&mut [f32], usize),
        mode: Accumulate,
        threads: Threads,
    ) {
        self.multiply_in(Products::F32, dims, a, b, scale, out, mode, threads);
    }

    fn multiply_in(
        &self,
        products: Products,
        [m, k, n]: [usize; 3],
        a: View<'_>,
        b: View<'_>,
        scale: f32,
        (out, out_stride): (&mut [f32], usize),
        mode: Accumulate,
        threads: Threads,
    ) {
        if m == 0 || n == 0 {
            return;
        }
        assert!((m - 1) * out_stride + n <= out.len(), "the product lies within its slice");
        assert!(n <= out_stride || m == 1, "the rows of the product do not overlap");
        if k == 0 {
            if mode == Accumulate::Store {
                out.chunks_mut(out_stride).take(m).for_each(|row| row[..n].fill(0.0));
            }
            return;
        }
        a.check(m, k, "the left factor");
        b.check(k, n, "the right factor");
        #[cfg(target_arch = "x86_64")]
        if products == Products::Bf16 && crate::bf16::suits([m, k, n], a, b) {
            crate::bf16::multiply(self, [m, k, n], a, b, scale, (out, out_stride), mode, threads);
            return;
        }
        kernel([m, k, n], a, b, scale, (out, out_stride), mode, threads);
    }
}

#[cfg(target_arch = "x86_64")]
fn kernel(
    [m, k, n]: [usize; 3],
    a: View<'_>,
    b: View<'_>,
    scale: f32,
    (out, out_stride): (&mut [f32], usize),
    mode: Accumulate,
    threads: Threads,
) {
    use faer::linalg::matmul::matmul;
    use faer::{Accum, MatMut, MatRef, Par};
    let stride = |n: usize| n as isize;
    // SAFETY: `multiply` has checked that all elements lie within the slices, and `out` is
    // borrowed for writing.
    let (a, b, out) = unsafe {
        (
            MatRef::from_raw_parts(
                a.data.as_ptr(),
                m,
                k,
                stride(a.row_stride),
                stride(a.col_stride),
            ),
            MatRef::from_raw_parts(
                b.data.as_ptr(),
                k,
                n,
                stride(b.row_stride),
                stride(b.col_stride),
            ),
            MatMut::from_raw_parts_mut(out.as_mut_ptr(), m, n, stride(out_stride), 1),
        )
    };
    let accumulate = match mode {
        Accumulate::Store => Accum::Replace,
        Accumulate::Add => Accum::Add,
    };
    let par = match threads {
        Threads::One => Par::Seq,
        Threads::Pool(n) => Par::rayon(n),
    };
    matmul(out, accumulate, a, b, scale, par);
}

#[cfg(not(target_arch = "x86_64"))]
fn kernel(
    [m, k, n]: [usize; 3],
    a: View<'_>,
    b: View<'_>,
    scale: f32,
    (out, out_stride): (&mut [f32], usize),
    mode: Accumulate,
    threads: Threads,
) {
    let stride = |n: usize| n as isize;
    let parallelism = match threads {
        Threads::One => gemm::Parallelism::None,
        Threads::Pool(n) => gemm::Parallelism::Rayon(n),
    };
    // SAFETY: `multiply` has checked that all elements lie within the slices, and `out` is
    // borrowed for writing.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            stride(out_stride),
            mode == Accumulate::Add,
            a.data.as_ptr(),
            stride(a.col_stride),
            stride(a.row_stride),
            b.data.as_ptr(),
            stride(b.col_stride),
            stride(b.row_stride),
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}
