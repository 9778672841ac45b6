//! What the files of a folder must be: the size and SHA-256 of each, in its `manifest.json`.
//!
//! The manifest is written last, so that a folder with one was written to its end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use hadal_model::write_aside;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, at};

/// The manifest's own file.
const NAME: &str = "manifest.json";
/// Bytes of a file that are read at once.
const CHUNK: usize = 1 << 20;

/// The files of a folder.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    files: BTreeMap<String, FileSum>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileSum {
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// Writes a file to disk. Its sum is that of the bytes in memory, so that what the disk makes
    /// of them is checked too.
    pub(crate) fn write(&mut self, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
        write_aside(&folder.join(name), bytes)?;
        let sha256 = hex(&Sha256::digest(bytes));
        self.files.insert(name.to_owned(), FileSum { bytes: bytes.len() as u64, sha256 });
        Ok(())
    }

    /// Flushes the files that others have written into the folder to disk, and takes them in.
    pub(crate) fn adopt_others(&mut self, folder: &Path) -> Result<(), Error> {
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let path = entry.map_err(at(folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name == NAME || self.files.contains_key(&name) {
                continue;
            }
            let sum = File::open(&path).and_then(|file| {
                file.sync_all()?;
                FileSum::read(file)
            });
            self.files.insert(name, sum.map_err(at(&path))?);
        }
        Ok(())
    }

    /// Writes the manifest, and flushes the folder's list of files to disk.
    pub(crate) fn close(&self, folder: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).expect("a manifest is plain data");
        write_aside(&folder.join(NAME), text.as_bytes())?;
        sync_folder(folder)
    }

    /// Whether a folder has a manifest.
    pub(crate) fn is_in(folder: &Path) -> bool {
        folder.join(NAME).exists()
    }

    /// Reads every file of a folder and compares it with the manifest.
    ///
    /// # Errors
    /// Names the first file that is not there, cannot be read, or is not what was written.
    pub(crate) fn verify(folder: &Path) -> Result<(), Error> {
        let damaged =
            |name: &str, reason: String| Error::Damaged { path: folder.join(name), reason };
        let text = fs::read_to_string(folder.join(NAME));
        let text = text.map_err(|error| damaged(NAME, error.to_string()))?;
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| damaged(NAME, error.to_string()))?;
        for (name, expected) in &manifest.files {
            let file = File::open(folder.join(name));
            let file = file.map_err(|error| damaged(name, error.to_string()))?;
            let n_bytes = file.metadata().map_err(|error| damaged(name, error.to_string()))?.len();
            if n_bytes != expected.bytes {
                let expected = expected.bytes;
                return Err(damaged(name, format!("it has {n_bytes} bytes, not {expected}")));
            }
            let found = FileSum::read(file).map_err(|error| damaged(name, error.to_string()))?;
            if found != *expected {
                return Err(damaged(
                    name,
                    "its SHA-256 is not that of what was written".to_owned(),
                ));
            }
        }
        Ok(())
    }
}

impl FileSum {
    fn read(mut file: impl Read) -> io::Result<FileSum> {
        let (mut hasher, mut bytes) = (Sha256::new(), 0);
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(FileSum { bytes, sha256: hex(&hasher.finalize()) }),
                n => {
                    hasher.update(&chunk[..n]);
                    bytes += n as u64;
                }
            }
        }
    }
}

/// Flushes a folder's list of files to disk.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}

/// A hash as it is written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_damage_is_named_with_its_file() {
        let check = |damage: &dyn Fn(&Path), expected: Option<&str>| {
            let folder = tempfile::tempdir().unwrap();
            let mut manifest = Manifest::default();
            manifest.write(folder.path(), "a.txt", b"abc").unwrap();
            fs::write(folder.path().join("b.txt"), "the sea").unwrap();
            manifest.adopt_others(folder.path()).unwrap();
            manifest.close(folder.path()).unwrap();
            damage(folder.path());
            let found = Manifest::verify(folder.path()).err().map(|error| error.to_string());
            match expected {
                None => assert_eq!(found, None),
                Some(expected) => {
                    let found = found.expect(expected);
                    assert!(found.contains(expected), "{found}");
                }
            }
        };
        let write = |name: &'static str, text: &'static str| {
            move |folder: &Path| fs::write(folder.join(name), text).unwrap()
        };
        check(&|_| (), None);
        check(&write("c.txt", "a stranger"), None);
        check(&write("a.txt", "ab"), Some("a.txt is damaged: it has 2 bytes, not 3"));
        check(&write("a.txt", "xyz"), Some("a.txt is damaged: its SHA-256"));
        check(&write("b.txt", "the seb"), Some("b.txt is damaged: its SHA-256"));
        check(&write("manifest.json", "{"), Some("manifest.json is damaged"));
        check(&|folder| fs::remove_file(folder.join("b.txt")).unwrap(), Some("b.txt is damaged"));
        check(&|folder| fs::remove_file(folder.join(NAME)).unwrap(), Some("manifest.json"));
    }

    #[test]
    fn a_sum_is_the_published_one() {
        // The vector of FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(FileSum::read(&b"abc"[..]).unwrap().sha256, expected);
    }
}
