//! Any bytes as conversations: records or one error, in bounded memory.
#![no_main]

use hadal_train::conversations;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.jsonl", "a.jsonl.zst"] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        if let Ok(records) = conversations(&path) {
            records.take(1000).for_each(drop);
        }
    }
});
