//! What of a run is done: each task, what it was made from, and the hash of each file it wrote.
//!
//! A line of `manifest.jsonl` is written when the files of a task are whole on disk. A task is done
//! again where what it was made from has changed, or one of its files is not what was written; so a
//! run that was ended anywhere goes on where it was, and one that is whole does nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::error::at;
use crate::read::in_order;
use crate::table::{Output, hex, written_aside};

/// The manifest's own file.
const NAME: &str = "manifest.jsonl";

/// A task that is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its name, `keep/00012`.
    pub(super) task: String,
    /// The hash of all that its outputs follow from.
    pub(super) key: String,
    /// The files it wrote, by their paths in the run's folder.
    pub(super) files: BTreeMap<String, Output>,
    /// What it counted.
    pub(super) counts: Value,
}

/// The tasks of a run that are done.
pub(super) struct Manifest {
    folder: PathBuf,
    log: File,
    entries: BTreeMap<String, Entry>,
    /// The tasks of this run, as opposed to those of an earlier one with other units.
    current: BTreeSet<String>,
}

impl Manifest {
    /// Opens the manifest of a folder. Lines that are torn, or flipped, are tasks not done.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(NAME);
        let bytes = if path.exists() { fs::read(&path).map_err(at(&path))? } else { Vec::new() };
        let lines = bytes.split(|&byte| byte == b'\n');
        let entries: BTreeMap<_, _> = lines
            .filter_map(|line| serde_json::from_slice::<Entry>(line).ok())
            .map(|entry| (entry.task.clone(), entry))
            .collect();
        // Written anew, so that a torn line does not swallow the one that is appended behind it.
        let all = entries.values().cloned().collect::<Vec<_>>();
        write(&path, &all)?;
        let log = OpenOptions::new().append(true).open(&path).map_err(at(&path))?;
        Ok(Self { folder: folder.to_owned(), log, entries, current: BTreeSet::new() })
    }

    /// The entry of a task that need not be done again.
    pub(super) fn done(&mut self, task: &str, key: &str) -> Option<&Entry> {
        let entry = self.entries.get(task).filter(|entry| entry.key == key)?;
        let is_whole = |(name, was): (&String, &Output)| {
            Output::of(&self.folder.join(name)).is_ok_and(|is| is == *was)
        };
        if !entry.files.iter().all(is_whole) {
            return None;
        }
        self.current.insert(task.to_owned());
        Some(entry)
    }

    /// Notes that a task is done.
    pub(super) fn add(&mut self, entry: Entry) -> Result<(), Error> {
        let mut line = serde_json::to_vec(&entry).expect("an entry is plain data");
        line.push(b'\n');
        let noted = self.log.write_all(&line).and_then(|()| self.log.sync_data());
        noted.map_err(at(&self.folder.join(NAME)))?;
        self.current.insert(entry.task.clone());
        self.entries.insert(entry.task.clone(), entry);
        Ok(())
    }

    /// A task of this run that is done.
    pub(super) fn current(&self, task: &str) -> Option<&Entry> {
        self.current.get(task).and_then(|task| self.entries.get(task))
    }

    /// The tasks of this run whose names begin so, in the order of their names.
    pub(super) fn entries(&self, prefix: &str) -> impl Iterator<Item = &Entry> {
        let is_current = |entry: &&Entry| self.current.contains(&entry.task);
        let is_asked = move |entry: &&Entry| entry.task.starts_with(prefix);
        self.entries.values().filter(is_current).filter(is_asked)
    }

    /// The hash of all files that tasks whose names begin so have written.
    pub(super) fn key_of(&self, prefix: &str) -> String {
        let mut key = Key::default();
        for entry in self.entries(prefix) {
            key.add(&entry.task).add(&entry.files);
        }
        key.hex()
    }

    /// Ends a run: forgets tasks that were of an earlier one, removes files in `folders` that no task
    /// of this one has written, and writes the tasks in the order of their names.
    pub(super) fn close(mut self, folders: &[&str]) -> Result<(), Error> {
        self.entries.retain(|task, _| self.current.contains(task));
        let known: BTreeSet<&String> =
            self.entries.values().flat_map(|entry| entry.files.keys()).collect();
        for folder in folders {
            let path = self.folder.join(folder);
            for file in fs::read_dir(&path).into_iter().flatten() {
                let file = file.map_err(at(&path))?.path();
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if file.is_file() && !known.contains(&format!("{folder}/{name}")) {
                    fs::remove_file(&file).map_err(at(&file))?;
                }
            }
        }
        write(&self.folder.join(NAME), &self.entries.into_values().collect::<Vec<_>>())
    }
}

/// Reads the entries of a run's manifest.
///
/// # Errors
/// Where it cannot be read, or is none.
pub(super) fn entries(folder: &Path) -> Result<Vec<Entry>, Error> {
    let path = folder.join(NAME);
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let entries = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    entries.map_err(|error| Error::Table { path, problem: error.to_string() })
}

fn write(path: &Path, entries: &[Entry]) -> Result<(), Error> {
    written_aside(path, |file| {
        for entry in entries {
            serde_json::to_writer(&mut *file, entry)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })
    .map(|_| ())
}

/// The hash of what a task's outputs follow from.
#[derive(Default)]
pub(super) struct Key(Sha256);

impl Key {
    pub(super) fn add(&mut self, value: &(impl Serialize + ?Sized)) -> &mut Self {
        let json = serde_json::to_vec(value).expect("what tasks follow from is plain data");
        self.0.update((json.len() as u64).to_le_bytes());
        self.0.update(json);
        self
    }

    /// Adds what a file holds, or all files of a folder.
    pub(super) fn add_file(&mut self, path: &Path) -> Result<&mut Self, Error> {
        if path.is_dir() {
            let inside = in_order(path).map_err(at(path))?;
            inside.iter().try_for_each(|path| {
                self.add(&path.display().to_string()).add_file(path).map(|_| ())
            })?;
            return Ok(self);
        }
        let output = Output::of(path).map_err(at(path))?;
        Ok(self.add(&output))
    }

    pub(super) fn hex(&self) -> String {
        hex(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_task(manifest: &mut Manifest, task: &str) {
        let name = format!("out/{}", task.replace('/', "-"));
        let path = manifest.folder.join(&name);
        let output = written_aside(&path, |file| file.write_all(task.as_bytes())).unwrap();
        let files = BTreeMap::from([(name, output)]);
        let (task, key) = (task.to_owned(), "k".to_owned());
        manifest.add(Entry { task, key, files, counts: Value::Null }).unwrap();
    }

    #[test]
    fn what_is_done_is_known_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::create_dir(folder.join("out")).unwrap();
        let mut manifest = Manifest::open(folder).unwrap();
        ["a/1", "a/2", "b/1"].iter().for_each(|task| write_task(&mut manifest, task));
        drop(manifest);
        let log = folder.join(NAME);
        fs::write(&log, [fs::read(&log).unwrap(), b"{\"task\":\"a/3\",\"ke".to_vec()].concat())
            .unwrap();
        fs::write(folder.join("out/a-2"), "a/x").unwrap();

        let mut manifest = Manifest::open(folder).unwrap();
        assert!(manifest.done("a/1", "k").is_some());
        assert!(manifest.done("a/1", "other").is_none(), "made from something else");
        assert!(manifest.done("a/2", "k").is_none(), "changed on disk");
        assert!(manifest.done("a/3", "k").is_none(), "torn");
        write_task(&mut manifest, "a/2");
        assert_eq!(manifest.entries("a/").count(), 2);
        manifest.close(&["out"]).unwrap();
        assert!(!folder.join("out/b-1").exists(), "of no task of this run");
        let tasks: Vec<_> = entries(folder).unwrap().into_iter().map(|entry| entry.task).collect();
        assert_eq!(tasks, ["a/1", "a/2"]);
    }
}
