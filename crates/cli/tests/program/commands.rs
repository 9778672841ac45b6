//! Each command on the model inside the program and on tiny models.

use std::fs;
use std::process::{Command, Stdio};

use crate::harness::{VOCAB_SIZE, hadal, run, run_json, write_tiny};
use hadal_model::read_safetensors;
use tempfile::tempdir;

#[test]
fn every_command_has_help() {
    for command in [
        &["chat"][..],
        &["generate"],
        &["inspect"],
        &["eval"],
        &["export"],
        &["logits"],
        &["train"],
        &["train", "plot"],
        &["bench"],
        &["bench", "train"],
        &["tokenizer"],
        &["tokenizer", "train"],
        &["tokenizer", "encode"],
        &["tokenizer", "decode"],
    ] {
        let help = run(&[command, &["--help"]].concat(), "");
        assert!(help.contains("Usage: hadal"), "{command:?}: {help}");
    }
}

#[test]
fn a_seed_gives_the_same_text_again() {
    let args = ["generate", "--prompt", "The sea", "--max-tokens", "12", "--seed", "5"];
    let first = run(&args, "");
    assert_eq!(run(&args, ""), first);
    assert!(first.ends_with('\n') && first.len() > 1);
    let from_pipe = ["generate", "--max-tokens", "12", "--seed", "5"];
    assert_eq!(run(&from_pipe, "The sea"), first);
}

#[test]
fn drafts_change_no_token() {
    let prompt = "one two three four, one two three four, one two three";
    let generate = |draft: &str, rest: &[&str]| {
        let args = ["generate", "--prompt", prompt, "--max-tokens", "60", "--json", "--draft"];
        run_json(&[&args[..], &[draft], rest].concat())
    };
    for rest in [&["--temperature", "0"][..], &["--seed", "7"]] {
        let plain = generate("none", rest);
        assert_eq!(plain["usage"]["drafted_tokens"], 0);
        for draft in ["lookup", "multi-token", "auto"] {
            let found = generate(draft, rest);
            assert_eq!(found["ids"], plain["ids"], "--draft {draft} {rest:?}");
            let (drafted, accepted) =
                (&found["usage"]["drafted_tokens"], &found["usage"]["accepted_tokens"]);
            assert!(accepted.as_u64().unwrap() <= drafted.as_u64().unwrap());
        }
    }
    let greedy = generate("lookup", &["--temperature", "0"]);
    assert!(greedy["usage"]["drafted_tokens"].as_u64().unwrap() > 0, "{greedy}");
}

#[test]
fn a_layer_that_a_model_lacks_is_named() {
    let folder = tempdir().unwrap();
    write_tiny(folder.path(), |_| ());
    let model = folder.path().to_str().unwrap();
    let ran = hadal(&["generate", model, "--prompt", "the", "--draft", "multi-token"], "");
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("no multi-token-prediction layer"), "{}", ran.stderr);
}

#[test]
fn generate_reports_in_json() {
    let folder = tempdir().unwrap();
    write_tiny(folder.path(), |_| {});
    let model = folder.path().to_str().unwrap();
    let args = ["generate", model, "--prompt", "the", "--json", "--seed", "4", "--max-tokens", "9"];
    let report = run_json(&args);
    let usage = &report["usage"];
    let (n_prompt, n_generated) = (&usage["prompt_tokens"], &usage["generated_tokens"]);
    assert_eq!(report["ids"].as_array().unwrap().len() as u64, n_generated.as_u64().unwrap());
    assert_eq!(
        n_prompt.as_u64().unwrap() + n_generated.as_u64().unwrap(),
        usage["total_tokens"].as_u64().unwrap()
    );
    assert_eq!(report["seed"], 4);
    assert!(["length", "end_of_text"].contains(&report["finish_reason"].as_str().unwrap()));
    assert!(report["tokens_per_second"].as_f64().unwrap() >= 0.0);
    let text = run(&["generate", model, "--prompt", "the", "--seed", "4", "--max-tokens", "9"], "");
    assert_eq!(text, format!("{}\n", report["text"].as_str().unwrap()));
}

#[test]
fn a_stop_string_ends_the_text() {
    let args = ["generate", "--prompt", "The sea", "--max-tokens", "20", "--seed", "5"];
    let whole = run(&args, "");
    let stop: String = whole.trim_end().chars().filter(|c| c.is_alphanumeric()).take(1).collect();
    let report = run_json(&[&args[..], &["--json", "--stop", &stop]].concat());
    assert_eq!((&report["finish_reason"], &report["stop"]), (&"stop".into(), &stop.clone().into()));
    assert_eq!(report["text"].as_str().unwrap(), &whole[..whole.find(&stop).unwrap()]);
}

#[test]
fn inspect_counts_and_shows_where_a_text_goes() {
    let folder = tempdir().unwrap();
    write_tiny(folder.path(), |_| {});
    let model = folder.path().to_str().unwrap();
    let report = run_json(&["inspect", model, "--text", "the ocean", "--json"]);
    let parameters = &report["parameters"];
    assert_eq!(parameters["embedding"], VOCAB_SIZE * 32);
    assert_eq!(parameters["routed"], 4 * 3 * 32 * 32);
    let (total, active) = (&parameters["total"], &parameters["active"]);
    // Two of the four experts rest.
    assert_eq!(total.as_u64().unwrap() - active.as_u64().unwrap(), 2 * 3 * 32 * 32);
    assert_eq!(report["stored"]["f32"], *total);
    let topology = &report["topology"];
    let n_tokens = topology["tokens"].as_array().unwrap().len();
    assert_eq!(topology["layers"][0]["layer"], 1);
    assert_eq!(topology["layers"][0]["choices"].as_array().unwrap().len(), n_tokens);
    let load = topology["layers"][0]["load"].as_array().unwrap();
    assert_eq!(load.iter().map(|n| n.as_u64().unwrap()).sum::<u64>(), 2 * n_tokens as u64);

    let text = run(&["inspect", "--text", "深 sea\n"], "");
    for part in ["parameters", "latent", "choice 1", "visited"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn eval_measures_the_same_documents_in_every_form() {
    let folder = tempdir().unwrap();
    let model = folder.path().join("model");
    write_tiny(&model, |_| {});
    let model = model.to_str().unwrap();
    let line = "the hadal zone is deep";
    let json_lines = format!("{{\"text\":\"{line}\"}}\n{{\"text\":\"{line}\"}}\n");
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let packed = ruzstd::encoding::compress_to_vec(json_lines.as_bytes(), level);
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let text = write("a.txt", line.as_bytes());
    let lines = write("a.jsonl", json_lines.as_bytes());
    let packed = write("a.jsonl.zst", &packed);
    let twice = run_json(&["eval", model, &text, &text, "--json"]);
    for file in [&lines, &packed] {
        let report = run_json(&["eval", model, file, "--json"]);
        assert_eq!(report, twice);
    }
    assert_eq!((&twice["bytes"], &twice["documents"]), (&(2 * line.len()).into(), &2.into()));
    // Fresh weights are about as good as any choice of all tokens.
    let nats = twice["nats_per_token"].as_f64().unwrap();
    assert!((nats - (VOCAB_SIZE as f64).ln()).abs() < 0.5, "{nats}");
    let bits = nats * twice["tokens"].as_f64().unwrap() / 2f64.ln();
    let bits_per_byte = twice["bits_per_byte"].as_f64().unwrap();
    assert!((bits / (2 * line.len()) as f64 - bits_per_byte).abs() < 1e-9);

    let one = run_json(&["eval", model, &lines, "--max-documents", "1", "--json"]);
    assert_eq!(one["documents"], 1);
    let some = run_json(&["eval", model, &lines, "--max-tokens", "5", "--json"]);
    assert_eq!(some["tokens"], 5);
    let windows = run_json(&["eval", model, &lines, "--context", "4", "--json"]);
    assert_eq!(windows["tokens"], twice["tokens"]);
}

#[test]
fn logits_are_written_with_their_ids() {
    let folder = tempdir().unwrap();
    write_tiny(folder.path(), |_| {});
    let model = folder.path().to_str().unwrap();
    let [by_text, by_ids, by_file] =
        ["text", "ids", "file"].map(|name| folder.path().join(name).with_extension("safetensors"));
    run(&["logits", model, "--text", "the", "-o", by_text.to_str().unwrap()], "");
    let tensors = read_safetensors(&by_text).unwrap();
    let ids = tensors["ids"].as_slice::<i32>();
    assert_eq!((ids[0], tensors["logits"].dims()), (0, &[ids.len(), VOCAB_SIZE][..]));

    // Ids need no tokenizer.
    fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    let list: Vec<String> = ids.iter().map(i32::to_string).collect();
    run(&["logits", model, "--ids", &list.join(","), "-o", by_ids.to_str().unwrap()], "");
    let ids_file = folder.path().join("ids.txt");
    fs::write(&ids_file, list.join("\n")).unwrap();
    let ids_file = ids_file.to_str().unwrap();
    run(&["logits", model, "--ids-file", ids_file, "-o", by_file.to_str().unwrap()], "");
    for path in [by_ids, by_file] {
        assert_eq!(fs::read(path).unwrap(), fs::read(&by_text).unwrap());
    }
}

#[test]
fn the_reference_device_agrees() {
    let folder = tempdir().unwrap();
    write_tiny(folder.path(), |_| {});
    let model = folder.path().to_str().unwrap();
    let read = |device: &str| {
        let path = folder.path().join(device);
        let (ids, path) = ("0,5,260,9", path.to_str().unwrap());
        run(&["logits", model, "--ids", ids, "--device", device, "-o", path], "");
        read_safetensors(path.as_ref()).unwrap()["logits"].to_f32_vec()
    };
    for (cpu, reference) in read("cpu").into_iter().zip(read("reference")) {
        assert!((cpu - reference).abs() < 1e-3, "{cpu} {reference}");
    }
}

#[test]
fn chat_answers_each_line_of_a_pipe() {
    let args = ["chat", "--seed", "1", "--max-tokens", "5"];
    let ran = hadal(&args, "hello\n\n/help\n/reset\nhello\n/quit\nnot read\n");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for part in ["/quit", "forgotten"] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    let first = hadal(&args, "hello\n").stdout;
    assert!(first.len() > 1 && ran.stdout.starts_with(&first), "{first:?} {:?}", ran.stdout);
}

#[test]
fn a_model_without_a_chat_template_continues_text() {
    let folder = tempdir().unwrap();
    write_tiny(folder.path(), |_| {});
    fs::remove_file(folder.path().join("tokenizer_config.json")).unwrap();
    let args = ["chat", folder.path().to_str().unwrap(), "--max-tokens", "3"];
    let ran = hadal(&args, "the deep\nand\n");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("no chat template").count(), 1, "{}", ran.stderr);
}

#[test]
fn a_long_conversation_forgets_its_beginning() {
    let folder = tempdir().unwrap();
    write_tiny(folder.path(), |_| {});
    let args = ["chat", folder.path().to_str().unwrap(), "--max-tokens", "30", "--seed", "1"];
    let ran = hadal(&args, &"the hadal zone\n".repeat(8));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("no longer fits"), "{}", ran.stderr);
}

#[test]
fn a_tokenizer_is_trained_and_used() {
    let folder = tempdir().unwrap();
    let text = folder.path().join("a.txt");
    fs::write(&text, "the deep sea, the deep sea, the deep sea").unwrap();
    let output = folder.path().join("tokenizer");
    let (text, output) = (text.to_str().unwrap(), output.to_str().unwrap());
    run(&["tokenizer", "train", text, "--vocab-size", "280", "-o", output], "");
    let ids = run(&["tokenizer", "encode", output, "--text", "the deep 海"], "");
    assert_eq!(run(&["tokenizer", "decode", output], &ids), "the deep 海\n");
    let special = run(&["tokenizer", "encode", output, "--special"], "the deep 海");
    assert_eq!(special, ids.replace('[', "[0,"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hadal"))
        .args(["generate", "--prompt", "The sea", "--max-tokens", "60", "--seed", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}
