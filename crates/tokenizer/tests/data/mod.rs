//! Where test data is found. The large files of DeepSeek are not part of the repository: they are
//! looked for beside it, and tests that need them say so and pass when they are not there.

#![allow(dead_code, unreachable_pub)] // Each test binary uses its part.

use std::io::Read;
use std::path::{Path, PathBuf};

use hadal_tokenizer::{Tokenizer, TrainSpec, train_byte_level_bpe};

/// The folder of DeepSeek's tokenizers, templates and golden files, if it is there.
pub fn deepseek() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/deepseek");
    if !folder.is_dir() {
        eprintln!("skipped: ../shared/data is not here");
        return None;
    }
    Some(folder)
}

/// The contents of a file that zstd compressed.
pub fn read_zst(path: &Path) -> Vec<u8> {
    let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    ruzstd::decoding::StreamingDecoder::new(std::io::BufReader::new(file))
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        .read_to_end(&mut bytes)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    bytes
}

/// The objects of a compressed file with one JSON object a line.
pub fn read_jsonl_zst(path: &Path) -> Vec<serde_json::Value> {
    let text = String::from_utf8(read_zst(path)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One of DeepSeek's tokenizers: `v2`, `v3` or `v4`.
pub fn deepseek_tokenizer(folder: &Path, version: &str) -> Tokenizer {
    let folder = folder.join("tokenizer");
    let definition = read_zst(&folder.join(format!("{version}.tokenizer.json.zst")));
    let config = std::fs::read(folder.join(format!("{version}.tokenizer_config.json"))).unwrap();
    Tokenizer::from_bytes(&definition, Some(&config)).unwrap()
}

/// The folder of the golden files in the repository.
pub fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// A small tokenizer, trained on the spot on a few paragraphs of English and Chinese.
pub fn small() -> Tokenizer {
    let text = std::fs::read_to_string(goldens().join("paragraphs.txt")).unwrap();
    train_byte_level_bpe(text.lines().map(String::from), &TrainSpec::new(512)).unwrap()
}
