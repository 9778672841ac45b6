//! Read, act, write: each on threads of its own, a few batches apart.

use std::io::ErrorKind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::Error;

/// Batches that may wait between two threads.
const WAITING: usize = 2;

/// Takes one batch after the other.
pub(super) type Take<'a, T> = dyn FnMut(T) -> Result<(), Error> + 'a;

/// Sends what `read` gives through `act` to `write`, in order. `act` has this thread, and those of
/// rayon where it asks for them.
///
/// # Errors
/// That of `write`, or else that of `read`; nothing is read any more once something failed.
pub(super) fn flow<A: Send, B: Send>(
    read: impl FnOnce(&mut Take<'_, A>) -> Result<(), Error> + Send,
    act: impl Fn(A) -> B,
    mut write: impl FnMut(B) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    thread::scope(|scope| {
        let (to_act, incoming): (SyncSender<A>, Receiver<A>) = sync_channel(WAITING);
        let (to_write, outgoing): (SyncSender<B>, Receiver<B>) = sync_channel(WAITING);
        let reader =
            scope.spawn(move || read(&mut |batch| to_act.send(batch).map_err(|_| nobody_reads())));
        let writer = scope.spawn(move || outgoing.iter().try_for_each(&mut write));
        for batch in incoming {
            if to_write.send(act(batch)).is_err() {
                break;
            }
        }
        drop(to_write);
        let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.and(read)
    })
}

/// What a reader is told when a writer has failed, whose error is the one that is reported.
fn nobody_reads() -> Error {
    Error::Stream { stream: "what was read", source: ErrorKind::BrokenPipe.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_the_first_failure_ends_all() {
        let numbers = |take: &mut Take<'_, u32>| (0..1000).try_for_each(take);
        let mut seen = Vec::new();
        let write = |number| {
            seen.push(number);
            Ok(())
        };
        flow(numbers, |number| number * 2, write).unwrap();
        assert_eq!(seen, (0..1000).map(|number| number * 2).collect::<Vec<_>>());

        let fail = |number| match number {
            20 => Err(Error::TooManyRecords { n_records: 20, most: 19 }),
            _ => Ok(()),
        };
        let error = flow(numbers, |number| number, fail).unwrap_err();
        assert!(error.to_string().starts_with("20 records"), "{error}");
    }
}
