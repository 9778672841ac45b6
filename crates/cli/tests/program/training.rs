//! A run foretold, made, drawn; and training steps measured.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{VOCAB_SIZE, hadal, run, run_json, write_tiny};

const RECIPE: &str = r#"
tokenizer = "tokenizer"

[model]
model_type = "deepseek_v3"
vocab_size = VOCABULARY
hidden_size = 128
num_hidden_layers = 3
num_attention_heads = 4
kv_lora_rank = 32
qk_nope_head_dim = 32
qk_rope_head_dim = 16
v_head_dim = 32
intermediate_size = 256
first_k_dense_replace = 1
n_routed_experts = 8
num_experts_per_tok = 2
n_shared_experts = 1
moe_intermediate_size = 128
max_position_embeddings = 512

[data]
train = ["text.txt"]
validation = ["text.txt"]

[batch]
sequences = 8
length = 256

[schedule]
steps = 4
warm_up = 1
learning_rate = 0.001

[output]
folder = "run"
evaluate_every = 2
"#;

/// A folder with a recipe and what it needs; `edit` changes the recipe.
fn workshop(edit: impl FnOnce(String) -> String) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    write_tiny(&folder.path().join("tokenizer"), |_| ());
    let text = "The sea is deep, and cold, and dark. ".repeat(400);
    fs::write(folder.path().join("text.txt"), text).unwrap();
    let recipe = folder.path().join("recipe.toml");
    let text = RECIPE.replace("VOCABULARY", &VOCAB_SIZE.to_string());
    fs::write(&recipe, edit(text)).unwrap();
    (folder, recipe)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn a_dry_run_foretells_and_the_run_keeps_to_it() {
    let (folder, recipe) = workshop(|text| text);
    let recipe = recipe.to_str().unwrap();
    let plan = run_json(&["train", recipe, "--dry-run", "--threads", "1", "--json"]);
    assert!(!folder.path().join("run").exists(), "a dry run writes nothing");
    assert_eq!(plan["tokens"], 4 * 8 * 256);
    assert_eq!(plan["timed_by"], "two_steps");
    assert_eq!(plan["data"]["is_estimate"], true);
    let step = number(&plan["flops_per_step"]);
    assert_eq!(number(&plan["flops"]), 4.0 * step);
    // Six for each active parameter that is multiplied, and something for attention.
    let parameters = number(&plan["active_parameters"]) * 6.0 * 8.0 * 256.0;
    assert!(step > parameters * 0.8 && step < parameters * 1.8, "{step} {parameters}");

    let summary = run_json(&["train", recipe, "--threads", "1", "--json"]);
    if let Some(peak) = summary["peak_memory_bytes"].as_f64() {
        // The program itself, its model inside and the tokenizer hold some 40 MB beside.
        let (total, own) = (number(&plan["memory"]["total"]), 40e6);
        let ratio = peak / (total + own);
        assert!((0.6..1.5).contains(&ratio), "{peak} bytes, not {total}");
    }
    let checkpoint = folder.path().join("run/checkpoint-0000004");
    let on_disk: u64 = ["model.safetensors", "training.safetensors"]
        .map(|name| fs::metadata(checkpoint.join(name)).unwrap().len())
        .iter()
        .sum();
    let ratio = on_disk as f64 / number(&plan["checkpoint_bytes"]);
    assert!((0.98..1.02).contains(&ratio), "{ratio}");

    let plan = run_json(&["train", recipe, "--dry-run", "--threads", "1", "--json"]);
    assert_eq!(plan["data"]["is_estimate"], false, "the documents are packed now");
    let text = run(&["train", recipe, "--dry-run", "--threads", "1"], "");
    for part in ["parameters", "available", "tokens/s", "a checkpoint"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_dry_run_refuses_what_does_not_fit() {
    let edit = |text: String| text.replace("sequences = 8", "sequences = 65536");
    let (_folder, recipe) = workshop(edit);
    let ran = hadal(&["train", recipe.to_str().unwrap(), "--dry-run"], "");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("of memory and"), "{}", ran.stderr);
    assert_eq!(ran.stderr.trim_end().lines().count(), 1, "{}", ran.stderr);
}

#[test]
fn runs_are_drawn_as_svg_and_png() {
    let (folder, recipe) = workshop(|text| text);
    let recipe = recipe.to_str().unwrap();
    run(&["train", recipe, "--threads", "1"], "");
    let runs = folder.path().join("run");
    let report = run_json(&["train", "plot", runs.to_str().unwrap(), "--json"]);
    let charts: Vec<PathBuf> = serde_json::from_value(report["charts"].clone()).unwrap();
    let names = |charts: &[PathBuf]| -> Vec<String> {
        charts.iter().map(|c| c.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names(&charts), ["curves.svg", "curves.png", "routers.svg", "routers.png"]);
    for chart in &charts {
        check_chart(chart);
    }
    let curves = fs::read_to_string(&charts[0]).unwrap();
    for part in ["training loss", "bits per byte", "learning rate", "tokens per second"] {
        assert!(curves.contains(part), "{part}");
    }
    // Two layers with experts, eight experts, two times.
    let maps = fs::read_to_string(&charts[2]).unwrap();
    assert!(maps.matches("<rect").count() > 2 * 8 * 2, "{}", maps.matches("<rect").count());

    let out = folder.path().join("out");
    let two = ["train", "plot", runs.to_str().unwrap(), runs.to_str().unwrap()];
    let ran = hadal(&two, "");
    assert_eq!((ran.code, ran.stderr.contains("say by -o")), (2, true), "{}", ran.stderr);
    let printed = run(&[&two[..], &["-o", out.to_str().unwrap()]].concat(), "");
    let charts: Vec<PathBuf> = printed.lines().map(PathBuf::from).collect();
    assert_eq!(charts.len(), 6);
    charts.iter().for_each(|chart| check_chart(chart));

    let ran = hadal(&["train", "plot", folder.path().to_str().unwrap()], "");
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("a run's folder has a metrics.jsonl"), "{}", ran.stderr);
}

/// An SVG is a whole document; a PNG decodes, and holds more than its background.
fn check_chart(path: &Path) {
    if path.extension().unwrap() == "svg" {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"), "{text}");
        assert_eq!(text.matches("<text").count(), text.matches("</text>").count());
        return;
    }
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.width, 2400);
    let n_inked = pixels.iter().filter(|value| **value < 200).count();
    assert!(n_inked > 10_000, "{}: {n_inked}", path.display());
}

#[test]
fn a_bench_alternates_with_its_peer() {
    let (_folder, recipe) = workshop(|text| text);
    let recipe = recipe.to_str().unwrap();
    let few = ["--rounds", "2", "--steps", "1", "--threads", "1"];
    let args = ["bench", "train", recipe, "--json", "--peer", "echo tokens_per_second 100"];
    let report = run_json(&[&args[..], &few].concat());
    assert_eq!(report["tokens_per_step"], 8 * 256);
    for key in ["memory_bandwidth", "measured_peak", "mfu"] {
        assert!(number(&report[key]) > 0.0, "{key}");
    }
    let (ours, peer) = (&report["hadal"], &report["peer"]);
    assert_eq!(ours["rounds"].as_array().unwrap().len(), 2);
    assert!(number(&ours["least"]) <= number(&ours["median"]));
    assert!(number(&ours["median"]) <= number(&ours["greatest"]));
    assert_eq!(peer["rounds"], serde_json::json!([100.0, 100.0]));
    let ratio = number(&ours["median"]) / 100.0;
    assert!((number(&peer["ratio"]) - ratio).abs() < 1e-9 * ratio);
    if cfg!(target_os = "linux") {
        assert!(number(&ours["peak_memory_bytes"]) > 1e6);
    }

    let silent = ["bench", "train", recipe, "--peer", "echo quiet"];
    let ran = hadal(&[&silent[..], &few].concat(), "");
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("expected a line `tokens_per_second N`"), "{}", ran.stderr);
    let ran = hadal(&["bench", "train", "--length", "9000"], "");
    assert_eq!((ran.code, ran.stderr.contains("takes up to 1024")), (2, true), "{}", ran.stderr);
}
