//! The log of a store: what was inserted, in order, in files that are only ever added to.
//!
//! A file is named for the number of its first record, `log-000000000000`, and begins with a mark
//! and a version. Each record is its length, a CRC-32 of what follows, and the record. Whoever dies
//! while adding leaves a last record that is torn; it was never acknowledged, and opening cuts it.
//! Anything else that is not whole is damage, and an error.
//!
//! The log is also the snapshot: nothing in it is ever superseded, so a snapshot beside it would be
//! a second copy of it. A file that is full is never written again.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::entry::Entry;
use super::sketch::Sketch;
use crate::Error;
use crate::error::at;

const MARK: &[u8; 12] = b"hadal-dedup\0";

/// Changes with everything that makes entries: words, shingles, hashes, lengths.
const VERSION: u32 = 1;

const HEADER_LEN: u64 = 16;

/// A file longer than this is full.
const FILE_BYTES: u64 = 256 << 20;

/// A record as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Logged {
    pub entry: Entry,
    pub links: Vec<u32>,
    pub id: String,
}

/// The end of the log, where records are added.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    /// The bytes of the file that hold whole records.
    len: u64,
    pending: Vec<u8>,
}

impl Log {
    /// Opens the log in `folder`, which is made where there is none, and gives every record of it to
    /// `each`, which says whether it can follow those before it.
    pub(super) fn open(
        folder: &Path,
        mut each: impl FnMut(&Logged) -> bool,
    ) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let mut n_records = 0;
        let mut paths = files(folder)?;
        let last = paths.pop();
        for path in paths {
            n_records = named_for(&path, n_records)?;
            let (n_read, end) = read(&path, &mut each)?;
            if let End::Broken(offset) = end {
                return Err(Error::DamagedIndex { path, offset });
            }
            n_records += n_read;
        }
        let Some(path) = last else { return Self::begin(folder, 0) };
        n_records = named_for(&path, n_records)?;
        let (_, end) = read(&path, &mut each)?;
        let mut file = OpenOptions::new().read(true).write(true).open(&path).map_err(at(&path))?;
        let len = match end {
            End::Whole(len) => len,
            End::Broken(offset) if offset < HEADER_LEN => return Self::begin(folder, n_records),
            End::Broken(offset) if is_followed(&mut file, offset).map_err(at(&path))? => {
                return Err(Error::DamagedIndex { path, offset });
            }
            End::Broken(offset) => {
                file.set_len(offset).and_then(|()| file.sync_all()).map_err(at(&path))?;
                offset
            }
        };
        file.seek(SeekFrom::Start(len)).map_err(at(&path))?;
        Ok(Self { folder: folder.to_owned(), path, file, len, pending: Vec::new() })
    }

    /// A new file whose first record will be `number`.
    fn begin(folder: &Path, number: u64) -> Result<Self, Error> {
        let path = folder.join(format!("{PREFIX}{number:012}"));
        let begin = || {
            let mut file = File::create(&path)?;
            file.write_all(MARK)?;
            file.write_all(&VERSION.to_le_bytes())?;
            file.sync_all()?;
            File::open(folder)?.sync_all()?;
            Ok(file)
        };
        let file = begin().map_err(at(&path))?;
        let folder = folder.to_owned();
        Ok(Self { folder, path, file, len: HEADER_LEN, pending: Vec::new() })
    }

    /// Adds a record, which stays in memory until the log is synced.
    pub(super) fn push(&mut self, entry: &Entry, links: &[u32], id: &str) {
        let start = self.pending.len();
        self.pending.extend([0; 8]);
        self.pending.extend(entry.content.to_le_bytes());
        self.pending.extend(entry.fingerprint.to_le_bytes());
        for numbers in [entry.sketch.hashes(), links] {
            self.pending.extend((numbers.len() as u32).to_le_bytes());
            numbers.iter().for_each(|number| self.pending.extend(number.to_le_bytes()));
        }
        self.pending.extend(id.as_bytes());
        let body = &self.pending[start + 8..];
        let (len, crc) = (body.len() as u32, crc32fast::hash(body));
        self.pending[start..start + 4].copy_from_slice(&len.to_le_bytes());
        self.pending[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    }

    /// Brings every record added onto the disk; the log then holds `n_records`. Where that fails
    /// they stay in memory and the next sync tries again.
    pub(super) fn sync(&mut self, n_records: u64) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        // What a failed write left behind is written over.
        let written = self
            .file
            .seek(SeekFrom::Start(self.len))
            .and_then(|_| self.file.write_all(&self.pending))
            .and_then(|()| self.file.sync_data());
        written.map_err(at(&self.path))?;
        self.len += self.pending.len() as u64;
        self.pending.clear();
        if self.len > FILE_BYTES {
            *self = Self::begin(&self.folder, n_records)?;
        }
        Ok(())
    }
}

const PREFIX: &str = "log-";

/// The files of the log, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// `n_records`, where `path` is named for it; otherwise a file before it is missing.
fn named_for(path: &Path, n_records: u64) -> Result<u64, Error> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    match name.strip_prefix(PREFIX).and_then(|digits| digits.parse::<u64>().ok()) {
        Some(number) if n_records == number => Ok(n_records),
        _ => Err(Error::MissingLog { path: path.to_owned(), n_records }),
    }
}

/// How a file of the log ends.
enum End {
    /// After a whole record, at this length.
    Whole(u64),
    /// With something that is no whole record, from here on.
    Broken(u64),
}

fn read(path: &Path, each: &mut impl FnMut(&Logged) -> bool) -> Result<(u64, End), Error> {
    let file = File::open(path).map_err(at(path))?;
    let file_len = file.metadata().map_err(at(path))?.len();
    if file_len < HEADER_LEN {
        return Ok((0, End::Broken(0)));
    }
    let mut file = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; HEADER_LEN as usize];
    file.read_exact(&mut header).map_err(at(path))?;
    let version = u32::from_le_bytes([header[12], header[13], header[14], header[15]]);
    if &header[..12] != MARK || version != VERSION {
        return Err(Error::NotAnIndex { path: path.to_owned(), version: VERSION });
    }
    let (mut offset, mut n_records) = (HEADER_LEN, 0);
    let mut body = Vec::new();
    while offset < file_len {
        let rest = file_len - offset;
        let is_whole = next(&mut file, rest, &mut body).map_err(at(path))?;
        match is_whole.then(|| parse(&body)).flatten() {
            Some(logged) if each(&logged) => {}
            _ => return Ok((n_records, End::Broken(offset))),
        }
        offset += 8 + body.len() as u64;
        n_records += 1;
    }
    Ok((n_records, End::Whole(offset)))
}

/// Reads the body of the next record; `false` where the `rest` of the file holds no whole one.
fn next(file: &mut impl Read, rest: u64, body: &mut Vec<u8>) -> std::io::Result<bool> {
    body.clear();
    if rest < 8 {
        return Ok(false);
    }
    let mut word = [0; 4];
    file.read_exact(&mut word)?;
    let len = u32::from_le_bytes(word);
    file.read_exact(&mut word)?;
    if u64::from(len) > rest - 8 {
        return Ok(false);
    }
    body.resize(len as usize, 0);
    file.read_exact(body)?;
    Ok(crc32fast::hash(body) == u32::from_le_bytes(word))
}

/// Whether a whole record stands behind the broken one at `offset`: then it is not the last that
/// tore, and what follows was acknowledged.
fn is_followed(file: &mut File, offset: u64) -> std::io::Result<bool> {
    let file_len = file.metadata()?.len();
    if file_len < offset + 8 {
        return Ok(false);
    }
    let mut word = [0; 4];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut word)?;
    let behind = offset + 8 + u64::from(u32::from_le_bytes(word));
    if behind >= file_len {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(behind))?;
    let mut body = Vec::new();
    Ok(next(file, file_len - behind, &mut body)? && parse(&body).is_some())
}

fn parse(body: &[u8]) -> Option<Logged> {
    let (content, rest) = body.split_first_chunk()?;
    let (fingerprint, rest) = rest.split_first_chunk()?;
    let (hashes, rest) = parse_numbers(rest)?;
    let (links, id) = parse_numbers(rest)?;
    let entry = Entry {
        content: u64::from_le_bytes(*content),
        fingerprint: u64::from_le_bytes(*fingerprint),
        sketch: Sketch::from_hashes(hashes)?,
    };
    Some(Logged { entry, links, id: String::from_utf8(id.to_vec()).ok()? })
}

fn parse_numbers(bytes: &[u8]) -> Option<(Vec<u32>, &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    let n_bytes = (u32::from_le_bytes(*len) as usize).checked_mul(4)?;
    let (numbers, rest) = rest.split_at_checked(n_bytes)?;
    let numbers = numbers.chunks_exact(4);
    Some((numbers.map(|n| u32::from_le_bytes([n[0], n[1], n[2], n[3]])).collect(), rest))
}
