//! Runs the program, and makes tiny models for it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use hadal_model::{Config, initialise};
use hadal_tensor::{DType, Tensor};
use hadal_tokenizer::{TrainSpec, train_byte_level_bpe};
use hadal_train::save_model;
use serde_json::{Value, json};

/// What the program did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `hadal` with arguments and `input` on standard input.
pub(crate) fn hadal(args: &[&str], input: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hadal"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that fails before it reads is not the test's failure.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    Ran {
        code: status.code().unwrap(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// Runs `hadal`, which must succeed, and gives what it printed.
pub(crate) fn run(args: &[&str], input: &str) -> String {
    let ran = hadal(args, input);
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
    ran.stdout
}

/// Runs `hadal`, which must succeed, and reads the one JSON document that it printed.
pub(crate) fn run_json(args: &[&str]) -> Value {
    let stdout = run(args, "");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {stdout}"))
}

/// Holds a model folder to continuing a text, one token at a time, which takes other paths through
/// the device than reading a window does. The best token each time: by chance a text may end at once.
pub(crate) fn assert_speaks(model: &Path) {
    let model = model.to_str().unwrap();
    let said =
        ["generate", model, "--prompt", "The sea", "--max-tokens", "8", "--temperature", "0"];
    let said = run(&said, "");
    assert!(said.trim().len() > 8, "{said}");
}

/// Tokens of the tiny models.
pub(crate) const VOCAB_SIZE: usize = 270;

/// The configuration of a tiny model.
pub(crate) fn tiny_config() -> Config {
    Config::from_value(json!({
        "model_type": "deepseek_v3", "vocab_size": VOCAB_SIZE, "hidden_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
        "max_position_embeddings": 96, "kv_lora_rank": 32, "qk_nope_head_dim": 16,
        "qk_rope_head_dim": 16, "v_head_dim": 16, "n_routed_experts": 4,
        "num_experts_per_tok": 2, "moe_intermediate_size": 32, "n_shared_experts": 1,
        "first_k_dense_replace": 1, "bos_token_id": 0, "eos_token_id": 1,
    }))
    .unwrap()
}

/// Writes a tiny model with random weights, after `change` has seen them.
pub(crate) fn write_tiny(folder: &Path, change: impl FnOnce(&mut Vec<(String, Tensor)>)) {
    let text = "the hadal zone is the deepest region of the ocean ".repeat(3);
    let tokenizer = train_byte_level_bpe([text].into_iter(), &TrainSpec::new(VOCAB_SIZE)).unwrap();
    assert_eq!(tokenizer.vocab_size(), VOCAB_SIZE);
    let config = tiny_config();
    let mut weights: Vec<(String, Tensor)> =
        initialise(&config, 1).into_iter().map(|(p, tensor)| (p.name, tensor)).collect();
    change(&mut weights);
    save_model(folder, &config, &weights, DType::F32, &tokenizer).unwrap();
}
