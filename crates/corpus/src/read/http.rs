//! A server's answer, as web archives keep it: what it is, and its body unpacked.

use std::io::Read as _;

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::LONGEST;

/// An answer.
pub(super) struct Answer {
    /// 200, or what went wrong.
    pub status: u16,
    /// `text/html`, in lower case; empty where the server did not say.
    pub content_type: String,
    /// The encoding that the server named.
    pub charset: Option<String>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

/// Reads an answer.
///
/// # Errors
/// The reason why it cannot be read.
pub(super) fn parse(bytes: &[u8]) -> Result<Answer, &'static str> {
    let (head, body) = split_head(bytes).ok_or("HTTP head without an end")?;
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines
        .next()
        .filter(|line| line.starts_with("HTTP/") || line.starts_with("ICY"))
        .and_then(|line| line.split_ascii_whitespace().nth(1)?.parse().ok())
        .ok_or("not an HTTP answer")?;
    let mut answer =
        Answer { status, content_type: String::new(), charset: None, body: Vec::new() };
    let (mut is_chunked, mut packing) = (false, String::new());
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "content-type" => (answer.content_type, answer.charset) = content_type(value),
            "transfer-encoding" => is_chunked = value.eq_ignore_ascii_case("chunked"),
            "content-encoding" => packing = value.to_ascii_lowercase(),
            _ => {}
        }
    }
    // Archives keep bodies that were joined already under the head that says they are in chunks.
    let joined = if is_chunked { join_chunks(body) } else { None };
    answer.body = unpack(joined.as_deref().unwrap_or(body), &packing)?;
    Ok(answer)
}

/// A content type's name and its charset.
pub(super) fn content_type(value: &str) -> (String, Option<String>) {
    let mut parts = value.split(';');
    let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let charset = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let is_charset = key.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    });
    (name, charset)
}

/// Splits a head from its body at the first empty line.
fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = memchr::memchr_iter(b'\n', bytes).find_map(|at| match &bytes[at + 1..] {
        [b'\r', b'\n', ..] => Some((at, at + 3)),
        [b'\n', ..] => Some((at, at + 2)),
        _ => None,
    });
    ends.map(|(head, body)| (&bytes[..head], &bytes[body..]))
}

/// Joins the chunks of a body; none where it is not in chunks.
fn join_chunks(body: &[u8]) -> Option<Vec<u8>> {
    let mut joined = Vec::with_capacity(body.len());
    let mut rest = body;
    loop {
        let end = memchr::memchr(b'\n', rest)?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        let len = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        rest = &rest[end + 1..];
        if len == 0 {
            return Some(joined);
        }
        if len > rest.len() {
            // The last chunk was cut off; what there is of it is kept.
            joined.extend_from_slice(rest);
            return Some(joined);
        }
        joined.extend_from_slice(&rest[..len]);
        rest = rest[len..].strip_prefix(b"\r\n").or(rest[len..].strip_prefix(b"\n"))?;
    }
}

fn unpack(body: &[u8], packing: &str) -> Result<Vec<u8>, &'static str> {
    let mut unpacked = Vec::new();
    let limit = LONGEST as u64 + 1;
    let read = match packing {
        "" | "identity" => return Ok(body.to_vec()),
        // A body may have been unpacked already under a head that says it is packed.
        "gzip" | "x-gzip" if !body.starts_with(&[0x1F, 0x8B]) => return Ok(body.to_vec()),
        "gzip" | "x-gzip" => MultiGzDecoder::new(body).take(limit).read_to_end(&mut unpacked),
        "deflate" => ZlibDecoder::new(body).take(limit).read_to_end(&mut unpacked),
        _ => return Err("content encoding that is not read"),
    };
    match read {
        _ if unpacked.len() > LONGEST => Err("document longer than 64 MiB"),
        // The beginning of a page that was cut off is still a page.
        Err(_) if unpacked.is_empty() => Err("corrupt content encoding"),
        _ => Ok(unpacked),
    }
}
