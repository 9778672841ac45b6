//! Any bytes as a source of records: web archive, packed stream, archive, lines or text.
#![no_main]

use hadal_corpus::read::read_stream;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for name in ["a.warc", "a.jsonl", "a.html"] {
        read_stream(name, bytes, &mut |_| Ok(())).expect("only what takes the records can fail");
    }
});
