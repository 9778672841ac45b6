//! Files seen as memory.
//!
//! A mapping reads what the file holds at that moment, and reading beyond the end of a file that
//! was cut short kills the process. Files that are replaced by renaming do no harm: the mapping
//! keeps the old one. For those that are written in place, whoever reads weights asks
//! [`MappedFile::check`] before each layer, so that at most one layer is computed from a file that
//! has just changed.

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
        Ok(MappedFile { map, path: path.to_path_buf(), file, modified })
    }

    /// Fails when the file was written to since it was mapped.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let now = self.file.metadata().map_err(at(&self.path))?;
        if now.len() == self.map.len() as u64 && self.is_unwritten(&now) {
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
