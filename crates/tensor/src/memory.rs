//! Where a tensor's bytes lie: the memory contract, and host memory.
//!
//! Large buffers ask for huge pages: weights are read from end to end, and a walk of the page table
//! for every 4 KiB of them costs a tenth of the speed of decoding.

use std::any::Any;
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use memmap2::MmapMut;

use crate::pool::HostPool;

/// Memory that holds one or more tensors. Host memory shows its bytes; a device's own does not.
pub trait Memory: Any + Send + Sync {
    /// The bytes, where the host can read them.
    fn bytes(&self) -> Option<&[u8]>;
    /// The bytes, where the host can write them. Mapped files and devices say `None`.
    fn bytes_mut(&mut self) -> Option<&mut [u8]>;
}

/// One cache line, which is also the alignment the widest vector loads want.
#[derive(Clone, Copy, Zeroable, Pod)]
#[repr(C, align(64))]
pub(crate) struct Line([u8; 64]);

pub(crate) const LINE_BYTES: usize = size_of::<Line>();

/// Bytes from which memory is mapped for itself: a huge page of x86-64 and of most others.
const HUGE_PAGE: usize = 2 << 20;

/// Where host memory comes from.
pub(crate) enum Region {
    Heap(Vec<Line>),
    Mapped(MmapMut),
}

impl Region {
    /// Memory of `n_lines` lines, all zeros.
    pub(crate) fn zeroed(n_lines: usize) -> Self {
        let n_bytes = n_lines * LINE_BYTES;
        let mapped =
            (n_bytes >= HUGE_PAGE).then(|| MmapMut::map_anon(n_bytes)).and_then(Result::ok);
        match mapped {
            Some(map) => {
                // Only advice: a system without huge pages has the same memory in small ones.
                #[cfg(target_os = "linux")]
                let _ = map.advise(memmap2::Advice::HugePage);
                Region::Mapped(map)
            }
            None => Region::Heap(bytemuck::zeroed_vec(n_lines)),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Region::Heap(lines) => bytemuck::cast_slice(lines),
            Region::Mapped(map) => map,
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Region::Heap(lines) => bytemuck::cast_slice_mut(lines),
            Region::Mapped(map) => map,
        }
    }
}

impl Default for Region {
    fn default() -> Self {
        Region::Heap(Vec::new())
    }
}

/// Host memory on a 64-byte boundary; goes back to its pool when dropped.
pub struct HostBuffer {
    region: Region,
    len_bytes: usize,
    pool: Option<Arc<HostPool>>,
}

impl HostBuffer {
    /// Copies `bytes` into memory of its own, outside any pool.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut buffer = HostBuffer::zeroed(bytes.len());
        buffer.region.bytes_mut()[..bytes.len()].copy_from_slice(bytes);
        buffer
    }

    /// Memory of its own, outside any pool, all zeros.
    pub fn zeroed(len_bytes: usize) -> Self {
        HostBuffer { region: Region::zeroed(len_bytes.div_ceil(LINE_BYTES)), len_bytes, pool: None }
    }

    /// The first `len_bytes` of `region`, which goes to `pool` afterwards.
    pub(crate) fn of_pool(region: Region, len_bytes: usize, pool: Arc<HostPool>) -> Self {
        HostBuffer { region, len_bytes, pool: Some(pool) }
    }
}

impl Memory for HostBuffer {
    fn bytes(&self) -> Option<&[u8]> {
        Some(&self.region.bytes()[..self.len_bytes])
    }

    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        Some(&mut self.region.bytes_mut()[..self.len_bytes])
    }
}

impl Drop for HostBuffer {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.put_back(std::mem::take(&mut self.region));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_memory_is_zeros_on_a_line_and_holds_what_is_written() {
        let mut buffer = HostBuffer::zeroed(HUGE_PAGE + 5);
        let bytes = buffer.bytes_mut().expect("host memory");
        assert!(bytes.len() == HUGE_PAGE + 5 && bytes.iter().all(|byte| *byte == 0));
        assert!(bytes.as_ptr().addr().is_multiple_of(64));
        bytes[HUGE_PAGE + 4] = 7;
        assert_eq!(buffer.bytes().expect("host memory")[HUGE_PAGE..], [0, 0, 0, 0, 7]);
    }
}
