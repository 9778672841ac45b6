//! The sampler against Hugging Face's logits processors; `goldens/make_sampling.py` wrote the
//! file.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

use std::collections::BTreeSet;

use hadal_engine::{Sampling, distribution};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn the_distributions_are_those_of_transformers() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("goldens/sampling.json")).unwrap();
    assert_eq!(cases.len(), 13);
    for case in cases {
        let given = |key: &str, or: f64| case["sampling"][key].as_f64().unwrap_or(or) as f32;
        let sampling = Sampling {
            repetition_penalty: given("repetition_penalty", 1.0),
            temperature: given("temperature", 1.0),
            top_k: given("top_k", 0.0) as usize,
            top_p: given("top_p", 1.0),
            min_p: given("min_p", 0.0),
            seed: 0,
        };
        let logits: Vec<f32> = numbers(&case["logits"]).iter().map(|&x| x as f32).collect();
        let seen: BTreeSet<u32> = numbers(&case["seen"]).iter().map(|&id| id as u32).collect();
        let found = distribution(&logits, &seen, &sampling).unwrap();
        let ids: Vec<f64> = found.iter().map(|c| f64::from(c.id)).collect();
        assert_eq!(ids, numbers(&case["ids"]), "{sampling:?}");
        for (candidate, expected) in found.iter().zip(numbers(&case["probabilities"])) {
            let error = (candidate.probability - expected).abs();
            assert!(error < 2e-6, "{sampling:?} {candidate:?} {expected}");
        }
    }
}
