//! Any bytes as the records of each task: records or one error.
#![no_main]

use hadal_train::tasks::{Choice, LastWord, MinimalPair, records};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, bytes).expect("written");
    let _ = records::<MinimalPair>(&path);
    let _ = records::<LastWord>(&path);
    let _ = records::<Choice>(&path);
});
