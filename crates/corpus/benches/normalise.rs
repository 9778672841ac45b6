//! Sentences a second of one core: `cargo bench -p hadal-corpus --bench normalise -- FILE LANG`, for
//! a file of JSON lines with a `text` each, plain or compressed by zstd. With `spoken` or `written`
//! behind it, texts are rewritten as they are spoken or written instead.
//!
//! The time counted is that of the core alone, so that a busy machine gives the same figure.

use std::io::Read as _;

use hadal_corpus::normalise::{Lang, Options, normalise};
use hadal_corpus::spoken::{self, Direction};

/// Nanoseconds this thread has run.
fn core_time_ns() -> u64 {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    line.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let (file, code, to) = match words.as_slice() {
        [file, code] => (file, code, None),
        [file, code, to] if to == "spoken" => (file, code, Some(Direction::ToSpoken)),
        [file, code, to] if to == "written" => (file, code, Some(Direction::ToWritten)),
        _ => {
            println!(
                "usage: cargo bench -p hadal-corpus --bench normalise -- FILE LANG [spoken|written]"
            );
            return;
        }
    };
    let lang = Lang::from_code(code).expect("rules stand for en and zh");
    let bytes = std::fs::read(file).expect("the file is readable");
    let mut text = String::new();
    if file.ends_with(".zst") {
        let mut decoder =
            ruzstd::decoding::StreamingDecoder::new(bytes.as_slice()).expect("the file is zstd");
        decoder.read_to_string(&mut text).expect("the file is UTF-8");
    } else {
        text = String::from_utf8(bytes).expect("the file is UTF-8");
    }
    let reference = Some("2016-11-07T00:00:00".parse().expect("a date and time"));
    let options = Options { lang, reference, half_width: true, places: false };
    let rewrite = |text: &str| match to {
        None => normalise(text, &options).text,
        Some(direction) => spoken::rewrite(text, &spoken::Options::new(lang, direction)),
    };
    let mut sentences: Vec<String> = Vec::new();
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        let text = record["text"].as_str().unwrap_or("");
        let pieces = text.split_inclusive(['.', '。', '\n']);
        sentences.extend(pieces.filter(|piece| piece.trim().len() > 10).map(str::to_owned));
        if sentences.len() > 30_000 {
            break;
        }
    }
    // Rules, names of places and the dictionary of words are read on the first call.
    rewrite("one day in 北京");
    let started = core_time_ns();
    let mut n_rewritten = 0;
    for sentence in &sentences {
        n_rewritten += usize::from(rewrite(sentence) != *sentence);
    }
    let seconds = (core_time_ns() - started) as f64 / 1e9;
    println!(
        "{:.0} sentences/s of a core; {} sentences, {n_rewritten} rewritten",
        sentences.len() as f64 / seconds,
        sentences.len()
    );
}
