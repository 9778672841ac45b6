//! Any bytes as a shard of tokens: an error, or documents that lie within it.
#![no_main]

use hadal_train::Shards;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("0000.safetensors");
    std::fs::write(&path, bytes).expect("written");
    if let Ok(shards) = Shards::of_file(&path) {
        for index in 0..shards.n_documents().min(100) {
            let (ids, targets) = shards.document(index);
            assert_eq!(ids.len(), targets.len());
        }
        assert_eq!(shards.documents().map(|(tokens, _)| tokens.len()).sum::<usize>(), shards.n_tokens());
        for index in 0..shards.n_windows(3).min(100) {
            assert_eq!(shards.window(index, 3).0.len(), 4);
        }
    }
});
