//! A team of threads for steps of microseconds: decoding runs hundreds of them for one token.
//!
//! The caller is a member. The others spin for a moment after a step, so that the next one finds
//! them awake, and then sleep, so that an idle device costs nothing. Each member has a share of the
//! tasks, which follow each other, and takes the last of another's when its own are done; what a task
//! computes does not depend on who does it.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;

use crate::pin;

/// How often a member looks for the next step before it sleeps: some fifty microseconds.
const SPINS: usize = 20_000;

/// The tasks of one member that nobody has yet, on a cache line of its own: the first in the upper
/// half, and the end in the lower.
#[repr(align(64))]
struct Share(AtomicU64);

impl Share {
    fn of(tasks: Range<usize>) -> u64 {
        let half =
            |n: usize| u64::from(u32::try_from(n).expect("a step has fewer than 2^32 tasks"));
        half(tasks.start) << 32 | half(tasks.end)
    }

    fn tasks(share: u64) -> Range<usize> {
        (share >> 32) as usize..(share & u64::from(u32::MAX)) as usize
    }

    fn take_first(&self) -> Option<usize> {
        self.take(|left| left.start + 1..left.end).map(|left| left.start)
    }

    fn take_last(&self) -> Option<usize> {
        self.take(|left| left.start..left.end - 1).map(|left| left.end - 1)
    }

    /// Leaves what `rest` makes of the tasks that are left, where there are any, and gives these.
    fn take(&self, rest: impl Fn(Range<usize>) -> Range<usize>) -> Option<Range<usize>> {
        let rest = |share| {
            let left = Share::tasks(share);
            (!left.is_empty()).then(|| Share::of(rest(left)))
        };
        let share = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest).ok()?;
        Some(Share::tasks(share))
    }
}

/// Hands out the numbers of a step's tasks to one member, each to one alone.
pub(crate) struct Claims<'a> {
    shares: &'a [Share],
    member: usize,
}

impl Claims<'_> {
    /// The next task that nobody has.
    pub(crate) fn take(&self) -> Option<usize> {
        let (before, from) = self.shares.split_at(self.member);
        let (own, after) = from.split_first()?;
        let of_others = || after.iter().chain(before).find_map(Share::take_last);
        own.take_first().or_else(of_others)
    }
}

/// Does a step on the calling thread.
pub(crate) fn alone(n_tasks: usize, step: impl Fn(&Claims<'_>)) {
    let share = Share(AtomicU64::new(Share::of(0..n_tasks)));
    step(&Claims { shares: std::slice::from_ref(&share), member: 0 });
}

/// What a step is to a member, by its number.
type Step = dyn Fn(usize) + Sync;

/// What the members and their caller tell each other in every step, on one cache line.
#[repr(align(64))]
struct Signals {
    /// Counts steps; a member that sees a number it has not seen has a step to do.
    step_number: AtomicUsize,
    /// The current step; what it points to lives as long as its [`Team::run`].
    step: AtomicPtr<&'static Step>,
    n_working: AtomicUsize,
    n_asleep: AtomicUsize,
}

struct Shared {
    signals: Signals,
    /// Of each member; the caller's is the first.
    shares: Box<[Share]>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    is_over: AtomicBool,
    /// Held by who falls asleep and by who wakes.
    sleep: Mutex<()>,
    wake: Condvar,
}

/// Threads that do steps together with their caller.
pub(crate) struct Team {
    shared: Arc<Shared>,
    /// One step at a time, whoever asks.
    turn: Mutex<()>,
    members: Vec<JoinHandle<()>>,
}

impl Team {
    /// A team of `n_threads`, the caller included. Where that is every core this process may use,
    /// each member keeps to one of its own, and the first is left to the caller, whose thread is
    /// not ours to place. A smaller team goes where the system finds room.
    ///
    /// # Panics
    /// When the system cannot start the threads.
    pub(crate) fn new(n_threads: usize) -> Team {
        let shared = Arc::new(Shared {
            signals: Signals {
                step_number: AtomicUsize::new(0),
                step: AtomicPtr::new(null_mut()),
                n_working: AtomicUsize::new(0),
                n_asleep: AtomicUsize::new(0),
            },
            shares: (0..n_threads).map(|_| Share(AtomicU64::new(0))).collect(),
            panic: Mutex::new(None),
            is_over: AtomicBool::new(false),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
        });
        let cores = pin::allowed_cores();
        let members = (1..n_threads)
            .map(|index| {
                let shared = Arc::clone(&shared);
                let core = (cores.len() == n_threads).then(|| cores[index]);
                std::thread::Builder::new()
                    .name(format!("hadal-team-{index}"))
                    .spawn(move || {
                        core.into_iter().for_each(pin::stay_on);
                        shared.work(index);
                    })
                    .expect("the system starts threads")
            })
            .collect();
        Team { shared, turn: Mutex::new(()), members }
    }

    /// Lets every member call `step` once, with claims on `n_tasks` tasks, and waits for them.
    ///
    /// # Panics
    /// As a task does, once all members have stopped.
    pub(crate) fn run(&self, n_tasks: usize, step: impl Fn(&Claims<'_>) + Sync) {
        if self.members.is_empty() || n_tasks <= 1 {
            return alone(n_tasks, step);
        }
        // Whoever asks while a step is being done, be it from within that step, does without the team.
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return alone(n_tasks, step),
        };
        let Shared { signals, shares, .. } = &*self.shared;
        let n_members = shares.len();
        let first_of = |member: usize| member * n_tasks / n_members;
        for (member, share) in shares.iter().enumerate() {
            share.0.store(Share::of(first_of(member)..first_of(member + 1)), Ordering::Relaxed);
        }
        let act = |member| step(&Claims { shares, member });
        let whole: &(dyn Fn(usize) + Sync) = &act;
        // Every member is waited for below before `whole` ends, also when the caller's own part
        // panics.
        signals.step.store((&raw const whole).cast_mut().cast(), Ordering::Relaxed);
        signals.n_working.store(self.members.len(), Ordering::Relaxed);
        self.shared.announce();
        let own = catch_unwind(AssertUnwindSafe(|| whole(0)));
        let mut spins = 0;
        while signals.n_working.load(Ordering::Acquire) > 0 {
            wait_a_little(&mut spins);
        }
        let others = lock(&self.shared.panic).take();
        if let Some(panic) = own.err().or(others) {
            resume_unwind(panic);
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.shared.announce();
        for member in self.members.drain(..) {
            // A member catches the panics of its tasks, so that it ends in only one way.
            let _ = member.join();
        }
    }
}

impl Shared {
    /// The life of a member.
    fn work(&self, member: usize) {
        let mut seen = 0;
        loop {
            self.await_step(&mut seen);
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            // SAFETY: `Team::run` set it before it announced the step, and waits until `n_working`
            // is 0 before what it points to ends.
            let step = unsafe { *self.signals.step.load(Ordering::Relaxed) };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| step(member))) {
                lock(&self.panic).get_or_insert(panic);
            }
            self.signals.n_working.fetch_sub(1, Ordering::Release);
        }
    }

    /// Tells all members that there is another step, or that it is over.
    fn announce(&self) {
        // In one order with what a member does that falls asleep: either it sees the new step, or it
        // is seen here.
        self.signals.step_number.fetch_add(1, Ordering::SeqCst);
        if self.signals.n_asleep.load(Ordering::SeqCst) > 0 {
            drop(lock(&self.sleep));
            self.wake.notify_all();
        }
    }

    /// Waits until there is a step after the one `seen`: awake for a moment, then asleep.
    fn await_step(&self, seen: &mut usize) {
        let Signals { step_number, n_asleep, .. } = &self.signals;
        let is_new = |seen: usize| step_number.load(Ordering::SeqCst) != seen;
        let mut spins = 0;
        while !is_new(*seen) && spins < SPINS {
            spins += 1;
            std::hint::spin_loop();
        }
        if !is_new(*seen) {
            let mut guard = lock(&self.sleep);
            n_asleep.fetch_add(1, Ordering::SeqCst);
            while !is_new(*seen) {
                guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
            n_asleep.fetch_sub(1, Ordering::Relaxed);
        }
        *seen = step_number.load(Ordering::SeqCst);
    }
}

/// Spins, and lets others have the core when that takes long.
fn wait_a_little(spins: &mut usize) {
    *spins += 1;
    if spins.is_multiple_of(1024) {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_done_once_in_every_step() {
        for n_threads in [1, 2, 3] {
            let team = Team::new(n_threads);
            for n_tasks in [0, 1, 2, 7, 1000] {
                let done: Vec<AtomicUsize> = (0..n_tasks).map(|_| AtomicUsize::new(0)).collect();
                team.run(n_tasks, |claims| {
                    while let Some(task) = claims.take() {
                        done[task].fetch_add(1, Ordering::Relaxed);
                    }
                });
                assert!(done.iter().all(|n| n.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn a_member_does_what_another_has_left() {
        let team = Team::new(2);
        let n_done = AtomicUsize::new(0);
        team.run(10, |claims| {
            while let Some(task) = claims.take() {
                // Who has the first task does not get to the others of its share.
                while task == 0 && n_done.load(Ordering::Relaxed) < 9 {
                    std::thread::yield_now();
                }
                n_done.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert_eq!(n_done.into_inner(), 10);
    }

    /// Of every thread of a team, the cores it may run on.
    #[cfg(target_os = "linux")]
    fn cores_of(n_threads: usize) -> Vec<Vec<usize>> {
        let team = Team::new(n_threads);
        let seen = Mutex::new(Vec::new());
        team.run(2, |_| lock(&seen).push(pin::allowed_cores()));
        seen.into_inner().expect("no member panics")
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_team_of_every_core_has_a_core_for_each_member_and_a_larger_one_has_not() {
        let all = pin::allowed_cores();
        let mut own: Vec<_> = all[1..].iter().map(|core| vec![*core]).collect();
        own.push(all.clone());
        let mut seen = cores_of(all.len());
        seen.sort_by_key(|cores| (cores.len(), cores[0]));
        own.sort_by_key(|cores| (cores.len(), cores[0]));
        assert_eq!(seen, own);
        assert_eq!(cores_of(all.len() + 1), vec![all.clone(); all.len() + 1]);
    }

    #[test]
    fn a_step_within_a_step_is_done_alone() {
        let team = Team::new(2);
        let n_done = AtomicUsize::new(0);
        team.run(8, |claims| {
            while claims.take().is_some() {
                team.run(3, |inner| {
                    while inner.take().is_some() {
                        n_done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(n_done.into_inner(), 24);
    }

    #[test]
    fn sleepers_wake_for_the_next_step() {
        let team = Team::new(3);
        for _ in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(5));
            let n_calls = AtomicUsize::new(0);
            team.run(2, |_| {
                n_calls.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(n_calls.into_inner(), 3);
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        let team = Team::new(2);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            team.run(64, |claims| {
                while let Some(task) = claims.take() {
                    assert!(task != 40, "task 40 fails");
                }
            });
        }));
        assert!(caught.is_err());
        let n_done = AtomicUsize::new(0);
        team.run(64, |claims| {
            while claims.take().is_some() {
                n_done.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert_eq!(n_done.into_inner(), 64);
    }
}
