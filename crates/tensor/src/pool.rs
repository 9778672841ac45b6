//! Host memory that is used again and again.
//!
//! Fresh large buffers cost half the speed of training in page faults, and small ones are taken and
//! given back a thousand times for one token. So each thread has lists of its own: what it takes is
//! what it gave back last, which its core still has in its caches, and threads do not wait for each
//! other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::memory::{HostBuffer, LINE_BYTES, Region};

/// Threads that have lists of their own; of more, some share.
const N_LISTS: usize = 32;

/// Keeps freed host buffers by size class and hands them out again.
pub struct HostPool {
    /// Of each thread.
    free: [FreeLists; N_LISTS],
    held_bytes: AtomicUsize,
    budget_bytes: usize,
}

/// Freed memory by the rank of its class, on cache lines of its own.
#[derive(Default)]
#[repr(align(64))]
struct FreeLists(Mutex<Vec<Vec<Region>>>);

impl FreeLists {
    fn lock(&self) -> MutexGuard<'_, Vec<Vec<Region>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, rank: usize) -> Option<Region> {
        self.lock().get_mut(rank)?.pop()
    }

    fn put(&self, rank: usize, region: Region) {
        let mut by_rank = self.lock();
        if by_rank.len() <= rank {
            by_rank.resize_with(rank + 1, Vec::new);
        }
        by_rank[rank].push(region);
    }
}

impl HostPool {
    /// A pool that keeps at most `budget_bytes` of freed memory; beyond it, memory is released.
    pub fn new(budget_bytes: usize) -> Arc<Self> {
        let free = std::array::from_fn(|_| FreeLists::default());
        Arc::new(HostPool { free, held_bytes: AtomicUsize::new(0), budget_bytes })
    }

    /// Memory of at least `len_bytes`, whose contents are unspecified: what an earlier user left.
    pub fn take(self: &Arc<Self>, len_bytes: usize) -> HostBuffer {
        let class = SizeClass::of(len_bytes.div_ceil(LINE_BYTES));
        let region = match self.reuse(class.rank) {
            Some(region) => {
                self.held_bytes.fetch_sub(class.n_lines * LINE_BYTES, Ordering::Relaxed);
                region
            }
            None => Region::zeroed(class.n_lines),
        };
        HostBuffer::of_pool(region, len_bytes, Arc::clone(self))
    }

    /// Memory that this thread gave back, or else another.
    fn reuse(&self, rank: usize) -> Option<Region> {
        let own = own_lists();
        let (before, from) = self.free.split_at(own);
        from.iter().chain(before).find_map(|lists| lists.take(rank))
    }

    pub(crate) fn put_back(&self, region: Region) {
        let n_bytes = region.bytes().len();
        if self.held_bytes.fetch_add(n_bytes, Ordering::Relaxed) + n_bytes > self.budget_bytes {
            self.held_bytes.fetch_sub(n_bytes, Ordering::Relaxed);
            return;
        }
        self.free[own_lists()].put(SizeClass::of(n_bytes / LINE_BYTES).rank, region);
    }
}

/// The number of the lists that the calling thread has.
fn own_lists() -> usize {
    static N_THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = N_THREADS.fetch_add(1, Ordering::Relaxed) % N_LISTS;
    }
    // A thread that is ending may have dropped it.
    OWN.try_with(|own| *own).unwrap_or(0)
}

/// One of eight sizes per power of two, so that expert groups of nearly the same size share buffers
/// and at most an eighth is wasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SizeClass {
    /// Its place among all, from the smallest.
    rank: usize,
    n_lines: usize,
}

impl SizeClass {
    /// The smallest of at least `n_lines`.
    fn of(n_lines: usize) -> SizeClass {
        let n_lines = n_lines.max(1);
        let step = (n_lines.next_power_of_two() / 16).max(1);
        let n_steps = n_lines.div_ceil(step);
        SizeClass { rank: step.ilog2() as usize * 8 + n_steps, n_lines: n_steps * step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    fn address(buffer: &HostBuffer) -> usize {
        buffer.bytes().expect("host memory").as_ptr().addr()
    }

    #[test]
    fn a_freed_buffer_is_handed_out_again() {
        let pool = HostPool::new(1 << 20);
        let first = address(&pool.take(1000));
        assert_eq!(first, address(&pool.take(1000)));
        assert!(first.is_multiple_of(64));
    }

    #[test]
    fn what_another_thread_gave_back_is_used_before_fresh_memory() {
        let pool = HostPool::new(1 << 20);
        let of_other = {
            let pool = Arc::clone(&pool);
            std::thread::spawn(move || address(&pool.take(1000))).join().expect("it does not panic")
        };
        let first = pool.take(1000);
        assert_eq!(of_other, address(&first));
        assert_ne!(of_other, address(&pool.take(1000)));
    }

    #[test]
    fn the_pool_keeps_no_more_than_its_budget() {
        let pool = HostPool::new(4096);
        drop((pool.take(4096), pool.take(4096)));
        assert_eq!(pool.held_bytes.load(Ordering::Relaxed), 4096);
        drop(pool.take(4096));
        assert_eq!(pool.held_bytes.load(Ordering::Relaxed), 4096);
    }

    #[test]
    fn a_size_class_wastes_at_most_an_eighth_and_has_a_rank_of_its_own() {
        let mut before = SizeClass::of(0);
        for n in 1..5000 {
            let class = SizeClass::of(n);
            assert!(class.n_lines >= n && class.n_lines - n <= n / 8, "{n} lines in {class:?}");
            assert_eq!(SizeClass::of(class.n_lines), class);
            assert_eq!(class.rank == before.rank, class.n_lines == before.n_lines);
            before = class;
        }
    }
}
