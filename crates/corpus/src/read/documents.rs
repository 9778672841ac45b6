//! Files that are documents: a page, a text, or a document a line.

use std::io::{BufRead, ErrorKind, Read as _};

use super::encoding::decode;
use super::{Emit, LONGEST, id, unreadable};
use crate::{Error, Record};

/// Reads a stream that is neither packed nor a web archive.
pub(super) fn read(name: &str, input: &mut dyn BufRead, emit: &mut Emit<'_>) -> Result<(), Error> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let is_lines = match ending.as_deref() {
        Some("jsonl" | "ndjson" | "json") => true,
        Some("html" | "htm" | "xhtml" | "txt" | "text" | "md" | "markdown") => false,
        _ => input.fill_buf().is_ok_and(|beginning| beginning.trim_ascii_start().starts_with(b"{")),
    };
    if is_lines {
        return lines(name, input, emit);
    }
    let mut bytes = Vec::new();
    let read = input.take(LONGEST as u64 + 1).read_to_end(&mut bytes);
    if bytes.len() > LONGEST {
        return emit(unreadable(id(name, 0), &bytes, "document longer than 64 MiB"));
    }
    if let Err(error) = read {
        return emit(unreadable(id(name, 0), &bytes, &reason(&error)));
    }
    if bytes.is_empty() {
        return Ok(());
    }
    let is_page =
        matches!(ending.as_deref(), Some("html" | "htm" | "xhtml")) || looks_like_page(&bytes);
    emit(document(Record { id: id(name, 0), ..Record::default() }, &bytes, None, is_page))
}

/// Whether a document begins as pages do.
pub(super) fn looks_like_page(bytes: &[u8]) -> bool {
    let beginning = bytes[..bytes.len().min(200)].trim_ascii_start().to_ascii_lowercase();
    beginning.starts_with(b"<!doctype html") || beginning.starts_with(b"<html")
}

/// A record of a document's bytes: its page, or its text.
pub(super) fn document(
    mut record: Record,
    bytes: &[u8],
    charset: Option<&str>,
    is_page: bool,
) -> super::Outcome {
    let Some(text) = decode(bytes, charset) else {
        return unreadable(record.id, b"", "bytes in no known encoding");
    };
    if is_page {
        record.html = Some(text);
    } else {
        record.text = text;
    }
    Ok(record)
}

/// Why a stream broke off, in words that are the same for all streams that broke off so.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::InvalidData if error.get_ref().is_some() => error.to_string(),
        ErrorKind::UnexpectedEof => "stream is cut off".to_owned(),
        _ => "stream cannot be read".to_owned(),
    }
}

/// How many breaks are read over before a stream is given up.
const MOST_BREAKS: u32 = 1000;

fn lines(name: &str, input: &mut dyn BufRead, emit: &mut Emit<'_>) -> Result<(), Error> {
    let (mut number, mut n_breaks) = (0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut *input).take(LONGEST as u64 + 1).read_until(b'\n', &mut line);
        if let Err(error) = read {
            n_breaks += 1;
            emit(unreadable(id(name, number), &line, &reason(&error)))?;
            number += 1;
            if n_breaks == MOST_BREAKS {
                return Ok(());
            }
            continue;
        }
        if line.is_empty() {
            return Ok(());
        }
        if line.len() > LONGEST && line.last() != Some(&b'\n') {
            let rest = input.skip_until(b'\n');
            emit(unreadable(id(name, number), &line, "line longer than 64 MiB"))?;
            number += 1;
            if rest.is_err() {
                return Ok(());
            }
            continue;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let outcome = match serde_json::from_slice::<Record>(&line) {
            Ok(mut record) => {
                if record.id.is_empty() {
                    record.id = id(name, number);
                }
                Ok(record)
            }
            Err(_) => unreadable(id(name, number), &line, "line is not a JSON record"),
        };
        emit(outcome)?;
        number += 1;
    }
}
