//! GGUF files: written by `hadal export`, and opened by every command as a folder is.

use std::fs;
use std::path::Path;

use crate::harness::{hadal, run, run_json};
use hadal_model::read_safetensors;
use tempfile::tempdir;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_file_computes_what_the_model_does() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let scores = |model: &[&str], name: &str| {
        let file = at(&format!("{name}.safetensors"));
        let said = ["--text", "The sea 深海 is 1234 m deep", "-o", text(&file)];
        run(&[&["logits"], model, &said[..]].concat(), "");
        let tensors = read_safetensors(&file).unwrap();
        (tensors["ids"].to_f32_vec(), tensors["logits"].to_f32_vec())
    };
    let model = at("model");
    run(&["export", "--dtype", "bf16", "-o", text(&model)], "");
    let expected = scores(&[text(&model)], "model");
    // Its weights are bf16, which the first two hold whole; f32 is multiplied in another order.
    for (dtype, within) in [("bf16", 0.0), ("f32", 1e-4), ("f16", 0.1), ("q8_0", 4.0)] {
        let file = at(&format!("{dtype}.gguf"));
        let args = ["--format", "gguf", "--dtype", dtype, "-o", text(&file), "--json"];
        let args = [&["export", text(&model)], &args[..]].concat();
        let report = run_json(&args);
        assert_eq!(report["bytes"].as_u64().unwrap(), fs::metadata(&file).unwrap().len());
        let found = scores(&[text(&file)], dtype);
        assert_eq!(found.0, expected.0, "{dtype}: the ids");
        for (a, b) in found.1.iter().zip(&expected.1) {
            assert!((a - b).abs() <= within, "{dtype}: {a} {b}");
        }
    }

    // A conversation needs the template and the special tokens of the file.
    let file = at("bf16.gguf");
    let chat = ["chat", text(&file), "--temperature", "0", "--max-tokens", "4"];
    run(&chat, "How deep?\n");
    // From the file to a folder and on, nothing is lost.
    let again = at("again");
    run(&["export", text(&file), "-o", text(&again)], "");
    assert_eq!(scores(&[text(&again)], "again"), expected);
}

#[test]
fn a_file_that_is_there_or_is_none_is_named() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("mine.gguf");
    fs::write(&file, "not a model").unwrap();
    let ran = hadal(&["export", "--format", "gguf", "-o", text(&file)], "");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("is there already"), "{}", ran.stderr);
    let ran = hadal(&["inspect", text(&file)], "");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("it is not a GGUF file: it begins with \"not \""),
        "{}",
        ran.stderr
    );
}
