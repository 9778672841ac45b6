//! `hadal eval` on tasks, against transformers (`goldens/tasks/make.py`).

use std::fs;
use std::path::PathBuf;

use crate::harness::{hadal, run_json};
use serde_json::Value;
use tempfile::tempdir;

fn golden(name: &str) -> String {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/tasks"));
    folder.join(name).to_str().unwrap().to_owned()
}

fn json_lines(path: &str) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn texts_are_scored_as_transformers_scores_them() {
    let folder = tempdir().unwrap();
    let scores = folder.path().join("scores.jsonl").to_str().unwrap().to_owned();
    let report = run_json(&[
        "eval",
        &golden("model"),
        "--minimal-pairs",
        &golden("pairs.jsonl"),
        "--last-word",
        &golden("passages.jsonl"),
        "--choices",
        &golden("gaps.jsonl"),
        "--scores",
        &scores,
        "--json",
    ]);
    let (found, expected) = (json_lines(&scores), json_lines(&golden("scores.jsonl")));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        for key in ["context", "rest", "is_greedy"] {
            assert_eq!(found[key], expected[key], "{key} of {expected}");
        }
        let key = "log_probability";
        let difference = (number(&found[key]) - number(&expected[key])).abs();
        assert!(difference < 1e-3, "{found} {expected}");
    }

    // The results follow from the expected scores, task after task.
    let log_p: Vec<f64> = expected.iter().map(|line| number(&line["log_probability"])).collect();
    let (pairs, rest) = log_p.split_at(10);
    let (words, gaps) = rest.split_at(6);
    let is_right = |pair: &[f64]| pair[0] > pair[1];
    let n_right = pairs.chunks(2).filter(|pair| is_right(pair)).count();
    let result = &report["minimal_pairs"];
    assert_eq!(number(&result["accuracy"]), n_right as f64 / 5.0);
    let groups = result["phenomena"].as_array().unwrap();
    let names: Vec<_> = groups.iter().map(|group| group["phenomenon"].as_str().unwrap()).collect();
    assert_eq!(names, ["quantifiers", "agreement"]);
    assert_eq!(groups[1]["paradigms"][1]["n"], 2);

    let perplexity = (-words.iter().sum::<f64>() / 6.0).exp();
    assert_eq!(number(&report["last_word"]["accuracy"]), 1.0 / 6.0);
    let found = number(&report["last_word"]["perplexity"]);
    assert!((found / perplexity - 1.0).abs() < 1e-3, "{found} {perplexity}");

    let best = |scores: &[f64]| (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let n_right = [(&gaps[..3], 0), (&gaps[3..], 1)].into_iter();
    let n_right = n_right.filter(|(scores, answer)| best(scores) == Some(*answer)).count();
    assert_eq!(number(&report["choices"]["accuracy"]), n_right as f64 / 2.0);
    assert!(report.get("perplexity").is_none(), "no documents were given");
}

#[test]
fn a_task_is_a_line_of_a_table() {
    let pairs = golden("pairs.jsonl");
    let ran = hadal(&["eval", &golden("model"), "--minimal-pairs", &pairs, &pairs], "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for part in ["syntax / agreement", "  verb_number", "minimal pairs", "of 10"] {
        assert!(ran.stdout.contains(part), "{}", ran.stdout);
    }
}

#[test]
fn a_task_without_records_is_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("empty.jsonl");
    fs::write(&path, "\n").unwrap();
    let ran = hadal(&["eval", "--last-word", path.to_str().unwrap()], "");
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("empty.jsonl holds no records"), "{}", ran.stderr);
}
