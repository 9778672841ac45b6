//! An index that no crash can lose, and the names of what is in it.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::entry::Entry;
use super::index::{Answer, Index, Rule};
use super::log::Log;
use crate::Error;
use crate::error::at;

/// An index, the ids of its records, and a log in a folder where it is to last.
///
/// What [`insert`](Self::insert) has added is safe once [`sync`](Self::sync) has returned.
#[derive(Debug)]
pub struct Store {
    index: Index,
    ids: Ids,
    log: Option<Log>,
    /// Held so that no other process adds to the same log.
    _lock: Option<File>,
}

impl Store {
    /// A store that ends with the process.
    #[must_use]
    pub fn in_memory(rule: Rule) -> Self {
        Self { index: Index::new(rule), ids: Ids::default(), log: None, _lock: None }
    }

    /// The store in `folder`, which is made where there is none. Records already in it keep the
    /// clusters that they were given, also where the rule was another.
    ///
    /// # Errors
    /// Where the folder cannot be read or written, another process has it open, or its files are
    /// damaged; a last record that was torn by a crash is cut and is no error.
    pub fn open(folder: &Path, rule: Rule) -> Result<Self, Error> {
        let lock = lock(folder)?;
        let (mut index, mut ids) = (Index::new(rule), Ids::default());
        let log = Log::open(folder, |logged| {
            if logged.links.iter().any(|&link| link as usize >= index.len()) {
                return false;
            }
            index.add(&logged.entry, &logged.links);
            ids.push(&logged.id);
            true
        })?;
        Ok(Self { index, ids, log: Some(log), _lock: Some(lock) })
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The id under which `number` was inserted; empty where it had none.
    ///
    /// # Panics
    /// Where there is no such number.
    #[must_use]
    pub fn id(&self, number: u32) -> &str {
        self.ids.at(number as usize)
    }

    /// Adds a record, whose id may be empty.
    pub fn insert(&mut self, entry: &Entry, id: &str) -> (u32, Answer) {
        let (number, answer) = self.index.insert(entry);
        self.ids.push(id);
        if let Some(log) = &mut self.log {
            log.push(entry, &answer.links, id);
        }
        (number, answer)
    }

    /// Brings everything inserted onto the disk.
    ///
    /// # Errors
    /// Where it cannot be written. Nothing is lost by trying again.
    pub fn sync(&mut self) -> Result<(), Error> {
        let n_records = self.index.len() as u64;
        self.log.as_mut().map_or(Ok(()), |log| log.sync(n_records))
    }
}

fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    std::fs::create_dir_all(folder).map_err(at(&path))?;
    let file = File::create(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::IndexInUse { path: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(at(&path)(source)),
    }
}

/// Ids end to end.
#[derive(Debug, Default)]
struct Ids {
    text: String,
    ends: Vec<usize>,
}

impl Ids {
    fn push(&mut self, id: &str) {
        self.text.push_str(id);
        self.ends.push(self.text.len());
    }

    fn at(&self, number: usize) -> &str {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[number]]
    }
}
