//! What may break a long command off: signals, and panics.

use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Context;

/// The exit code of what a signal ended at once, as shells have it for Ctrl-C.
pub(crate) const SIGNALLED: i32 = 130;

/// Gives a flag that the first Ctrl-C or SIGTERM sets; the second ends the program at once.
///
/// Where the caller has ignored a signal, as `nohup` does, all stay as they are: a hang-up must
/// not stop what was told to outlive it.
pub(crate) fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(SIGNALLED);
        }
        eprintln!("stopping after this step, with a checkpoint; once more ends at once");
    };
    if ctrlc::try_set_handler(handler).is_err() {
        eprintln!("signals are ignored here and stay so; SIGTERM ends the run without saving");
    }
    stop
}

/// Remembers where a thread panics, and prints nothing: a backtrace is not a sentence.
pub(crate) struct PanicPlace(Arc<Mutex<Option<String>>>);

impl PanicPlace {
    /// Takes note of panics from now on, until it is asked to explain.
    pub(crate) fn note() -> PanicPlace {
        let place = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&place);
        panic::set_hook(Box::new(move |panic| {
            if let Ok(mut noted) = noted.lock() {
                *noted = panic.location().map(ToString::to_string);
            }
        }));
        PanicPlace(place)
    }

    /// Adds the place to the error that came of a panic, and lets panics print again.
    pub(crate) fn explain<T>(self, result: Result<T, hadal_train::Error>) -> anyhow::Result<T> {
        drop(panic::take_hook());
        let place = self.0.lock().ok().and_then(|place| place.clone());
        match (result, place) {
            (Err(error @ hadal_train::Error::Panicked { .. }), Some(place)) => {
                Err(error).context(place)
            }
            (result, _) => Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use hadal_train::Error;

    use super::*;
    use crate::failure::sentence;

    #[test]
    fn a_panic_is_one_sentence_with_its_place() {
        let panic_place = PanicPlace::note();
        let caught = panic::catch_unwind(|| panic!("no such expert"));
        let (place, advice) = ("at step 7".to_owned(), "Begin anew".to_owned());
        let message = caught.unwrap_err().downcast_ref::<&str>().unwrap().to_string();
        let error = Error::Panicked { place, message, advice };
        let error = panic_place.explain(Err::<(), _>(error)).unwrap_err();
        let said = sentence(&error);
        assert!(said.contains("interruption.rs:"), "{said}");
        assert!(said.ends_with("ended the run at step 7: no such expert. Begin anew"), "{said}");
    }
}
