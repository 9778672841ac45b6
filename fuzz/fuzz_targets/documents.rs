//! Any bytes as documents, in each form: records or one error, in bounded memory.
#![no_main]

use hadal_train::documents;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.txt", "a.jsonl", "a.jsonl.zst"] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        if let Ok(records) = documents(&path) {
            records.take(1000).for_each(drop);
        }
    }
});
