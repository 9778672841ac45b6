//! Files made to break a run: each is dropped with its reason, and the rest goes on.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::sea::{made, text};

#[test]
fn what_is_wrong_with_a_file_is_told_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, bytes: &[u8]| fs::write(folder.path().join("in").join(name), bytes).unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    let gzip = |bytes: &[u8]| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let line = |number| serde_json::json!({ "text": text(number) }).to_string() + "\n";
    let mut broken = gzip(line(1).repeat(50).as_bytes());
    let half = broken.len() / 2;
    broken[half..].fill(0xA5);
    write("a-broken.jsonl.gz", &broken);
    write("b-bomb.jsonl.gz", &gzip(&gzip(&vec![b' '; 200 << 20])));
    write("c-deep.html", ("<div>".repeat(200_000) + "<p>deep").as_bytes());
    write("d-noise.txt", &(0..=255).cycle().take(5000).collect::<Vec<u8>>());
    write("e-not.parquet", b"PAR1 and nothing else PAR1");
    write("f-broken.warc", b"WARC/1.0\r\nContent-Length: 99999999999999999999\r\n\r\nx");
    write("g-broken.zip", b"PK\x03\x04 and nothing else");
    write(
        "h-lines.jsonl",
        &[line(2).as_bytes(), b"{\"text\": 5}\n[1]\n\xFF\n", line(3).as_bytes()].concat(),
    );
    write("i-empty.jsonl", b"");
    let recipe = "output = 'out'\n[[source]]\nname = 'all'\npaths = ['in']\n[extract]\n[dedup]\n";
    fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
    let (summary, _) = made(folder.path());
    assert!(summary.n_left() >= 2, "{summary:?}");
    let reasons: Vec<&str> = summary.dropped.iter().map(|row| row.reason.as_str()).collect();
    for expected in [
        "corrupt gzip",
        "corrupt Parquet",
        "corrupt zip",
        "line is not a JSON record",
        "bytes in no known encoding",
    ] {
        assert!(reasons.contains(&expected), "{expected} in {reasons:?}");
    }
}
