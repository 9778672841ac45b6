//! Trains a tokenizer on text files, each line a text, and writes a Hugging Face folder.
//!
//! `cargo run --release -p hadal-tokenizer --example train_tokenizer -- OUT VOCAB_SIZE FILE...`

use std::path::Path;

use hadal_tokenizer::{TrainSpec, train_byte_level_bpe};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, vocab_size, files @ ..] = arguments.as_slice() else {
        return Err("usage: train_tokenizer OUT VOCAB_SIZE FILE...".into());
    };
    let mut lines = Vec::new();
    for file in files {
        lines.extend(std::fs::read_to_string(file)?.lines().map(String::from));
    }
    let spec = TrainSpec::new(vocab_size.parse()?);
    let tokenizer = train_byte_level_bpe(lines.into_iter(), &spec)?;
    tokenizer.save(Path::new(out))?;
    println!("{out}: {} tokens", tokenizer.vocab_size());
    Ok(())
}
