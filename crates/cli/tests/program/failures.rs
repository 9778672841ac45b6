//! What goes wrong, and how the program says so.

use std::fs;
use std::path::Path;

use crate::harness::{hadal, write_tiny};
use hadal_tensor::Tensor;
use tempfile::tempdir;

/// Runs `hadal` and checks its exit code and what it says.
fn check(args: &[&str], code: i32, expected: &str) {
    let ran = hadal(args, "");
    assert_eq!(ran.code, code, "{args:?}: {}", ran.stderr);
    assert!(ran.stderr.contains(expected), "{args:?}: {}", ran.stderr);
    assert_eq!(ran.stdout, "", "{args:?}");
    if code == 1 {
        // One sentence on one line, and no backtrace.
        let is_one_line = ran.stderr.trim_end().lines().count() == 1;
        assert!(is_one_line && ran.stderr.starts_with("hadal: error: "), "{}", ran.stderr);
    }
}

#[test]
fn what_cannot_be_asked_or_found_is_said() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (text, empty, broken) = (path("a.txt"), path("empty.jsonl"), path("broken.jsonl"));
    fs::write(&text, "the sea").unwrap();
    fs::write(&empty, "").unwrap();
    fs::write(&broken, "{\"text\":").unwrap();
    let (here, out, missing) = (path("."), path("out.safetensors"), path("missing"));
    for (args, code, expected) in [
        (&[][..], 2, "Usage: hadal"),
        (&["dive"], 2, "unrecognized subcommand 'dive'"),
        (&["generate", "--prompt", "a", "--depth", "3"], 2, "unexpected argument '--depth'"),
        (&["generate", "--prompt", "a", "--prompt-file", "b"], 2, "cannot be used with"),
        (&["generate", "--prompt", "a", "--temperature", "-1"], 2, "`temperature` is -1"),
        (&["generate", "--prompt", "a", "--temperature", "hot"], 2, "invalid value 'hot'"),
        (&["generate", "--prompt", "a", "--top-p", "1.5"], 2, "`top_p` is 1.5"),
        (&["generate", "--prompt", "a", "--min-p", "2"], 2, "`min_p` is 2"),
        (&["generate", "--prompt", "a", "--repetition-penalty", "0"], 2, "`repetition_penalty`"),
        (&["generate", "--prompt", "a", "--stop", ""], 2, "`stop` is an empty string"),
        (&["generate", "--prompt", "a", "--max-tokens", "0"], 2, "0 is not in 1.."),
        (&["generate", "--prompt", "a", "--threads", "0"], 2, "0 is not in 1..=1024"),
        (&["generate", "--prompt", "a", "--context", "99999999"], 2, "--context is 99999999"),
        (&["chat", "--top-k", "-1"], 2, "invalid value '-1'"),
        (
            &["generate", "--prompt", "a", "--device", "reference", "--threads", "2"],
            2,
            "--threads is for --device cpu",
        ),
        (&["generate", "--device", "abacus"], 2, "possible values: cpu, reference"),
        (&["generate", &missing, "--prompt", "a"], 1, "there is no model folder"),
        (&["generate", &here, "--prompt", "a"], 1, "config.json: No such file"),
        (&["generate", "--prompt-file", &missing], 1, "missing: No such file"),
        (&["chat", &missing], 1, "a model is a Hugging Face folder"),
        (&["inspect", &text], 1, "there is no model folder"),
        (&["eval"], 2, "[MODEL] FILES"),
        (&["eval", &here], 2, "there is nothing to measure on"),
        (&["eval", &text, &here], 2, "only the first path may be one"),
        (&["eval", &missing], 1, "missing: No such file"),
        (&["eval", &empty], 1, "there is nothing to predict"),
        (&["eval", &broken], 1, "broken.jsonl, record 1"),
        (&["eval", &text, "--context", "0"], 2, "--context is 0"),
        (&["logits", "-o", &out], 2, "--text"),
        (&["logits", "--text", "a", "--ids", "1", "-o", &out], 2, "cannot be used with"),
        (&["logits", "--text", "a"], 2, "--output"),
        (&["logits", "--ids", "1,b", "-o", &out], 2, "\"b\" is not a token id"),
        (&["logits", "--ids", "9999999", "-o", &out], 1, "token 9999999 is not in the vocabulary"),
        (&["tokenizer", "train", &text, "-o", &out], 2, "--vocab-size"),
        (&["tokenizer", "train", &text, "--vocab-size", "9", "-o", &out], 2, "at least 264"),
        (&["tokenizer", "train", &empty, "--vocab-size", "300", "-o", &out], 1, "hold no text"),
        (&["tokenizer", "decode", "--ids", "9999999"], 1, "no token has the id 9999999"),
        (&["tokenizer", "encode", &here], 1, "tokenizer.json: No such file"),
        (&["train", &missing], 1, "missing: No such file"),
    ] {
        check(args, code, expected);
    }
}

/// A tiny model after `damage`, and what the program then says of it.
fn check_damaged(damage: impl FnOnce(&Path), expected: &str) {
    let folder = tempdir().unwrap();
    write_tiny(folder.path(), |_| {});
    damage(folder.path());
    let model = folder.path().to_str().unwrap();
    check(&["generate", model, "--prompt", "the", "--seed", "1"], 1, expected);
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from}: {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_damaged_model_is_one_sentence() {
    let weights = |folder: &Path| folder.join("model.safetensors");
    let whole = "is not a whole safetensors file";
    check_damaged(|f| edit(&weights(f), |bytes| bytes.truncate(bytes.len() - 1)), whole);
    check_damaged(|f| edit(&weights(f), |bytes| bytes.truncate(100)), whole);
    check_damaged(|f| edit(&weights(f), Vec::clear), "model.safetensors");
    check_damaged(|f| edit(&weights(f), |bytes| bytes[6] ^= 1), whole);
    check_damaged(|f| edit(&weights(f), |bytes| bytes[8] ^= 1), whole);
    check_damaged(|f| fs::remove_file(weights(f)).unwrap(), "model.safetensors: No such file");

    let config = |folder: &Path| folder.join("config.json");
    let wider = "[270, 32]; the configuration asks for [270, 64]";
    check_damaged(|f| replace(&config(f), "\"hidden_size\": 32", "\"hidden_size\": 64"), wider);
    check_damaged(|f| replace(&config(f), "hidden_size", "hidden_width"), "`hidden_size`");
    check_damaged(|f| replace(&config(f), "{", "["), "config.json is not valid");

    let tokenizer = |folder: &Path| folder.join("tokenizer.json");
    check_damaged(|f| replace(&tokenizer(f), "{", "["), "tokenizer.json");
    check_damaged(|f| fs::remove_file(tokenizer(f)).unwrap(), "tokenizer.json: No such file");
}

#[test]
fn weights_that_are_not_numbers_are_named() {
    let folder = tempdir().unwrap();
    write_tiny(folder.path(), |weights| {
        let norm = weights.iter_mut().find(|(name, _)| name == "model.norm.weight").unwrap();
        norm.1 = Tensor::from_slice(&[f32::NAN; 32], &[32]);
    });
    let model = folder.path().to_str().unwrap();
    let text = folder.path().join("a.txt");
    fs::write(&text, "the sea").unwrap();
    let expected = "`model.norm.weight` holds a value that is not a finite number";
    check(&["generate", model, "--prompt", "the"], 1, expected);
    check(&["eval", model, text.to_str().unwrap()], 1, expected);
}
