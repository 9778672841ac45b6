//! How fast pages become texts, on one core:
//!
//! ```sh
//! cargo bench -p hadal-corpus --bench pages -- [PAGES.jsonl]
//! ```
//!
//! Without a file, the pages are those of the shared data; `benches/peers/page_extraction` measures
//! two libraries on the same file.

use std::io::Read as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hadal_corpus::extract::extract;
use ruzstd::decoding::StreamingDecoder;
use serde_json::Value;

const ROUNDS: usize = 3;

fn main() {
    let file = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let bytes = match file {
        Some(file) => std::fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}")),
        None => match shared_pages() {
            Some(bytes) => bytes,
            None => return println!("skipped: there are no shared pages, and no file was named"),
        },
    };
    let pages: Vec<Value> = bytes
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a JSON line"))
        .collect();
    let html: Vec<&str> =
        pages.iter().filter_map(|page| page["html"].as_str().or(page["source"].as_str())).collect();
    let n_bytes: usize = html.iter().map(|html| html.len()).sum();
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for html in &html {
            std::hint::black_box(extract(html, None));
        }
        best = best.min(start.elapsed());
    }
    println!(
        "{} pages, {:.0} KB each: {:.0} pages/s, {:.0} MB/s",
        html.len(),
        n_bytes as f64 / html.len() as f64 / 1e3,
        html.len() as f64 / best.as_secs_f64(),
        n_bytes as f64 / best.as_secs_f64() / 1e6
    );
}

fn shared_pages() -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/webextract/article_extraction_benchmark.public.jsonl.zst");
    let packed = std::fs::read(path).ok()?;
    let mut bytes = Vec::new();
    StreamingDecoder::new(&packed[..]).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
