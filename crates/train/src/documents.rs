//! Records from files: text, or JSON lines; plain or compressed by zstd.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use ruzstd::decoding::StreamingDecoder;
use serde::Deserialize;

use crate::error::{Error, at};

/// One document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Document {
    /// The text.
    pub text: String,
    /// Where it comes from.
    #[serde(default, alias = "source")]
    pub src: String,
    /// The licence it is under, as its source states it.
    #[serde(default)]
    pub licence: String,
}

/// The longest record that is read; a longer one is an error and not an allocation.
const RECORD_LIMIT_BYTES: u64 = 256 << 20;

/// The documents of a file, in order: a `.jsonl` has one a line, any other file is one.
///
/// # Errors
/// When the file cannot be opened; later, where a record cannot be read.
pub fn documents(path: &Path) -> Result<impl Iterator<Item = Result<Document, Error>>, Error> {
    records(path)
}

/// What one record of a file is read into.
pub(crate) trait Record: Sized {
    /// Reads one line of a `.jsonl`, or says what is wrong with it.
    fn of_line(line: &str) -> Result<Self, String>;

    /// Reads the whole of any other file.
    fn of_file(path: &Path, text: String) -> Result<Self, String>;
}

impl Record for Document {
    fn of_line(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    fn of_file(path: &Path, text: String) -> Result<Self, String> {
        Ok(Document { text, src: path.display().to_string(), licence: String::new() })
    }
}

/// The records of a file, in order; one that cannot be read ends them.
pub(crate) fn records<R: Record>(path: &Path) -> Result<Records<R>, Error> {
    let (reader, is_lines) = open(path)?;
    let (path, kind) = (path.to_path_buf(), PhantomData);
    Ok(Records { path, reader, is_lines, n_read: 0, ended: false, kind })
}

/// Opens a file, unpacking a `.zst`, and says whether it is JSON lines.
pub(crate) fn open(path: &Path) -> Result<(Box<dyn BufRead>, bool), Error> {
    let file = BufReader::with_capacity(1 << 20, File::open(path).map_err(at(path))?);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (reader, name): (Box<dyn BufRead>, &str) = match name.strip_suffix(".zst") {
        None => (Box::new(file), &name),
        Some(inner) => {
            let decoder = StreamingDecoder::new(file).map_err(|error| Error::Document {
                path: path.to_path_buf(),
                record: 1,
                reason: format!("not a zstd file: {error}"),
            })?;
            (Box::new(BufReader::with_capacity(1 << 20, decoder)), inner)
        }
    };
    Ok((reader, name.ends_with(".jsonl")))
}

pub(crate) struct Records<R> {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    is_lines: bool,
    n_read: usize,
    ended: bool,
    kind: PhantomData<R>,
}

impl<R: Record> Records<R> {
    fn read(&mut self) -> Result<Option<R>, String> {
        self.n_read += 1;
        let mut bytes = Vec::new();
        let mut limited = self.reader.by_ref().take(RECORD_LIMIT_BYTES);
        let read = match self.is_lines {
            true => limited.read_until(b'\n', &mut bytes),
            false => limited.read_to_end(&mut bytes),
        };
        read.map_err(|error| error.to_string())?;
        if bytes.len() as u64 == RECORD_LIMIT_BYTES {
            return Err(format!("it is longer than {} MiB", RECORD_LIMIT_BYTES >> 20));
        }
        let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
        match (self.is_lines, text.is_empty()) {
            (_, true) => Ok(None),
            (true, _) => R::of_line(&text).map(Some),
            (false, _) => R::of_file(&self.path, text).map(Some),
        }
    }
}

impl<R: Record> Iterator for Records<R> {
    type Item = Result<R, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.read().map_err(|reason| Error::Document {
            path: self.path.clone(),
            record: self.n_read,
            reason,
        });
        self.ended = !matches!(record, Ok(Some(_)));
        record.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Vec<Result<String, String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        match documents(&path) {
            Err(error) => vec![Err(error.to_string())],
            Ok(documents) => {
                documents.map(|d| d.map(|d| d.text).map_err(|e| e.to_string())).collect()
            }
        }
    }

    #[test]
    fn each_form_is_read() {
        assert_eq!(read("a.txt", b"one\ntwo"), [Ok("one\ntwo".to_owned())]);
        let lines = b"{\"text\":\"one\",\"licence\":\"MIT\"}\n{\"text\":\"two\"}\n";
        assert_eq!(read("a.jsonl", lines), [Ok("one".to_owned()), Ok("two".to_owned())]);
        let packed = ruzstd::encoding::compress_to_vec(
            &lines[..],
            ruzstd::encoding::CompressionLevel::Fastest,
        );
        assert_eq!(read("a.jsonl.zst", &packed), [Ok("one".to_owned()), Ok("two".to_owned())]);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_ends_the_file() {
        for (name, bytes, expected) in [
            ("a.jsonl", &b"{\"text\":\"one\"}\n{\"text\":\n{}"[..], "record 2"),
            ("a.txt", b"\xff\xfe", "invalid utf-8"),
            ("a.txt.zst", b"not zstd", "not a zstd file"),
        ] {
            let records = read(name, bytes);
            let message = records.last().unwrap().as_ref().unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
