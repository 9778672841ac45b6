//! Files that are whole or not there, and what they hold.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::at;
use crate::{Error, error};

/// A file that was written: its length and the hash of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its length, in bytes.
    pub n_bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

impl Output {
    /// What a file holds now.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut hashed = Hashed { file: io::sink(), hasher: Sha256::new(), n_bytes: 0 };
        io::copy(&mut File::open(path)?, &mut hashed)?;
        Ok(hashed.output())
    }
}

/// The hash of what a hasher was given, in hexadecimal digits.
pub(crate) fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A stream, and the hash of what has been written to it.
struct Hashed<W> {
    file: W,
    hasher: Sha256,
    n_bytes: u64,
}

impl<W> Hashed<W> {
    fn output(self) -> Output {
        Output { n_bytes: self.n_bytes, sha256: hex(self.hasher) }
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n_written]);
        self.n_bytes += n_written as u64;
        Ok(n_written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that is written beside its place, flushed to disk, and then renamed into it; what was not
/// finished is removed.
struct Aside {
    path: PathBuf,
    hashed: Option<Hashed<BufWriter<File>>>,
}

impl Aside {
    fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::new(File::create(partial(path))?);
        let hashed = Some(Hashed { file, hasher: Sha256::new(), n_bytes: 0 });
        Ok(Self { path: path.to_owned(), hashed })
    }

    fn finish(mut self) -> io::Result<Output> {
        let mut hashed = self.hashed.take().expect("it is taken once");
        hashed.flush()?;
        hashed.file.get_ref().sync_all()?;
        fs::rename(partial(&self.path), &self.path)?;
        Ok(hashed.output())
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hashed.as_mut().expect("it is not finished").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hashed.as_mut().expect("it is not finished").flush()
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if self.hashed.is_some() {
            // Failing to remove what is of no use is not a second error.
            let _ = fs::remove_file(partial(&self.path));
        }
    }
}

fn partial(path: &Path) -> PathBuf {
    path.with_extension("partial")
}

/// Writes a file whole, or not at all.
///
/// # Errors
/// Where it cannot be written.
pub fn written_aside(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<Output, Error> {
    let file = || {
        let mut aside = Aside::create(path)?;
        write(&mut aside)?;
        aside.finish()
    };
    file().map_err(error::at(path))
}

/// Bytes of rows that wait in memory before they are written as one group.
const GROUP_BYTES: usize = 32 << 20;

/// A Parquet file that grows by batches of rows, and is there when it is finished.
pub struct TableWriter {
    path: PathBuf,
    writer: ArrowWriter<Aside>,
    n_rows: u64,
}

impl TableWriter {
    /// Begins a file of rows of that form.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(path: &Path, schema: SchemaRef) -> Result<Self, Error> {
        let aside = Aside::create(path).map_err(error::at(path))?;
        let level = ZstdLevel::try_new(1).expect("1 is a level");
        let properties =
            WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let writer = ArrowWriter::try_new(aside, schema, Some(properties)).map_err(at(path))?;
        Ok(Self { path: path.to_owned(), writer, n_rows: 0 })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        self.writer.write(rows).map_err(at(&self.path))?;
        self.n_rows += rows.num_rows() as u64;
        if self.writer.memory_size() > GROUP_BYTES {
            self.writer.flush().map_err(at(&self.path))?;
        }
        Ok(())
    }

    /// How many rows there are so far.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Ends the file and puts it into its place.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(self) -> Result<Output, Error> {
        let aside = self.writer.into_inner().map_err(at(&self.path))?;
        aside.finish().map_err(error::at(&self.path))
    }
}
