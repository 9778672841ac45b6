//! A training run whose disk fills while it writes a checkpoint.
//!
//! A limit on the size of files stands for the full disk: a write beyond it fails half-way, as a
//! write to a full disk does.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

use hadal_model::Checkpoint;

use crate::harness::{VOCAB_SIZE, write_tiny};

const RECIPE: &str = r#"
tokenizer = "tokenizer"

[model]
model_type = "deepseek_v3"
vocab_size = VOCABULARY
hidden_size = 128
num_hidden_layers = 1
num_attention_heads = 2
kv_lora_rank = 16
qk_nope_head_dim = 16
qk_rope_head_dim = 8
v_head_dim = 16
intermediate_size = 256
max_position_embeddings = 32

[data]
train = ["text.txt"]

[batch]
sequences = 1
length = 16

[schedule]
steps = STEPS
warm_up = 1
learning_rate = 0.001

[output]
folder = "run"
save_every = 2
"#;

#[test]
fn a_full_disk_ends_training_with_the_checkpoints_before_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_tiny(&path.join("tokenizer"), |_| ());
    fs::write(path.join("text.txt"), "The sea is deep, and cold, and dark. ".repeat(40)).unwrap();
    let recipe = |steps: &str| {
        let vocabulary = VOCAB_SIZE.to_string();
        let text = RECIPE.replace("VOCABULARY", &vocabulary).replace("STEPS", steps);
        fs::write(path.join("recipe.toml"), text).unwrap();
    };
    recipe("2");
    let (code, message) = train(path, "unlimited", "");
    assert_eq!(code, Some(0), "{message}");
    let training = path.join("run/checkpoint-0000002/training.safetensors");
    // A quarter of the file where a block has 512 bytes, as in dash; half of it in bash.
    let blocks = fs::metadata(&training).unwrap().len() / 512 / 4;

    recipe("4");
    let (code, message) = train(path, &blocks.to_string(), "--resume");
    assert_eq!(code, Some(1), "{message}");
    assert!(message.contains("training.safetensors: File too large"), "{message}");
    Checkpoint::open(&path.join("run/checkpoint-0000002")).unwrap().check_finite().unwrap();
    assert!(!path.join("run/checkpoint-0000004").exists());
    assert!(!path.join("run/checkpoint-0000004.partial").exists());

    let (code, message) = train(path, "unlimited", "--resume");
    assert_eq!(code, Some(0), "with room again, the run goes on: {message}");
    Checkpoint::open(&path.join("run/checkpoint-0000004")).unwrap();
}

/// Trains with files limited to `blocks`; gives the exit code and standard error.
fn train(folder: &Path, blocks: &str, flag: &str) -> (Option<i32>, String) {
    let script = "trap '' XFSZ; ulimit -f \"$1\"; exec \"$2\" train \"$3\" --threads 1 $4";
    let output = Command::new("sh")
        .args(["-c", script, "sh", blocks, env!("CARGO_BIN_EXE_hadal")])
        .arg(folder.join("recipe.toml"))
        .arg(flag)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
