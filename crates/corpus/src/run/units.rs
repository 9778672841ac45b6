//! The files of a run, in units that are done or not done.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Serialize, Serializer};

use super::recipe::Recipe;
use crate::Error;
use crate::error::at;
use crate::read::in_order;

/// Bytes of files that make a unit; one file is never divided.
const UNIT_BYTES: u64 = 256 << 20;

/// Files that are read together, of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Unit {
    /// Its place among the units of the run; records are numbered by it.
    pub(super) index: usize,
    /// Which source, by its place in the recipe.
    pub(super) source: usize,
    /// The files, in order.
    pub(super) files: Vec<Input>,
}

/// A file, and what tells that it has not changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Input {
    #[serde(serialize_with = "as_shown")]
    pub(super) path: PathBuf,
    pub(super) n_bytes: u64,
    modified_ns: u128,
}

/// A name need not be UTF-8.
fn as_shown<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

impl Unit {
    /// The name of its files, without their ending.
    pub(super) fn name(&self) -> String {
        format!("{:05}", self.index)
    }

    pub(super) fn n_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.n_bytes).sum()
    }
}

/// The units of a recipe, in the order of its sources and of the files' names.
///
/// # Errors
/// Where a file or folder that the recipe names cannot be looked at.
pub(super) fn units(recipe: &Recipe) -> Result<Vec<Unit>, Error> {
    let mut units: Vec<Unit> = Vec::new();
    for (source, config) in recipe.sources.iter().enumerate() {
        let mut room = 0;
        for file in inputs(&config.paths, config.list.as_deref())? {
            if file.n_bytes > room {
                units.push(Unit { index: units.len(), source, files: Vec::new() });
                room = UNIT_BYTES;
            }
            room = room.saturating_sub(file.n_bytes.max(1));
            units.last_mut().expect("one was just added").files.push(file);
        }
    }
    Ok(units)
}

fn inputs(paths: &[PathBuf], list: Option<&Path>) -> Result<Vec<Input>, Error> {
    let mut all = paths.to_vec();
    if let Some(list) = list {
        let text = fs::read_to_string(list).map_err(at(list))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        all.extend(lines.map(PathBuf::from));
    }
    let mut inputs = Vec::new();
    all.iter().try_for_each(|path| gather(path, &mut inputs))?;
    Ok(inputs)
}

/// Adds a file, or the files of a folder in the order of their names.
fn gather(path: &Path, inputs: &mut Vec<Input>) -> Result<(), Error> {
    let about = fs::metadata(path).map_err(at(path))?;
    if !about.is_dir() {
        let modified = about.modified().map_err(at(path))?.duration_since(UNIX_EPOCH);
        let modified_ns = modified.map_or(0, |time| time.as_nanos());
        inputs.push(Input { path: path.to_owned(), n_bytes: about.len(), modified_ns });
        return Ok(());
    }
    let inside = in_order(path).map_err(at(path))?;
    inside.iter().try_for_each(|path| gather(path, inputs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_of_one_source_are_read_together() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("pages")).unwrap();
        for name in ["pages/b.html", "pages/a.html", "big.jsonl", "notes.txt"] {
            fs::write(at(name), name).unwrap();
        }
        fs::File::create(at("big.jsonl")).unwrap().set_len(UNIT_BYTES + 1).unwrap();
        let recipe = "output = 'out'\n\
             [[source]]\nname = 'web'\npaths = ['pages', 'big.jsonl']\n\
             [[source]]\nname = 'notes'\npaths = ['notes.txt']\n";
        fs::write(at("recipe.toml"), recipe).unwrap();
        let recipe = Recipe::read(&at("recipe.toml")).unwrap();
        let units = units(&recipe).unwrap();
        let names: Vec<Vec<_>> = units
            .iter()
            .map(|unit| unit.files.iter().map(|file| file.path.file_name().unwrap()).collect())
            .collect();
        assert_eq!(names, [vec!["a.html", "b.html"], vec!["big.jsonl"], vec!["notes.txt"]]);
        assert_eq!(units.iter().map(|unit| unit.source).collect::<Vec<_>>(), [0, 0, 1]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_not_text_is_a_name() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(OsStr::from_bytes(b"caf\xE9.txt")), "one").unwrap();
        let mut found = Vec::new();
        gather(folder.path(), &mut found).unwrap();
        assert!(serde_json::to_string(&found).unwrap().contains("caf\u{FFFD}.txt"));
    }
}
