//! Files seen as memory.

use std::fs::File;
use std::path::Path;

use hadal_tensor::Memory;
use memmap2::Mmap;

use crate::error::{Error, at};

/// A file mapped for reading.
pub(crate) struct MappedFile(Mmap);

impl MappedFile {
    /// Maps the whole file.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(at(path))?;
        // SAFETY: the mapping is read-only, and weights are published by renaming a finished file
        // into place, so that a file once opened is not written again.
        let map = unsafe { Mmap::map(&file) }.map_err(at(path))?;
        Ok(MappedFile(map))
    }
}

impl Memory for MappedFile {
    fn bytes(&self) -> Option<&[u8]> {
        Some(&self.0)
    }

    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        None
    }
}
