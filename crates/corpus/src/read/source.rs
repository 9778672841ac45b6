//! What a path or a stream holds, told by its first bytes, and by its name where those say nothing.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::packed::{Growth, GzipMembers, ZstdFrames};
use super::{Emit, LONGEST, archive, documents, parquet, unreadable, warc};
use crate::Error;

/// How many packings are opened one in the other: an archive of packed archives, no deeper.
const DEEPEST: u32 = 4;

/// The buffer of a file being read, in bytes.
const BUFFER: usize = 1 << 16;

/// Reads a file, or all files of a folder in the order of their names.
///
/// # Errors
/// Only those of `emit`.
pub fn read(path: &Path, emit: &mut Emit<'_>) -> Result<(), Error> {
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            match in_order(&path) {
                Ok(inside) => waiting.extend(inside.into_iter().rev()),
                Err(_) => emit(unreadable(name(&path), b"", "folder cannot be listed"))?,
            }
        } else {
            read_file(&path, emit)?;
        }
    }
    Ok(())
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

/// What stands in a folder, in the order of names; links are not followed, as they may lead back.
pub(crate) fn in_order(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_symlink() {
            inside.push(entry.path());
        }
    }
    inside.sort();
    Ok(inside)
}

fn read_file(path: &Path, emit: &mut Emit<'_>) -> Result<(), Error> {
    let name = name(path);
    let beginning = |file: &mut File| -> std::io::Result<[u8; 4]> {
        let mut magic = Vec::new();
        file.by_ref().take(4).read_to_end(&mut magic)?;
        file.rewind()?;
        magic.resize(4, 0);
        Ok([magic[0], magic[1], magic[2], magic[3]])
    };
    let opened = File::open(path).and_then(|mut file| Ok((beginning(&mut file)?, file)));
    match opened {
        Err(_) => emit(unreadable(name, b"", "file cannot be opened")),
        Ok((ZIP, file)) => archive::read(&name, BufReader::new(file), 0, emit),
        Ok((PARQUET, file)) => parquet::read(&name, &|| file.try_clone().ok(), emit),
        Ok((_, file)) => read_stream(&name, BufReader::with_capacity(BUFFER, file), emit),
    }
}

const ZIP: [u8; 4] = *b"PK\x03\x04";
const PARQUET: [u8; 4] = *b"PAR1";

/// Reads a stream; its name tells what its first bytes do not.
///
/// # Errors
/// Only those of `emit`.
pub fn read_stream(name: &str, input: impl BufRead, emit: &mut Emit<'_>) -> Result<(), Error> {
    open(name, Box::new(input), 0, emit)
}

/// Reads a stream that stands in `depth` packings.
pub(super) fn open<'a>(
    name: &str,
    mut input: Box<dyn BufRead + 'a>,
    depth: u32,
    emit: &mut Emit<'_>,
) -> Result<(), Error> {
    if depth > DEEPEST {
        return emit(unreadable(name.to_owned(), b"", "packed more than four times"));
    }
    let Ok(beginning) = input.fill_buf() else {
        return emit(unreadable(name.to_owned(), b"", "stream cannot be read"));
    };
    if beginning.starts_with(&[0x1F, 0x8B]) {
        let (input, growth) = Growth::watch(input);
        let members = BufReader::with_capacity(BUFFER, growth.limit(GzipMembers::new(input)));
        return open(unpacked(name, &[".gz"]), Box::new(members), depth + 1, emit);
    }
    if beginning.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) || is_skippable_frame(beginning) {
        let (input, growth) = Growth::watch(input);
        let frames = BufReader::with_capacity(BUFFER, growth.limit(ZstdFrames::new(input)));
        return open(unpacked(name, &[".zst", ".zstd"]), Box::new(frames), depth + 1, emit);
    }
    if beginning.starts_with(&PARQUET) {
        return match whole(input) {
            Some(bytes) => {
                let bytes = Bytes::from(bytes);
                parquet::read(name, &|| Some(bytes.clone()), emit)
            }
            None => {
                emit(unreadable(name.to_owned(), b"", "Parquet in a stream longer than 64 MiB"))
            }
        };
    }
    if beginning.starts_with(&ZIP) {
        return match whole(input) {
            Some(bytes) => archive::read(name, Cursor::new(bytes), depth + 1, emit),
            None => emit(unreadable(name.to_owned(), b"", "inner archive longer than 64 MiB")),
        };
    }
    if beginning.starts_with(b"WARC/") {
        return warc::read(name, &mut input, emit);
    }
    if beginning.starts_with(b"filedesc:") {
        return warc::read_arc(name, &mut input, emit);
    }
    documents::read(name, &mut input, emit)
}

/// All of a stream whose end must be read first, where that is not too long to be held.
fn whole(input: impl BufRead) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let is_whole = input.take(LONGEST as u64 + 1).read_to_end(&mut bytes).is_ok();
    (is_whole && bytes.len() <= LONGEST).then_some(bytes)
}

/// Whether a Zstandard stream begins with a frame to skip, as packed archives with a dictionary do.
fn is_skippable_frame(beginning: &[u8]) -> bool {
    matches!(beginning, [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..])
}

/// A name without the ending that says how it is packed.
fn unpacked<'n>(name: &'n str, endings: &[&str]) -> &'n str {
    endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}
