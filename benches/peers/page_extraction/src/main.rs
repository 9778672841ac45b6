//! Extracts pages with a peer: records with `html` in, `{"id", "text"}` out, its speed to standard
//! error. Run it in turn with `cargo bench -p hadal-corpus --bench pages -- FILE`:
//!
//! ```sh
//! cargo run --release -- rs-trafilatura < pages.jsonl > texts.jsonl
//! ```

use std::io::BufRead as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

fn main() {
    let peer = std::env::args().nth(1).expect("the peer's name: rs-trafilatura or trafilatura");
    let (mut n_pages, mut took) = (0, Duration::ZERO);
    for line in std::io::stdin().lock().lines() {
        let page: Value = serde_json::from_str(&line.expect("a line")).expect("a JSON line");
        let html = page["html"].as_str().or(page["source"].as_str()).expect("a page");
        let start = Instant::now();
        let text = if peer == "rs-trafilatura" {
            let mut options = rs_trafilatura::Options::default();
            options.url = page["url"].as_str().map(str::to_owned);
            rs_trafilatura::extract_with_options(html, &options).map(|page| page.content_text).ok()
        } else {
            let options = trafilatura::Options::default();
            trafilatura::extract(html, &options).map(|page| page.content_text).ok()
        };
        took += start.elapsed();
        n_pages += 1;
        println!("{}", json!({"id": page["id"], "text": text.unwrap_or_default()}));
    }
    eprintln!("{peer}: {:.1} pages/s", f64::from(n_pages) / took.as_secs_f64());
}
