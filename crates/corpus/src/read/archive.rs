//! Archives: each file in them as if it stood in a folder of the archive's name.

use std::io::{BufReader, Read, Seek};

use zip::ZipArchive;

use super::packed::Growth;
use super::source::open;
use super::{Emit, unreadable};
use crate::Error;

pub(super) fn read(
    name: &str,
    input: impl Read + Seek,
    depth: u32,
    emit: &mut Emit<'_>,
) -> Result<(), Error> {
    let Ok(mut archive) = ZipArchive::new(input) else {
        return emit(unreadable(name.to_owned(), b"", "corrupt zip"));
    };
    for number in 0..archive.len() {
        let Ok(file) = archive.by_index(number) else {
            emit(unreadable(
                super::id(name, number as u64),
                b"",
                "corrupt or encrypted file in zip",
            ))?;
            continue;
        };
        if file.is_dir() {
            continue;
        }
        let inner = match file.name() {
            Ok(inside) => format!("{name}/{inside}"),
            Err(_) => super::id(name, number as u64),
        };
        let growth = Growth::of_length(file.compressed_size());
        open(&inner, Box::new(BufReader::new(growth.limit(file))), depth + 1, emit)?;
    }
    Ok(())
}
