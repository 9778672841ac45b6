//! `hadal export`: the same model in other number formats.

use std::fs;
use std::path::Path;

use crate::harness::{assert_speaks, hadal, run, run_json};
use hadal_model::{Checkpoint, read_safetensors};
use hadal_tensor::DType;
use tempfile::tempdir;

/// English and Chinese, of which the repository holds enough.
const DOCUMENTS: [&str; 3] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/hadal-nano/README.md"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../CONTRIBUTING.md"),
];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_packed_model_is_half_as_large_and_as_good() {
    let folder = tempdir().unwrap();
    let packed = folder.path().join("packed");
    let report = run_json(&["export", "-o", text(&packed), "--dtype", "q8_0", "--json"]);
    let bits = 8.0 * report["bytes"].as_f64().unwrap() / report["parameters"].as_f64().unwrap();
    // The layer for the token after next has bytes and is not among the parameters.
    assert!(bits < 10.0, "{bits} bits a parameter");
    let wide = folder.path().join("wide");
    run(&["export", text(&packed), "-o", text(&wide), "--dtype", "f32"], "");

    let measure = |model: &[&str]| {
        let args = [&["eval"], model, &DOCUMENTS, &["--context", "256", "--json"]].concat();
        run_json(&args)["bits_per_byte"].as_f64().unwrap()
    };
    // Beside packed weights, what meets them is rounded too.
    let (whole, rounded) = (measure(&[text(&wide)]), measure(&[text(&packed)]));
    assert!(whole != rounded && (rounded / whole - 1.0).abs() < 0.005, "{whole} {rounded}");

    assert_speaks(&packed);
}

#[test]
fn every_format_comes_back() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let export = |from: &[&str], name: &str, dtype: &str| {
        run(&[&["export"], from, &["-o", text(&at(name)), "--dtype", dtype]].concat(), "");
    };
    export(&[], "packed", "q8_0");
    export(&[text(&at("packed"))], "again", "q8_0");
    export(&[text(&at("packed"))], "wide", "f32");
    export(&[text(&at("packed"))], "half", "bf16");
    let bytes = |name: &str| fs::read(at(name).join("model.safetensors")).unwrap();
    assert_eq!(bytes("packed"), bytes("again"));

    let checkpoint = Checkpoint::open(&at("packed")).unwrap();
    let name = "model.layers.1.mlp.experts.0.gate_proj.weight";
    assert_eq!(checkpoint.tensor(name).unwrap().dtype(), DType::Q8_0);
    for (name, dtype) in [
        ("model.layers.1.mlp.gate.weight", DType::Bf16),
        ("model.layers.1.mlp.gate.e_score_correction_bias", DType::F32),
        ("model.norm.weight", DType::F32),
    ] {
        assert_eq!(checkpoint.tensor(name).unwrap().dtype(), dtype, "{name}");
    }
    // Of the other formats nothing says that they were ever packed.
    for name in ["wide", "half"] {
        let config = fs::read_to_string(at(name).join("config.json")).unwrap();
        assert!(!config.contains("quantization_config"), "{config}");
    }

    // The unpacked numbers are the packed ones, so the scores are too.
    let scores = |name: &str| {
        let file = at(name).with_extension("safetensors");
        run(&["logits", text(&at(name)), "--text", "The sea 深海", "-o", text(&file)], "");
        read_safetensors(&file).unwrap()["logits"].to_f32_vec()
    };
    for (packed, wide) in scores("packed").into_iter().zip(scores("wide")) {
        assert!((packed - wide).abs() < 1e-4, "{packed} {wide}");
    }
}

#[test]
fn nothing_is_written_over() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("mine"), "").unwrap();
    let ran = hadal(&["export", "-o", text(folder.path()), "--dtype", "bf16"], "");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("is not empty"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
