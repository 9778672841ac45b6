//! `hadal pack` and `hadal bench`: the layout that the kernels read, and how fast they are.

use std::fs;
use std::path::Path;

use crate::harness::{assert_speaks, hadal, run, run_json};
use tempfile::{TempDir, tempdir};

/// English, of which the repository holds enough.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

fn pack(bits: &str, group: &str) -> (TempDir, f64) {
    let folder = tempdir().unwrap();
    let args = ["pack", "--bits", bits, "--group", group, "--json", "-o", text(folder.path())];
    let report = run_json(&args);
    (folder, report["bytes"].as_f64().unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn bits_per_byte(model: &[&str]) -> f64 {
    let args = [&["eval"], model, &[DOCUMENT, "--context", "256", "--json"]].concat();
    run_json(&args)["bits_per_byte"].as_f64().unwrap()
}

#[test]
fn a_packed_model_is_nearly_as_good() {
    let wide = tempdir().unwrap();
    run(&["export", "--dtype", "f32", "-o", text(wide.path())], "");
    let plain = bits_per_byte(&[text(wide.path())]);
    for (bits, group, most) in
        [("8", "32", 0.002), ("6", "32", 0.004), ("4", "32", 0.02), ("4", "64", 0.03)]
    {
        let (folder, _) = pack(bits, group);
        let packed = bits_per_byte(&[text(folder.path())]);
        let loss = packed / plain - 1.0;
        assert!(packed != plain && loss < most, "{bits} bits of {group}: {packed} and {plain}");
        assert_speaks(folder.path());
    }
}

#[test]
fn half_the_bits_take_less() {
    let (_, eight) = pack("8", "32");
    let (_, four) = pack("4", "32");
    assert!(four < eight, "{four} bytes and {eight}");
}

#[test]
fn what_cannot_be_packed_is_one_sentence() {
    let folder = tempdir().unwrap();
    for [bits, group] in [["3", "32"], ["4", "48"], ["6", "64"]] {
        let args = ["pack", "-o", text(folder.path()), "--bits", bits, "--group", group];
        let ran = hadal(&args, "");
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("are not a layout"), "{}", ran.stderr);
    }
    fs::write(folder.path().join("mine"), "").unwrap();
    let ran = hadal(&["pack", "-o", text(folder.path())], "");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("is not empty"), "{}", ran.stderr);
}

#[test]
fn a_damaged_packed_model_is_one_sentence() {
    let (folder, _) = pack("4", "32");
    let weights = folder.path().join("model.safetensors");
    let config = folder.path().join("config.json");
    let (bytes, json) = (fs::read(&weights).unwrap(), fs::read_to_string(&config).unwrap());
    let fails = |expected: &str| {
        let ran = hadal(&["generate", text(folder.path()), "--prompt", "The sea"], "");
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    };
    fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    fails("is not a whole safetensors file");
    fs::write(&weights, &bytes).unwrap();
    // Its bytes mean other shapes in another packing.
    for (format, expected) in [("packed_8_32", "model."), ("packed_5_32", "packed_4_32")] {
        fs::write(&config, json.replace("packed_4_32", format)).unwrap();
        fails(expected);
    }
}

#[test]
fn the_bench_reports_both_speeds_and_the_memory_beside_them() {
    let args = ["--prompt", "16", "--generate", "4", "--rounds", "1", "--batch", "1,3", "--json"];
    let report = run_json(&[&["bench"], &args[..], &["--depth", "0,8"]].concat());
    for part in ["prefill", "decode"] {
        for figure in ["tokens_per_second", "probe"] {
            assert!(report[part][figure].as_f64().unwrap() > 0.0, "{report}");
        }
    }
    let decodes = report["decodes"].as_array().unwrap();
    let found: Vec<_> =
        decodes.iter().map(|d| (d["batch"].as_u64(), d["depth"].as_u64())).collect();
    let expected = [(1, 0), (3, 0), (1, 8), (3, 8)].map(|(b, d)| (Some(b), Some(d)));
    assert_eq!(found, expected);
    assert_eq!(report["decode"], decodes[0]);
}
