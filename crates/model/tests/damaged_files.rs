//! Damaged checkpoints: one clear sentence each, and never a panic.

use std::fs;
use std::path::Path;

use hadal_model::{Checkpoint, Config, WeightSource, initialise, write_safetensors};
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

/// A whole checkpoint of a tiny model.
fn checkpoint() -> TempDir {
    let config = Config::from_value(json!({
        "model_type": "deepseek_v2", "vocab_size": 8, "hidden_size": 4, "num_hidden_layers": 2,
        "num_attention_heads": 1, "kv_lora_rank": 4, "qk_nope_head_dim": 2, "qk_rope_head_dim": 2,
        "v_head_dim": 2, "n_routed_experts": 2, "num_experts_per_tok": 1,
        "moe_intermediate_size": 2, "first_k_dense_replace": 1, "intermediate_size": 4,
        "max_position_embeddings": 16
    }))
    .expect("it is sound");
    let folder = tempfile::tempdir().expect("a folder");
    let weights: Vec<_> =
        initialise(&config, 1).into_iter().map(|(p, tensor)| (p.name, tensor)).collect();
    write_safetensors(&folder.path().join("model.safetensors"), &weights).expect("it is written");
    fs::write(folder.path().join("config.json"), config.json.to_string()).expect("it is written");
    folder
}

fn message(folder: &Path) -> String {
    match Checkpoint::open(folder) {
        Ok(_) => "it opens".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_damage_is_named() {
    type Damage = fn(&Path);
    let cases: [(&str, Damage, &str); 7] = [
        ("none", |_| (), "it opens"),
        (
            "no weights",
            |folder| fs::remove_file(folder.join("model.safetensors")).unwrap(),
            "model.safetensors",
        ),
        (
            "truncated",
            |folder| {
                let path = folder.join("model.safetensors");
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
            },
            "not a whole safetensors file",
        ),
        (
            "an empty file",
            |folder| fs::write(folder.join("model.safetensors"), b"").unwrap(),
            "model.safetensors",
        ),
        (
            "another shape",
            |folder| edit_config(folder, "intermediate_size", json!(6)),
            "`model.layers.0.mlp.gate_proj.weight` is [4, 4]; the configuration asks for [6, 4]",
        ),
        (
            "a missing expert",
            |folder| edit_config(folder, "n_routed_experts", json!(3)),
            "asks for [3, 4]",
        ),
        (
            "an index that leaves the folder",
            |folder| {
                let index = json!({"weight_map": {"a": "../b.safetensors"}});
                fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
            },
            "not a file beside it",
        ),
    ];
    for (name, damage, expected) in cases {
        let folder = checkpoint();
        damage(folder.path());
        let message = message(folder.path());
        assert!(message.contains(expected), "{name}: {message}");
    }
}

fn edit_config(folder: &Path, key: &str, value: serde_json::Value) {
    let path = folder.join("config.json");
    let mut config: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("it is there")).expect("it is JSON");
    config[key] = value;
    fs::write(path, config.to_string()).expect("it is written");
}

#[test]
fn values_that_are_not_numbers_are_found() {
    let folder = checkpoint();
    let path = folder.path().join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let checkpoint = Checkpoint::open(folder.path()).expect("its form is whole");
    let message = checkpoint.check_finite().expect_err("it holds a NaN").to_string();
    assert!(message.contains("is not a finite number"), "{message}");
}

#[test]
fn a_file_that_is_cut_while_it_is_open_is_named() {
    let folder = checkpoint();
    let path = folder.path().join("model.safetensors");
    let weights = Checkpoint::open(folder.path()).unwrap().weights();
    weights.layer(1).expect("nothing has changed");
    // Replaced by renaming, the old file is still there for whoever has it open.
    fs::copy(&path, folder.path().join("other")).unwrap();
    fs::rename(folder.path().join("other"), &path).unwrap();
    weights.layer(1).expect("its file is whole");

    let weights = Checkpoint::open(folder.path()).unwrap().weights();
    let cut = std::thread::spawn(move || {
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(64).unwrap();
    });
    // Whoever cuts it may have to wait for the next question after the file, which is refused.
    let message = loop {
        if let Err(error) = weights.layer(1) {
            break error.to_string();
        }
    };
    cut.join().expect("it was cut");
    assert!(message.contains("model.safetensors was changed while it was open"), "{message}");
    weights.head().expect_err("its file is cut");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn flipped_bits_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..8), 1..4)) {
        let folder = checkpoint();
        let path = folder.path().join("model.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        // The header is where a flip can do harm; beyond it, it changes a number.
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        for (place, bit) in flips {
            bytes[place.index(header)] ^= 1 << bit;
        }
        fs::write(&path, bytes).unwrap();
        let _ = message(folder.path());
    }
}
