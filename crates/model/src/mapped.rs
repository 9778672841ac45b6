//! Files seen as memory.
//!
//! A mapping reads what the file holds at that moment, and reading beyond the end of a file that
//! was cut short kills the process. Files that are replaced by renaming do no harm: the mapping
//! keeps the old one. For those that are written in place, whoever reads weights asks
//! [`MappedFile::check`] before each layer. On Linux the file is leased (`fcntl(2)`): whoever opens it
//! for writing waits until `check` has seen it, or for the system's 45 seconds where nobody asks, so
//! that no layer is computed from a file that changes. Where there is no lease to be had — another
//! owner's file, other systems — at most one layer is.

use std::any::Any;
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hadal_tensor::Memory;
use memmap2::Mmap;

use crate::error::{Error, at};

/// A file mapped for reading.
pub(crate) struct MappedFile {
    map: Mmap,
    path: PathBuf,
    file: File,
    modified: Option<SystemTime>,
}

impl MappedFile {
    /// Maps the whole file.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(at(path))?;
        let modified = file.metadata().map_err(at(path))?.modified().ok();
        // SAFETY: the mapping is read-only, and weights are published by renaming a finished file
        // into place, so that a file once opened is not written again; one that is all the same is
        // found by `check`.
        let map = unsafe { Mmap::map(&file) }.map_err(at(path))?;
        lease::take(&file);
        Ok(MappedFile { map, path: path.to_path_buf(), file, modified })
    }

    /// Fails when the file was written to since it was mapped.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let now = self.file.metadata().map_err(at(&self.path))?;
        if now.len() == self.map.len() as u64 && self.is_unwritten(&now) && lease::holds(&self.file)
        {
            return Ok(());
        }
        Err(Error::FileChanged { path: self.path.clone() })
    }

    fn is_unwritten(&self, now: &Metadata) -> bool {
        now.modified().ok() == self.modified
    }

    /// The file behind some memory, if it is a mapped one.
    pub(crate) fn behind(memory: &dyn Memory) -> Option<&MappedFile> {
        (memory as &dyn Any).downcast_ref()
    }
}

impl Memory for MappedFile {
    fn bytes(&self) -> Option<&[u8]> {
        Some(&self.map)
    }

    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        None
    }
}

/// Leases of files for reading.
#[cfg(target_os = "linux")]
mod lease {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use libc::{F_GETLEASE, F_RDLCK, F_SETLEASE, F_UNLCK, SIGURG, c_int, fcntl};

    /// Chooses the signal that tells of a lease; its own, SIGIO, would end the process.
    const F_SETSIG: c_int = 10;

    /// Leases the file, where that can be.
    pub(super) fn take(file: &File) {
        let fd = file.as_raw_fd();
        // SAFETY: the descriptor is open, and neither call has to do with memory.
        unsafe {
            if fcntl(fd, F_SETSIG, SIGURG) == 0 {
                fcntl(fd, F_SETLEASE, F_RDLCK);
            }
        }
    }

    /// Whether nobody waits to write to the file, as far as a lease can tell. Whoever does is let go
    /// on.
    pub(super) fn holds(file: &File) -> bool {
        let fd = file.as_raw_fd();
        // SAFETY: as above.
        unsafe {
            // A lease that was never had is not to be given back, and that says so.
            fcntl(fd, F_GETLEASE) != F_UNLCK || fcntl(fd, F_SETLEASE, F_UNLCK) != 0
        }
    }
}

/// There are no leases.
#[cfg(not(target_os = "linux"))]
mod lease {
    use std::fs::File;

    pub(super) fn take(_: &File) {}

    pub(super) fn holds(_: &File) -> bool {
        true
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::ErrorKind;
    use std::os::unix::fs::OpenOptionsExt;

    use super::*;

    #[test]
    fn whoever_writes_waits_until_it_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        fs::write(&path, [7; 64]).unwrap();
        let mapped = MappedFile::open(&path).unwrap();
        mapped.check().expect("nobody writes");
        let open = || OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&path);
        match open() {
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            Ok(_) => return eprintln!("skipped: no leases on this file system"),
        }
        let message = mapped.check().expect_err("somebody wants to write").to_string();
        assert!(message.contains("was changed while it was open"), "{message}");
        open().expect("nothing is in the way any more");
    }
}
