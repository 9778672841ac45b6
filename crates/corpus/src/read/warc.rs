//! Web archives: WARC, with pages (`response`, `resource`) or texts (`conversion`), and ARC.

use std::io::{BufRead, Read as _};

use serde_json::Value;

use super::documents::{document, looks_like_page};
use super::{Emit, LONGEST, Outcome, http, id, unreadable};
use crate::{Error, Record};

/// The longest line of a head, in bytes.
const LONGEST_LINE: u64 = 64 << 10;

/// The most lines of a head.
const MOST_LINES: usize = 1000;

/// What a step over something unreadable found.
enum Line {
    Some(Vec<u8>),
    /// The stream broke, and may go on behind.
    Broken,
    End,
}

/// Where a reader is in an archive.
struct Archive<'a> {
    name: &'a str,
    input: &'a mut dyn BufRead,
    number: u64,
    n_breaks: u32,
    /// Whether the last record was unreadable and none has been found since.
    is_lost: bool,
}

/// How many breaks are read over before an archive is given up.
const MOST_BREAKS: u32 = 10_000;

impl Archive<'_> {
    /// The next line without its end; a longer one is cut.
    fn line(&mut self) -> Line {
        let mut line = Vec::new();
        match (&mut *self.input).take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Err(_) if self.n_breaks >= MOST_BREAKS => Line::End,
            Err(_) => {
                self.n_breaks += 1;
                Line::Broken
            }
            Ok(0) => Line::End,
            Ok(_) => Line::Some(line),
        }
    }

    /// The next line that says something; what breaks before it is named.
    fn next_line(&mut self, emit: &mut Emit<'_>) -> Result<Option<Vec<u8>>, Error> {
        loop {
            match self.line() {
                Line::End => return Ok(None),
                Line::Broken => self.lose(b"", "corrupt packing", emit)?,
                Line::Some(line) if line.trim_ascii().is_empty() => {}
                Line::Some(line) => return Ok(Some(line)),
            }
        }
    }

    /// Names what could not be read, once for each place.
    fn lose(&mut self, beginning: &[u8], reason: &str, emit: &mut Emit<'_>) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_lost, true) {
            return Ok(());
        }
        self.number += 1;
        emit(unreadable(id(self.name, self.number - 1), beginning, reason))
    }

    /// Reads a block of a stated length: its bytes, or why there are none.
    fn block(&mut self, len: u64) -> Result<Vec<u8>, &'static str> {
        if len > LONGEST as u64 {
            let mut rest = (&mut *self.input).take(len);
            return match std::io::copy(&mut rest, &mut std::io::sink()) {
                Ok(_) => Err("record longer than 64 MiB"),
                Err(_) => Err("corrupt packing"),
            };
        }
        let mut block = Vec::new();
        match (&mut *self.input).take(len).read_to_end(&mut block) {
            Err(_) => Err("corrupt packing"),
            Ok(n_read) if (n_read as u64) < len => Err("record is cut off"),
            Ok(_) => Ok(block),
        }
    }
}

/// Reads a WARC stream. Requests, notes about the archive and pages seen before are no documents
/// and pass in silence; what is broken is dropped, and reading goes on at the next record.
pub(super) fn read(name: &str, input: &mut dyn BufRead, emit: &mut Emit<'_>) -> Result<(), Error> {
    let mut archive = Archive { name, input, number: 0, n_breaks: 0, is_lost: false };
    while let Some(line) = archive.next_line(emit)? {
        if !line.starts_with(b"WARC/") {
            archive.lose(&line, "not a WARC record", emit)?;
            continue;
        }
        archive.is_lost = false;
        let Some(head) = head(&mut archive) else {
            archive.lose(&line, "WARC head without an end", emit)?;
            continue;
        };
        let Some(len) = head.get("content-length").and_then(|len| len.parse().ok()) else {
            archive.lose(&line, "WARC record without a length", emit)?;
            continue;
        };
        let number = archive.number;
        match archive.block(len) {
            Err(reason) => {
                archive.lose(head.get("warc-target-uri").unwrap_or("").as_bytes(), reason, emit)?
            }
            Ok(block) => {
                archive.number += 1;
                if let Some(outcome) = record(id(name, number), &head, &block) {
                    emit(outcome)?;
                }
            }
        }
    }
    Ok(())
}

/// The named fields of a head; names in lower case.
struct Head(Vec<(String, String)>);

impl Head {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

fn head(archive: &mut Archive<'_>) -> Option<Head> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for _ in 0..MOST_LINES {
        let Line::Some(line) = archive.line() else {
            return None;
        };
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            return Some(Head(fields));
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    None
}

/// The document of a WARC record; none where it is not one.
fn record(id: String, head: &Head, block: &[u8]) -> Option<Outcome> {
    let mut record = Record { id, ..Record::default() };
    // Some writers put the address in angle brackets, as the standard's own example does.
    let url = head.get("warc-target-uri").map(|url| url.trim_matches(['<', '>']).to_owned());
    record.url = url;
    for (field, name) in [("warc-date", "fetched"), ("warc-record-id", "warc_record")] {
        if let Some(value) = head.get(field) {
            record.other.insert(name.to_owned(), Value::from(value));
        }
    }
    let declared = head.get("content-type").unwrap_or_default();
    match head.get("warc-type")? {
        "response" if declared.starts_with("application/http") || block.starts_with(b"HTTP/") => {
            Some(answer(record, block))
        }
        "response" | "resource" | "conversion" => {
            let (content_type, charset) = http::content_type(declared);
            Some(typed(record, &content_type, charset.as_deref(), block))
        }
        _ => None,
    }
}

/// The document of a server's answer.
fn answer(record: Record, block: &[u8]) -> Outcome {
    match http::parse(block) {
        Err(reason) => unreadable(record.id, block, reason),
        Ok(answer) if answer.status != 200 => {
            let Record { id, url, .. } = record;
            unreadable(id, url.unwrap_or_default().as_bytes(), "HTTP status other than 200")
        }
        Ok(answer) => typed(record, &answer.content_type, answer.charset.as_deref(), &answer.body),
    }
}

/// The document of bytes of a stated type.
fn typed(record: Record, content_type: &str, charset: Option<&str>, bytes: &[u8]) -> Outcome {
    let is_page = match content_type {
        "text/html" | "application/xhtml+xml" => true,
        "" | "application/octet-stream" => looks_like_page(bytes),
        _ if content_type.starts_with("text/") => looks_like_page(bytes),
        "application/json" | "application/xml" => false,
        _ => return unreadable(record.id, content_type.as_bytes(), "content that is no text"),
    };
    document(record, bytes, charset, is_page)
}

/// Reads an ARC stream: before each block a line of address, IP, date, type and length.
pub(super) fn read_arc(
    name: &str,
    input: &mut dyn BufRead,
    emit: &mut Emit<'_>,
) -> Result<(), Error> {
    let mut archive = Archive { name, input, number: 0, n_breaks: 0, is_lost: false };
    while let Some(line) = archive.next_line(emit)? {
        let text = String::from_utf8_lossy(&line);
        // An address may hold spaces: the fields behind it are counted from the end.
        let fields: Vec<&str> = text.trim_end().rsplitn(5, ' ').collect();
        let parsed = match fields[..] {
            [len, content_type, date, _, url] => {
                len.parse().ok().map(|len| (len, content_type, date, url))
            }
            _ => None,
        };
        let Some((len, content_type, date, url)) = parsed else {
            archive.lose(&line, "not an ARC record", emit)?;
            continue;
        };
        archive.is_lost = false;
        let number = archive.number;
        match archive.block(len) {
            Err(reason) => archive.lose(url.as_bytes(), reason, emit)?,
            Ok(block) => {
                archive.number += 1;
                if url.starts_with("filedesc:") {
                    continue;
                }
                let mut record =
                    Record { id: id(name, number), url: Some(url.to_owned()), ..Record::default() };
                record.other.insert("fetched".to_owned(), Value::from(date));
                emit(if block.starts_with(b"HTTP/") {
                    answer(record, &block)
                } else {
                    typed(record, content_type, None, &block)
                })?;
            }
        }
    }
    Ok(())
}
