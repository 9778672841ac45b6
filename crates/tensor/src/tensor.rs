//! A tensor: shared memory seen as rows of numbers.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use half::{bf16, f16};

use crate::dtype::{DType, Element};
use crate::memory::{HostBuffer, Memory};
use crate::packed::STRIP_ROWS;
use crate::quantised::BlockFormat;

/// Tells one tensor from every other of this process; gradients are kept by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(u64);

impl TensorId {
    fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        TensorId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Rows of numbers in shared memory.
///
/// The last dimension is contiguous; all the others together are the rows, which lie `row_stride`
/// numbers apart, so that a range of columns or of rows is a view without a copy. Cloning shares
/// the memory and keeps the identity.
#[derive(Clone)]
pub struct Tensor {
    id: TensorId,
    memory: Arc<dyn Memory>,
    dtype: DType,
    dims: Vec<usize>,
    row_stride: usize,
    offset_bytes: usize,
}

impl Tensor {
    /// A tensor with contiguous rows, `offset_bytes` into `memory`.
    pub fn from_memory(
        memory: Arc<dyn Memory>,
        offset_bytes: usize,
        dtype: DType,
        dims: &[usize],
    ) -> Self {
        let row_stride = dims.last().copied().unwrap_or(1);
        Tensor {
            id: TensorId::fresh(),
            memory,
            dtype,
            dims: dims.to_vec(),
            row_stride,
            offset_bytes,
        }
    }

    /// A tensor in host memory of its own.
    ///
    /// # Panics
    /// When the number of values is not the product of `dims`.
    pub fn from_slice<T: Element>(values: &[T], dims: &[usize]) -> Self {
        assert_eq!(values.len(), dims.iter().product(), "values for a tensor of {dims:?}");
        let memory = Arc::new(HostBuffer::from_bytes(bytemuck::cast_slice(values)));
        Tensor::from_memory(memory, 0, T::DTYPE, dims)
    }

    /// The identity, shared by clones and by nothing else.
    pub fn id(&self) -> TensorId {
        self.id
    }

    /// The number format.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The sizes of the dimensions, outermost first.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// The product of all dimensions but the last.
    pub fn rows(&self) -> usize {
        self.dims.split_last().map_or(1, |(_, outer)| outer.iter().product())
    }

    /// The last dimension.
    pub fn cols(&self) -> usize {
        self.dims.last().copied().unwrap_or(1)
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether there are no values at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The distance between the beginnings of two rows, in numbers.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Whether the rows follow each other without a gap.
    pub fn is_contiguous(&self) -> bool {
        self.row_stride == self.cols() || self.rows() <= 1
    }

    /// The memory that holds the values, for a device to recognise its own.
    pub fn memory(&self) -> &Arc<dyn Memory> {
        &self.memory
    }

    /// Where the first value lies in [`Tensor::memory`].
    pub fn offset_bytes(&self) -> usize {
        self.offset_bytes
    }

    /// The bytes the values take, gaps between rows not counted.
    pub fn len_bytes(&self) -> usize {
        self.rows() * self.dtype.row_bytes(self.cols())
    }

    /// A view of the columns in `range`, as a matrix.
    ///
    /// # Panics
    /// When the range leaves the row, or cuts a block of a packed format.
    pub fn columns(&self, range: Range<usize>) -> Tensor {
        assert!(range.end <= self.cols(), "columns {range:?} of a row of {}", self.cols());
        Tensor {
            id: TensorId::fresh(),
            dims: vec![self.rows(), range.len()],
            offset_bytes: self.offset_bytes + self.dtype.row_bytes(range.start),
            ..self.clone()
        }
    }

    /// A view of the rows in `range`, as a matrix.
    ///
    /// # Panics
    /// When the range leaves the tensor, or cuts a strip of a packed layout.
    pub fn row_range(&self, range: Range<usize>) -> Tensor {
        assert!(range.end <= self.rows(), "rows {range:?} of {}", self.rows());
        let is_packed = matches!(self.dtype, DType::Packed(_));
        let cuts =
            !range.start.is_multiple_of(STRIP_ROWS) || !range.len().is_multiple_of(STRIP_ROWS);
        assert!(!(is_packed && cuts), "rows {range:?} of strips of {STRIP_ROWS}");
        Tensor {
            id: TensorId::fresh(),
            dims: vec![range.len(), self.cols()],
            offset_bytes: self.offset_bytes + range.start * self.dtype.row_bytes(self.row_stride),
            ..self.clone()
        }
    }

    /// A view of the same values, row after row, in another shape.
    ///
    /// # Panics
    /// When the shape holds another number of values, or the rows are not contiguous.
    pub fn reshaped(&self, dims: &[usize]) -> Tensor {
        assert_eq!(self.len(), dims.iter().product(), "{:?} seen as {dims:?}", self.dims);
        assert!(self.is_contiguous(), "a new shape for rows that lie {} apart", self.row_stride);
        Tensor {
            id: TensorId::fresh(),
            dims: dims.to_vec(),
            row_stride: dims.last().copied().unwrap_or(1),
            ..self.clone()
        }
    }

    /// The values as rows, in host memory.
    ///
    /// # Panics
    /// When the tensor holds another type, or lies where the host cannot read.
    pub fn matrix<T: Element>(&self) -> Matrix<'_, T> {
        let bytes = self.row_bytes_from_first();
        self.expect_dtype::<T>();
        Matrix {
            data: bytemuck::cast_slice(bytes),
            rows: self.rows(),
            cols: self.cols(),
            stride: self.row_stride,
        }
    }

    /// The values as writable rows, in host memory.
    ///
    /// # Panics
    /// When the tensor holds another type, is shared, or lies where the host cannot write.
    pub fn matrix_mut<T: Element>(&mut self) -> MatrixMut<'_, T> {
        self.expect_dtype::<T>();
        let (rows, cols, stride) = (self.rows(), self.cols(), self.row_stride);
        let (start, len) = (self.offset_bytes, self.span_bytes());
        let bytes = Arc::get_mut(&mut self.memory)
            .expect("a tensor is written only while nothing else holds it")
            .bytes_mut()
            .expect("a tensor is written in memory that the host can write");
        MatrixMut {
            data: bytemuck::cast_slice_mut(&mut bytes[start..start + len]),
            rows,
            cols,
            stride,
        }
    }

    /// All values of a contiguous tensor.
    ///
    /// # Panics
    /// As [`Tensor::matrix`], and when the rows are not contiguous.
    pub fn as_slice<T: Element>(&self) -> &[T] {
        assert!(self.is_contiguous(), "a slice of rows that lie {} apart", self.row_stride);
        &self.matrix::<T>().data[..self.len()]
    }

    /// All values of a contiguous tensor, writable.
    ///
    /// # Panics
    /// As [`Tensor::matrix_mut`], and when the rows are not contiguous.
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        assert!(self.is_contiguous(), "a slice of rows that lie {} apart", self.row_stride);
        let len = self.len();
        &mut self.matrix_mut::<T>().data[..len]
    }

    /// Reads one row as `f32`, whatever its format.
    ///
    /// # Panics
    /// When `out` is not one row long, or the host cannot read the tensor.
    pub fn read_row(&self, row: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.cols(), "room for one row");
        match self.dtype {
            DType::F32 => out.copy_from_slice(self.matrix::<f32>().row(row)),
            DType::Bf16 => convert(self.matrix::<bf16>().row(row), out, bf16::to_f32),
            DType::F16 => convert(self.matrix::<f16>().row(row), out, f16::to_f32),
            DType::I32 => convert(self.matrix::<i32>().row(row), out, |x| x as f32),
            DType::Packed(packing) => {
                let strip_bytes = STRIP_ROWS * packing.row_bytes(self.cols());
                let strip = &self.stored_bytes()[row / STRIP_ROWS * strip_bytes..][..strip_bytes];
                packing.read_row(strip, row % STRIP_ROWS, out);
            }
            blocks => BlockFormat::of(blocks).read_row(self.packed_row(row), out),
        }
    }

    /// One row's bytes as stored, for kernels that read a packed format.
    ///
    /// # Panics
    /// When the host cannot read the tensor.
    pub fn packed_row(&self, row: usize) -> &[u8] {
        let start = row * self.dtype.row_bytes(self.row_stride);
        &self.row_bytes_from_first()[start..start + self.dtype.row_bytes(self.cols())]
    }

    /// The bytes of a contiguous tensor as stored.
    ///
    /// # Panics
    /// When the rows are not contiguous, or the host cannot read the tensor.
    pub fn stored_bytes(&self) -> &[u8] {
        assert!(self.is_contiguous(), "the bytes of rows that lie {} apart", self.row_stride);
        self.row_bytes_from_first()
    }

    /// All values as `f32`, row after row: its own where they stand there like that.
    ///
    /// # Panics
    /// When the host cannot read the tensor.
    pub fn as_f32(&self) -> Cow<'_, [f32]> {
        if self.dtype == DType::F32 && self.is_contiguous() {
            Cow::Borrowed(self.as_slice())
        } else {
            Cow::Owned(self.to_f32_vec())
        }
    }

    /// All values as `f32`, row after row, whatever the format.
    ///
    /// # Panics
    /// When the host cannot read the tensor.
    pub fn to_f32_vec(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.len()];
        if self.cols() > 0 {
            for (row, out) in values.chunks_exact_mut(self.cols()).enumerate() {
                self.read_row(row, out);
            }
        }
        values
    }

    /// The same values in host memory of their own, rows contiguous.
    ///
    /// # Panics
    /// When the host cannot read the tensor.
    pub fn copied(&self) -> Tensor {
        if self.is_contiguous() {
            let memory = HostBuffer::from_bytes(self.stored_bytes());
            return Tensor::from_memory(Arc::new(memory), 0, self.dtype, &self.dims);
        }
        let bytes: Vec<u8> =
            (0..self.rows()).flat_map(|row| self.packed_row(row)).copied().collect();
        Tensor::from_memory(Arc::new(HostBuffer::from_bytes(&bytes)), 0, self.dtype, &self.dims)
    }

    fn expect_dtype<T: Element>(&self) {
        assert_eq!(self.dtype, T::DTYPE, "the dtype of a tensor of {:?}", self.dims);
    }

    /// Bytes from the first value to the last, gaps between rows included.
    fn span_bytes(&self) -> usize {
        match self.rows() {
            0 => 0,
            rows => {
                (rows - 1) * self.dtype.row_bytes(self.row_stride)
                    + self.dtype.row_bytes(self.cols())
            }
        }
    }

    fn row_bytes_from_first(&self) -> &[u8] {
        let bytes = self.memory.bytes().expect("a tensor is read in memory that the host can read");
        &bytes[self.offset_bytes..self.offset_bytes + self.span_bytes()]
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({} {:?})", self.dtype.name(), self.dims)
    }
}

fn convert<T: Copy>(row: &[T], out: &mut [f32], to_f32: impl Fn(T) -> f32) {
    for (out, &x) in out.iter_mut().zip(row) {
        *out = to_f32(x);
    }
}

/// Rows of a tensor, readable. The last row may end where the memory ends.
#[derive(Clone, Copy)]
pub struct Matrix<'a, T> {
    /// All numbers from the first row's first to the last row's last, gaps included.
    pub data: &'a [T],
    /// Number of rows.
    pub rows: usize,
    /// Numbers in a row.
    pub cols: usize,
    /// Numbers between the beginnings of two rows.
    pub stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// One row.
    pub fn row(&self, row: usize) -> &'a [T] {
        &self.data[row * self.stride..][..self.cols]
    }
}

/// Rows of a tensor, writable.
pub struct MatrixMut<'a, T> {
    /// All numbers from the first row's first to the last row's last, gaps included.
    pub data: &'a mut [T],
    /// Number of rows.
    pub rows: usize,
    /// Numbers in a row.
    pub cols: usize,
    /// Numbers between the beginnings of two rows.
    pub stride: usize,
}

impl<T> MatrixMut<'_, T> {
    /// One row.
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        &mut self.data[row * self.stride..][..self.cols]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_see_the_same_numbers() {
        let values: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let t = Tensor::from_slice(&values, &[3, 4]);
        assert_eq!(t.columns(1..3).to_f32_vec(), [1., 2., 5., 6., 9., 10.]);
        assert_eq!(t.row_range(1..3).columns(3..4).to_f32_vec(), [7., 11.]);
        assert_eq!(t.row_range(1..3).reshaped(&[4, 2]).row_range(2..3).to_f32_vec(), [8., 9.]);
        assert_ne!(t.columns(0..4).id(), t.id());
        assert_eq!(t.clone().id(), t.id());
    }

    #[test]
    fn writing_reaches_only_the_view() {
        let mut view = Tensor::from_slice(&[0f32; 6], &[2, 3]).columns(1..2);
        view.matrix_mut::<f32>().row_mut(1)[0] = 5.0;
        assert_eq!(view.to_f32_vec(), [0.0, 5.0]);
    }

    #[test]
    #[should_panic(expected = "only while nothing else holds it")]
    fn a_shared_tensor_is_not_written() {
        let mut t = Tensor::from_slice(&[0f32; 2], &[2]);
        let _other = t.clone();
        t.as_mut_slice::<f32>()[0] = 1.0;
    }

    #[test]
    fn half_precision_reads_as_f32() {
        let t = Tensor::from_slice(&[bf16::from_f32(1.5), bf16::from_f32(-2.0)], &[1, 2]);
        assert_eq!(t.to_f32_vec(), [1.5, -2.0]);
        let t = Tensor::from_slice(&[f16::from_f32(0.25)], &[1]);
        assert_eq!(t.to_f32_vec(), [0.25]);
    }
}
