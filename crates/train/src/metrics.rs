//! The file of a run's events, `metrics.jsonl`, which reads as if nothing had ever gone wrong.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use hadal_model::write_aside;
use serde_json::Value;

use crate::error::{Error, at};
use crate::run::Event;

/// Writes each event to a file and shows it to the caller.
pub(crate) struct Metrics<'a> {
    path: PathBuf,
    file: File,
    /// What the file already tells of the run's beginning and of the step it goes on from.
    told: BTreeSet<Identity>,
    report: &'a mut dyn FnMut(&Event),
}

/// The kind of an event, and the step it is about.
type Identity = (String, Option<u64>);

impl<'a> Metrics<'a> {
    /// Opens the file of a run that stands after `step` steps. What a run that was killed wrote
    /// beyond them is cut away, since those steps come again, and so is a line it did not finish.
    pub(crate) fn open(
        path: &Path,
        step: u32,
        report: &'a mut dyn FnMut(&Event),
    ) -> Result<Self, Error> {
        let written = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(at(path))?,
        };
        let written = String::from_utf8_lossy(&written);
        let (mut kept, mut told) = (String::new(), BTreeSet::new());
        for line in written.lines().filter(|_| step > 0) {
            let Ok(event) = serde_json::from_str(line) else { continue };
            let identity = identity(&event);
            let about = identity.1.unwrap_or(u64::from(step));
            if about <= u64::from(step) {
                kept.push_str(line);
                kept.push('\n');
            }
            if about == u64::from(step) {
                told.insert(identity);
            }
        }
        if kept != written {
            write_aside(path, kept.as_bytes())?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(at(path))?;
        Ok(Metrics { path: path.to_path_buf(), file, told, report })
    }

    /// Tells how the run begins, or where it goes on from: in the file once, however often it
    /// does.
    pub(crate) fn tell_once(&mut self, event: Event) -> Result<(), Error> {
        let value = serde_json::to_value(&event).expect("an event is plain data");
        if self.told.insert(identity(&value)) {
            return self.tell(event);
        }
        (self.report)(&event);
        Ok(())
    }

    /// Tells an event.
    pub(crate) fn tell(&mut self, event: Event) -> Result<(), Error> {
        let mut line = serde_json::to_string(&event).expect("an event is plain data");
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(at(&self.path))?;
        (self.report)(&event);
        Ok(())
    }

    /// Flushes the file to disk. A checkpoint comes after this: the lines before it are never
    /// written again.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync_all().map_err(at(&self.path))
    }
}

fn identity(event: &Value) -> Identity {
    (event["event"].as_str().unwrap_or_default().to_owned(), event["step"].as_u64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(step: u32, written: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, written).unwrap();
        let mut report = |_: &Event| ();
        let mut metrics = Metrics::open(&path, step, &mut report).unwrap();
        let device = "d".to_owned();
        metrics
            .tell_once(Event::Begun { first_step: 1, steps: 9, device, measured_peak: 1e9 })
            .unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn what_comes_again_is_cut_away() {
        let begun = "{\"event\":\"begun\",\"first_step\":1,\"steps\":9,\"device\":\"d\",\
                     \"measured_peak\":1000000000.0}\n";
        let step = |n: u32| format!("{{\"event\":\"step\",\"step\":{n}}}\n");
        let three = format!("{begun}{}{}{}", step(1), step(2), step(3));
        check(3, &three, &three);
        check(2, &three, &format!("{begun}{}{}", step(1), step(2)));
        check(3, &format!("{three}{{\"event\":\"st"), &three);
        // A run that begins anew forgets one that was killed before its first checkpoint.
        check(0, &three, begun);
        check(1, "", begun);
    }
}
