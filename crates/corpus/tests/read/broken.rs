//! Files made to break readers, and files of every kind in one folder.

use std::io::{BufReader, Cursor, Read as _, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Read;

#[test]
fn a_folder_is_read_in_the_order_of_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("a.md", b"# A title\n\nA text.");
    write("b.html", b"<p>caf\xE9 <meta charset=latin1>");
    write("c.jsonl", b"{\"text\":\"one\"}\nnot json\n{\"id\":\"own\",\"text\":\"two\"}\n");
    write("d.txt", b"");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("inner/e.txt", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"in an archive").unwrap();
    write("e.zip", zip.finish().unwrap().get_ref());

    let found = Read::of(folder.path());
    let name = |id: &str| {
        id.strip_prefix(&format!("{}/", folder.path().display())).unwrap_or(id).to_owned()
    };
    let ids: Vec<String> = found.records.iter().map(|record| name(&record.id)).collect();
    assert_eq!(ids, ["a.md#0", "b.html#0", "c.jsonl#0", "own", "e.zip/inner/e.txt#0"]);
    assert!(found.records[1].html.as_deref().unwrap().contains("café"));
    assert_eq!(name(&found.dropped[0].0), "c.jsonl#1");
    assert_eq!(found.reasons(), ["line is not a JSON record"]);
}

#[test]
fn what_is_not_there_is_dropped() {
    let found = Read::of(std::path::Path::new("/nowhere/at/all"));
    assert_eq!(found.reasons(), ["file cannot be opened"]);
}

#[test]
fn a_line_of_a_gigabyte_is_dropped_and_never_held() {
    let line = BufReader::new(std::io::repeat(b'x').take(1 << 30));
    let found = Read::of_stream("long.jsonl", line.chain(&b"\n{\"text\":\"behind\"}\n"[..]));
    assert_eq!(found.reasons(), ["line longer than 64 MiB"]);
    assert_eq!(found.records[0].text, "behind");

    let text = BufReader::new(std::io::repeat(b'x').take(1 << 30));
    assert_eq!(Read::of_stream("long.txt", text).reasons(), ["document longer than 64 MiB"]);
}

fn zeros(n_bytes: u64) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    std::io::copy(&mut std::io::repeat(b'\n').take(n_bytes), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_bomb_is_dropped_before_it_has_grown() {
    let found = Read::of_stream("bomb.jsonl.gz", &zeros(1 << 27)[..]);
    assert_eq!(found.reasons(), ["unpacks to more than five hundred times its length"]);

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["a.jsonl", "b.jsonl"] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        std::io::copy(&mut std::io::repeat(b'\n').take(1 << 27), &mut zip).unwrap();
    }
    let found = Read::of_stream("bomb.zip", &zip.finish().unwrap().get_ref()[..]);
    assert_eq!(found.reasons(), ["unpacks to more than five hundred times its length"; 2]);
}

#[test]
fn packing_within_packing_ends() {
    let mut bytes = b"text".to_vec();
    for _ in 0..6 {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&bytes).unwrap();
        bytes = encoder.finish().unwrap();
    }
    assert_eq!(Read::of_stream("a.gz", &bytes[..]).reasons(), ["packed more than four times"]);
}

#[test]
fn bytes_that_are_no_text_are_dropped() {
    let found = Read::of_stream("a.txt", &[0_u8, 1, 2, 3, 0, 0, 5, 6][..]);
    assert_eq!(found.reasons(), ["bytes in no known encoding"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_read_to_their_end(
        kind in 0..7_usize,
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let beginnings: [&[u8]; 7] = [
            b"", b"WARC/1.0\r\n", b"filedesc:", &[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3],
            &[0x28, 0xB5, 0x2F, 0xFD], b"PK\x03\x04", b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 40\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ];
        Read::of_stream("any", &[beginnings[kind], &bytes].concat()[..]);
    }
}
