//! Files of every kind to records, good, broken and hostile.

#![allow(clippy::unwrap_used)]

mod archives;
mod broken;
mod parquet;

use std::path::Path;

use hadal_corpus::read::{read, read_stream};
use hadal_corpus::{Dropped, Record};

/// What was read, and the ids and reasons of what was not.
#[derive(Debug, Default)]
struct Read {
    records: Vec<Record>,
    dropped: Vec<(String, String)>,
}

impl Read {
    fn take(&mut self, outcome: Result<Record, Box<Dropped>>) {
        match outcome {
            Ok(record) => self.records.push(record),
            Err(drop) => self.dropped.push((drop.record.id, drop.reason)),
        }
    }

    fn of(path: &Path) -> Self {
        let mut found = Self::default();
        read(path, &mut |outcome| {
            found.take(outcome);
            Ok(())
        })
        .unwrap();
        found
    }

    fn of_stream(name: &str, bytes: impl std::io::BufRead) -> Self {
        let mut found = Self::default();
        read_stream(name, bytes, &mut |outcome| {
            found.take(outcome);
            Ok(())
        })
        .unwrap();
        found
    }

    fn reasons(&self) -> Vec<&str> {
        self.dropped.iter().map(|(_, reason)| reason.as_str()).collect()
    }
}
