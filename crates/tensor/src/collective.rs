//! The wire contract: how ranks exchange numbers, and its implementation between threads.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Exchange among `world_size` ranks. Every rank calls the same operations in the same order.
///
/// Sums are made in the order of ranks, so that every rank gets the same bits every time.
pub trait Collective: Send {
    /// This rank, from 0.
    fn rank(&self) -> usize;

    /// How many ranks there are.
    fn world_size(&self) -> usize;

    /// Replaces `values` by the sum over all ranks.
    fn all_reduce(&self, values: &mut [f32]);

    /// Concatenates every rank's `shard` in the order of ranks into `whole`.
    ///
    /// # Panics
    /// When `whole` is not `world_size` shards long.
    fn all_gather(&self, shard: &[f32], whole: &mut [f32]);

    /// Sums `whole` over all ranks and leaves this rank's part of the sum in `shard`.
    ///
    /// # Panics
    /// When `whole` is not `world_size` shards long.
    fn reduce_scatter(&self, whole: &[f32], shard: &mut [f32]);

    /// Replaces `values` by those of rank `root`.
    fn broadcast(&self, values: &mut [f32], root: usize);

    /// Returns when every rank has come here.
    fn barrier(&self);
}

/// Ranks that are threads of one process.
pub struct ThreadCollective {
    rank: usize,
    meeting: Arc<Meeting>,
}

impl ThreadCollective {
    /// The ranks of a world of `world_size`, in order; each goes to its own thread.
    ///
    /// # Panics
    /// When `world_size` is 0.
    pub fn world(world_size: usize) -> Vec<ThreadCollective> {
        assert!(world_size > 0, "a world has at least one rank");
        let meeting = Arc::new(Meeting {
            table: Mutex::new(Table { parts: vec![None; world_size], n_reading: 0 }),
            changed: Condvar::new(),
        });
        (0..world_size)
            .map(|rank| ThreadCollective { rank, meeting: Arc::clone(&meeting) })
            .collect()
    }

    /// Lays this rank's part on the table, waits for all, and reads all of them.
    fn exchange<R>(&self, part: &[f32], read: impl FnOnce(&[&[f32]]) -> R) -> R {
        let meeting = &*self.meeting;
        let world_size = self.world_size();
        let mut table = meeting.wait_until(meeting.lock(), |table| table.n_reading == 0);
        table.parts[self.rank] = Some(part.to_vec().into());
        if table.parts.iter().all(Option::is_some) {
            table.n_reading = world_size;
            meeting.changed.notify_all();
        }
        let table = meeting.wait_until(table, |table| table.n_reading > 0);
        let parts: Vec<Arc<[f32]>> = table.parts.iter().flatten().cloned().collect();
        drop(table);
        let result = read(&parts.iter().map(|part| &**part).collect::<Vec<_>>());
        let mut table = meeting.lock();
        table.n_reading -= 1;
        if table.n_reading == 0 {
            table.parts.fill(None);
            meeting.changed.notify_all();
        }
        result
    }
}

/// Where threads lay their parts and read the others'.
struct Meeting {
    table: Mutex<Table>,
    changed: Condvar,
}

struct Table {
    parts: Vec<Option<Arc<[f32]>>>,
    n_reading: usize,
}

impl Meeting {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until<'a>(
        &self,
        table: MutexGuard<'a, Table>,
        ready: impl Fn(&Table) -> bool,
    ) -> MutexGuard<'a, Table> {
        self.changed
            .wait_while(table, |table| !ready(table))
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collective for ThreadCollective {
    fn rank(&self) -> usize {
        self.rank
    }

    fn world_size(&self) -> usize {
        self.meeting.lock().parts.len()
    }

    fn all_reduce(&self, values: &mut [f32]) {
        let sum = self.exchange(values, |parts| sum_in_order(parts, 0..parts[0].len()));
        values.copy_from_slice(&sum);
    }

    fn all_gather(&self, shard: &[f32], whole: &mut [f32]) {
        assert_eq!(whole.len(), shard.len() * self.world_size(), "room for every rank's shard");
        self.exchange(shard, |parts| {
            for (part, into) in parts.iter().zip(whole.chunks_exact_mut(shard.len().max(1))) {
                into.copy_from_slice(part);
            }
        });
    }

    fn reduce_scatter(&self, whole: &[f32], shard: &mut [f32]) {
        assert_eq!(whole.len(), shard.len() * self.world_size(), "one shard for every rank");
        let mine = self.rank * shard.len()..(self.rank + 1) * shard.len();
        let sum = self.exchange(whole, |parts| sum_in_order(parts, mine));
        shard.copy_from_slice(&sum);
    }

    fn broadcast(&self, values: &mut [f32], root: usize) {
        let part = if self.rank == root { values.to_vec() } else { Vec::new() };
        self.exchange(&part, |parts| values.copy_from_slice(parts[root]));
    }

    fn barrier(&self) {
        self.exchange(&[], |_| ());
    }
}

fn sum_in_order(parts: &[&[f32]], range: std::ops::Range<usize>) -> Vec<f32> {
    let mut sum = parts[0][range.clone()].to_vec();
    for part in &parts[1..] {
        for (sum, x) in sum.iter_mut().zip(&part[range.clone()]) {
            *sum += x;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs `work` on every rank of a world and gives the results in the order of ranks.
    fn on_ranks<R: Send>(n: usize, work: impl Fn(&ThreadCollective) -> R + Sync) -> Vec<R> {
        let world = ThreadCollective::world(n);
        std::thread::scope(|scope| {
            let work = &work;
            let ranks: Vec<_> =
                world.into_iter().map(|rank| scope.spawn(move || work(&rank))).collect();
            ranks.into_iter().map(|rank| rank.join().expect("the rank did not panic")).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_operation_equals_its_definition(
            n in 1usize..5,
            shard_len in 0usize..6,
            seed in any::<u32>(),
        ) {
            let value = |rank: usize, i: usize| {
                ((seed as usize % 97 + rank * 31 + i * 7) % 19) as f32 / 3.0
            };
            let whole_len = n * shard_len;
            let sum: Vec<f32> = (0..whole_len)
                .map(|i| (0..n).map(|rank| value(rank, i)).reduce(|a, b| a + b).unwrap())
                .collect();
            let root = seed as usize % n;
            let results = on_ranks(n, |c| {
                let mine: Vec<f32> = (0..whole_len).map(|i| value(c.rank(), i)).collect();
                let mut reduced = mine.clone();
                c.all_reduce(&mut reduced);
                let mut shard = vec![0.0; shard_len];
                c.reduce_scatter(&mine, &mut shard);
                c.barrier();
                let mut gathered = vec![0.0; whole_len];
                c.all_gather(&shard, &mut gathered);
                let mut sent = mine;
                c.broadcast(&mut sent, root);
                (reduced, gathered, sent)
            });
            let from_root: Vec<f32> = (0..whole_len).map(|i| value(root, i)).collect();
            for (reduced, gathered, sent) in results {
                prop_assert_eq!(&reduced, &sum);
                prop_assert_eq!(&gathered, &sum);
                prop_assert_eq!(&sent, &from_root);
            }
        }
    }
}
