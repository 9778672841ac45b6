//! Web archives: those of warcio's own tests, and small ones made here.

use std::io::Write as _;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Read;

/// How many records and how many reasons each of warcio's files gives.
const WARCIO: &[(&str, usize, usize)] = &[
    ("example.warc", 1, 0),
    ("example.warc.gz", 1, 0),
    ("example.arc", 1, 0),
    ("example.arc.gz", 1, 0),
    ("example-resource.warc.gz", 1, 0),
    ("example-iana.org-chunked.warc", 1, 0),
    ("example-wrong-chunks.warc.gz", 1, 0),
    ("example-wget-bad-target-uri.warc.gz", 3, 0),
    ("post-test.warc.gz", 3, 0),
];

fn warcio(file: &str) -> Option<PathBuf> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/crawler/warcio");
    let path = folder.join(file);
    if !path.exists() {
        println!("skipped: there is no {}", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn files_of_other_writers_are_read() {
    for &(file, n_records, n_dropped) in WARCIO {
        let Some(path) = warcio(file) else { return };
        let found = Read::of(&path);
        println!("{file}: {} {:?}", found.records.len(), found.dropped);
        assert_eq!((found.records.len(), found.dropped.len()), (n_records, n_dropped), "{file}");
        let record = &found.records[0];
        let page = record.html.as_deref().unwrap_or(&record.text);
        assert!(!page.is_empty() && record.url.is_some(), "{file}: {record:?}");
    }
}

#[test]
fn broken_files_of_other_writers_give_reasons_and_end() {
    for file in [
        "bad.arc",
        "example-bad-non-chunked.warc.gz",
        "example-bad.warc.gz.bad",
        "example-space-in-url.arc",
        "example-trunc.warc",
    ] {
        let Some(path) = warcio(file) else { return };
        let found = Read::of(&path);
        println!("{file}: {} {:?}", found.records.len(), found.dropped);
        assert!(found.records.len() + found.dropped.len() > 0, "{file}");
    }
}

fn response(url: &str, body: &str) -> Vec<u8> {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{body}");
    format!(
        "WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nContent-Type: \
         application/http;msgtype=response\r\nContent-Length: {}\r\n\r\n{answer}\r\n\r\n",
        answer.len()
    )
    .into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn pages(found: &Read) -> Vec<&str> {
    found.records.iter().filter_map(|record| record.html.as_deref()).collect()
}

#[test]
fn members_are_read_and_named_by_their_number() {
    let members = [gzip(&response("http://a/", "<p>a")), gzip(&response("http://b/", "<p>b"))];
    let found = Read::of_stream("c.warc.gz", &members.concat()[..]);
    assert_eq!(pages(&found), ["<p>a", "<p>b"]);
    assert_eq!(found.records[1].id, "c.warc#1");
    assert_eq!(found.records[1].url.as_deref(), Some("http://b/"));

    let frames = [response("http://a/", "<p>a"), response("http://b/", "<p>b")].map(|bytes| {
        ruzstd::encoding::compress_to_vec(&bytes[..], ruzstd::encoding::CompressionLevel::Fastest)
    });
    assert_eq!(pages(&Read::of_stream("c.warc.zst", &frames.concat()[..])), ["<p>a", "<p>b"]);
}

#[test]
fn reading_goes_on_behind_a_broken_member() {
    let mut broken = gzip(&response("http://b/", &"<p>some text".repeat(50)));
    let middle = broken.len() / 2;
    broken[middle..middle + 8].fill(0xA5);
    let file = [gzip(&response("http://a/", "<p>a")), broken, gzip(&response("http://c/", "<p>c"))];
    let found = Read::of_stream("c.warc.gz", &file.concat()[..]);
    assert_eq!(pages(&found), ["<p>a", "<p>c"], "{:?}", found.dropped);
    assert_eq!(found.reasons(), ["corrupt packing"]);
}

#[test]
fn reading_goes_on_behind_a_broken_record() {
    let without_length = b"WARC/1.0\r\nWARC-Type: response\r\n\r\nnothing\r\n\r\n".to_vec();
    let file = [response("http://a/", "<p>a"), without_length, response("http://c/", "<p>c")];
    let found = Read::of_stream("c.warc", &file.concat()[..]);
    assert_eq!(pages(&found), ["<p>a", "<p>c"]);
    assert_eq!(found.reasons(), ["WARC record without a length"]);
}

#[test]
fn a_record_cut_off_and_one_too_long_are_dropped() {
    let mut cut = response("http://a/", "<p>a");
    cut.truncate(cut.len() - 10);
    assert_eq!(Read::of_stream("c.warc", &cut[..]).reasons(), ["record is cut off"]);

    let long = b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: 99999999999\r\n\r\nx".to_vec();
    assert_eq!(Read::of_stream("c.warc", &long[..]).reasons(), ["record longer than 64 MiB"]);
}

#[test]
fn texts_of_wet_files_are_texts() {
    let file = "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://a/\r\nContent-Type: \
                text/plain\r\nContent-Length: 6\r\n\r\nh\u{e9}llo\r\n\r\n";
    let found = Read::of_stream("c.warc.wet", file.as_bytes());
    assert_eq!(found.records[0].text, "héllo");
    assert_eq!(found.records[0].html, None);
}
