//! Public suites, which stand beside the repository.

use std::io::Read as _;
use std::path::PathBuf;

use serde_json::Value;

/// The file of that name among the shared data, or `None`, with a word about it, where it is not.
pub(crate) fn file(name: &str) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let Ok(bytes) = std::fs::read(&root) else {
        println!("skipped: {name} is not beside the repository");
        return None;
    };
    if !name.ends_with(".zst") {
        return Some(String::from_utf8(bytes).unwrap());
    }
    let mut text = String::new();
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(bytes.as_slice()).unwrap();
    decoder.read_to_string(&mut text).unwrap();
    Some(text)
}

/// Its lines, as JSON.
pub(crate) fn lines(name: &str) -> Option<Vec<Value>> {
    Some(file(name)?.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}
