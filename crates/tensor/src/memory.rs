//! Where a tensor's bytes lie: the memory contract, and pooled host memory.
//!
//! Buffers are pooled because fresh large ones cost half the speed of training in page faults. Large
//! ones ask for huge pages: weights are read from end to end, and a walk of the page table for every
//! 4 KiB of them costs a tenth of the speed of decoding.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::{Pod, Zeroable};
use memmap2::MmapMut;

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
struct Line([u8; 64]);

const LINE_BYTES: usize = size_of::<Line>();

/// Bytes from which memory is mapped for itself: a huge page of x86-64 and of most others.
const HUGE_PAGE: usize = 2 << 20;

/// Where host memory comes from.
enum Region {
    Heap(Vec<Line>),
    Mapped(MmapMut),
}

impl Region {
    /// Memory of `n_lines` lines, all zeros.
    fn zeroed(n_lines: usize) -> Self {
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

    fn bytes(&self) -> &[u8] {
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

/// Keeps freed host buffers by size class and hands them out again.
pub struct HostPool {
    free: Mutex<FreeLists>,
    budget_bytes: usize,
}

#[derive(Default)]
struct FreeLists {
    by_class: HashMap<usize, Vec<Region>>,
    held_bytes: usize,
}

impl HostPool {
    /// A pool that keeps at most `budget_bytes` of freed memory; beyond it, memory is released.
    pub fn new(budget_bytes: usize) -> Arc<Self> {
        Arc::new(HostPool { free: Mutex::default(), budget_bytes })
    }

    /// Memory of at least `len_bytes`, whose contents are unspecified: what an earlier user left.
    pub fn take(self: &Arc<Self>, len_bytes: usize) -> HostBuffer {
        let class = size_class(len_bytes.div_ceil(LINE_BYTES));
        let reused = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            let region = free.by_class.get_mut(&class).and_then(Vec::pop);
            if region.is_some() {
                free.held_bytes -= class * LINE_BYTES;
            }
            region
        };
        let region = reused.unwrap_or_else(|| Region::zeroed(class));
        HostBuffer { region, len_bytes, pool: Some(Arc::clone(self)) }
    }

    fn put_back(&self, region: Region) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let n_bytes = region.bytes().len();
        if free.held_bytes + n_bytes <= self.budget_bytes {
            free.held_bytes += n_bytes;
            free.by_class.entry(n_bytes / LINE_BYTES).or_default().push(region);
        }
    }
}

/// Rounds up to one of eight classes per power of two, so that expert groups of nearly the same
/// size share buffers and at most an eighth is wasted.
fn size_class(n_lines: usize) -> usize {
    let n_lines = n_lines.max(1);
    let step = (n_lines.next_power_of_two() / 16).max(1);
    n_lines.next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_buffer_is_handed_out_again() {
        let pool = HostPool::new(1 << 20);
        let first = pool.take(1000).bytes().expect("host memory").as_ptr();
        let second = pool.take(1000);
        assert_eq!(first, second.bytes().expect("host memory").as_ptr());
        assert!(first.addr().is_multiple_of(64));
    }

    #[test]
    fn the_pool_keeps_no_more_than_its_budget() {
        let pool = HostPool::new(4096);
        drop((pool.take(4096), pool.take(4096)));
        assert_eq!(pool.free.lock().expect("not poisoned").held_bytes, 4096);
    }

    #[test]
    fn large_memory_is_zeros_on_a_line_and_holds_what_is_written() {
        let mut buffer = HostBuffer::zeroed(HUGE_PAGE + 5);
        let bytes = buffer.bytes_mut().expect("host memory");
        assert!(bytes.len() == HUGE_PAGE + 5 && bytes.iter().all(|byte| *byte == 0));
        assert!(bytes.as_ptr().addr().is_multiple_of(64));
        bytes[HUGE_PAGE + 4] = 7;
        assert_eq!(buffer.bytes().expect("host memory")[HUGE_PAGE..], [0, 0, 0, 0, 7]);
    }

    #[test]
    fn a_size_class_wastes_at_most_an_eighth() {
        for n in 1..5000 {
            let class = size_class(n);
            assert!(class >= n && class - n <= n / 8, "{n} lines in a class of {class}");
        }
    }
}
