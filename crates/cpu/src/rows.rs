//! Rows of an output that several tasks write.

/// Rows of an output that several tasks write, each at places of its own.
#[derive(Clone, Copy)]
pub(crate) struct Rows<T = f32> {
    first: *mut T,
    stride: usize,
}

// SAFETY: that the rows live and who writes where is the promise of the functions that write.
unsafe impl<T: Send> Send for Rows<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Rows<T> {}

impl<T> Rows<T> {
    /// Of rows of `stride` numbers.
    pub(crate) fn of(numbers: &mut [T], stride: usize) -> Rows<T> {
        Rows { first: numbers.as_mut_ptr(), stride }
    }

    /// `len` numbers of row `row` from `at` on, which may run on into the rows after it.
    ///
    /// # Safety
    /// The rows are alive, the numbers are theirs, and nobody else reads or writes them for as long as
    /// the result is held.
    pub(crate) unsafe fn part<'a>(self, row: usize, at: usize, len: usize) -> &'a mut [T] {
        // SAFETY: the contract is the same.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(row * self.stride + at), len) }
    }
}

impl Rows {
    /// Where number `at` of row `row` stands, and the numbers between the beginnings of two rows.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn place(self, row: usize, at: usize) -> (*mut f32, usize) {
        (self.first.wrapping_add(row * self.stride + at), self.stride)
    }

    /// Writes `numbers` into row `row` from `at` on.
    ///
    /// # Safety
    /// The rows are alive, the numbers fit there, and nobody else reads or writes there.
    pub(crate) unsafe fn write(self, row: usize, at: usize, numbers: &[f32]) {
        // SAFETY: the contract is the same.
        unsafe { self.part(row, at, numbers.len()) }.copy_from_slice(numbers);
    }

    /// Adds `scale` times `numbers` to row `row` from `at` on.
    ///
    /// # Safety
    /// As [`Rows::write`].
    pub(crate) unsafe fn add(self, row: usize, at: usize, scale: f32, numbers: &[f32]) {
        // SAFETY: the contract is the same.
        let part = unsafe { self.part(row, at, numbers.len()) };
        for (to, number) in part.iter_mut().zip(numbers) {
            *to += scale * number;
        }
    }
}
