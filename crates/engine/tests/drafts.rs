//! Drafts change when tokens come, never which.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

mod tiny;

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hadal_engine::{
    Clock, Draft, Engine, FinishReason, Generation, Request, Sampling, distribution,
};
use hadal_model::{Batch, Config, Decoder, Parameter, ResidentWeights, initialise};
use hadal_tensor::{Backend, Reference, Tensor};
use serde_json::json;
use tiny::Tiny;

/// A clock by which drafts always pay: time stands still after the first rounds, which have none.
fn eager() -> Clock {
    let n_calls = AtomicU64::new(0);
    Box::new(move || Duration::from_secs(n_calls.fetch_add(1, Ordering::Relaxed).min(3)))
}

fn drafting(tiny: &Tiny, draft: Draft) -> Engine {
    tiny.engine().with_drafts(draft, eager()).unwrap()
}

fn generate(engine: &mut Engine, prompt: &[u32], n: usize, sampling: Sampling) -> Generation {
    let request = Request::new(prompt.to_vec(), n, sampling, vec![]).unwrap();
    engine.generate(request, |_| ControlFlow::Continue(())).unwrap()
}

/// A tiny model with a layer that predicts the token after next, its weights as `change` leaves
/// them.
fn with_predict_layer(change: impl Fn(&Parameter, Tensor) -> Tensor) -> Tiny {
    let tokenizer = tiny::tokenizer();
    let config = Config::from_value(json!({
        "model_type": "deepseek_v3", "vocab_size": tokenizer.vocab_size(), "hidden_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
        "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8,
        "max_position_embeddings": 64, "initializer_range": 0.3, "num_nextn_predict_layers": 1,
    }))
    .unwrap();
    let tensors: HashMap<String, Tensor> = initialise(&config, 5)
        .into_iter()
        .map(|(p, tensor)| (p.name.clone(), change(&p, tensor)))
        .collect();
    let mut take = |name: &str, _: &[usize]| Ok(tensors[name].clone());
    let weights = Arc::new(ResidentWeights::assemble(&config, &mut take).unwrap());
    let device: Arc<dyn Backend> = Arc::new(Reference);
    Tiny { decoder: Decoder::new(config, &*device, 64), weights, device, tokenizer }
}

/// Models and the ways in which each can draft.
fn cases() -> Vec<(Tiny, Vec<Draft>)> {
    let [latent, multi_head] = Tiny::both();
    vec![
        (latent, vec![Draft::Lookup, Draft::Auto]),
        (multi_head, vec![Draft::Lookup]),
        (with_predict_layer(|_, tensor| tensor), vec![Draft::MultiToken, Draft::Auto]),
    ]
}

/// Prompts with and without something to look up.
fn prompts() -> [Vec<u32>; 3] {
    let plain = (0..9).map(|i| 10 + i * 37 % 200).collect();
    [plain, vec![40, 41, 42, 43, 40, 41, 42, 43, 40, 41], vec![60]]
}

#[test]
fn the_best_tokens_are_the_same_with_drafts() {
    for (tiny, drafts) in cases() {
        let (mut n_drafted, mut n_accepted) = (0, 0);
        for prompt in prompts() {
            let expected = generate(&mut tiny.engine(), &prompt, 36, Sampling::greedy());
            assert_eq!((expected.usage.n_drafted, expected.usage.n_accepted), (0, 0));
            for draft in &drafts {
                let mut engine = drafting(&tiny, *draft);
                let found = generate(&mut engine, &prompt, 36, Sampling::greedy());
                assert_eq!(found.ids, expected.ids, "{draft:?} after {prompt:?}");
                assert_eq!(
                    (found.text, found.reason),
                    (expected.text.clone(), expected.reason.clone())
                );
                n_drafted += found.usage.n_drafted;
                n_accepted += found.usage.n_accepted;
            }
        }
        // Random weights repeat themselves, and the drafts of random layers are wrong now and then.
        assert!(0 < n_accepted && n_accepted < n_drafted, "{n_accepted} of {n_drafted}");
    }
}

#[test]
fn a_seed_draws_the_same_tokens_with_drafts() {
    for (tiny, drafts) in cases() {
        let mut n_drafted = 0;
        for seed in 0..12 {
            // What was seen changes the scores, so a draft that was not taken must not count.
            let sampling = Sampling {
                repetition_penalty: 1.2,
                temperature: 0.4,
                top_p: 0.95,
                seed,
                ..Sampling::default()
            };
            for prompt in prompts() {
                let expected = generate(&mut tiny.engine(), &prompt, 24, sampling.clone());
                for draft in &drafts {
                    let mut engine = drafting(&tiny, *draft);
                    let found = generate(&mut engine, &prompt, 24, sampling.clone());
                    assert_eq!(found.ids, expected.ids, "{draft:?} after {prompt:?}, seed {seed}");
                    n_drafted += found.usage.n_drafted;
                }
            }
        }
        assert!(n_drafted > 0);
    }
}

/// What may follow `prompt` within `n` tokens and how likely it is, each text run from scratch.
fn outcomes(tiny: &Tiny, prompt: &[u32], n: usize, sampling: &Sampling) -> HashMap<Vec<u32>, f64> {
    let mut open = vec![(Vec::new(), 1.0)];
    for _ in 0..n {
        let longer = open.into_iter().flat_map(|(ids, probability): (Vec<u32>, f64)| {
            let text = [prompt, &ids].concat();
            let batch = Batch::of_texts([&text[..]]).unwrap();
            let (device, weights) = (&*tiny.device, &*tiny.weights);
            let output = tiny.decoder.forward(device, weights, &batch, None).unwrap();
            let last = output.hidden.row_range(text.len() - 1..text.len());
            let logits = tiny.decoder.logits(device, weights, &last).unwrap().to_f32_vec();
            let seen: BTreeSet<u32> = text.iter().copied().collect();
            let candidates = distribution(&logits, &seen, sampling).unwrap();
            let extend = move |c: hadal_engine::Candidate| {
                ([&ids[..], &[c.id]].concat(), probability * c.probability)
            };
            candidates.into_iter().map(extend).collect::<Vec<_>>()
        });
        open = longer.collect();
    }
    open.into_iter().collect()
}

#[test]
fn tokens_come_as_often_as_without_drafts() {
    const N_RUNS: u64 = 2000;
    let [tiny, _] = Tiny::both();
    let prompt = [40, 41, 42, 43, 40, 41, 42, 43, 40, 41];
    let sampling = |seed| Sampling {
        repetition_penalty: 1.1,
        temperature: 1.3,
        top_k: 3,
        seed,
        ..Sampling::default()
    };
    let expected = outcomes(&tiny, &prompt, 3, &sampling(0));
    assert!(expected.keys().all(|ids| !ids.contains(&1)), "a text that ends is no outcome here");
    let mut engine = drafting(&tiny, Draft::Lookup);
    let mut counts: HashMap<Vec<u32>, u64> = HashMap::new();
    let (mut n_drafted, mut n_accepted) = (0, 0);
    for seed in 0..N_RUNS {
        let found = generate(&mut engine, &prompt, 3, sampling(seed));
        n_drafted += found.usage.n_drafted;
        n_accepted += found.usage.n_accepted;
        *counts.entry(found.ids).or_default() += 1;
    }
    assert!(counts.keys().all(|ids| expected.contains_key(ids)));
    assert!(n_drafted > N_RUNS as usize && n_accepted < n_drafted, "{n_accepted} of {n_drafted}");
    let chi_square: f64 = expected
        .iter()
        .map(|(ids, probability)| {
            let mean = probability * N_RUNS as f64;
            let count = counts.get(ids).copied().unwrap_or(0) as f64;
            (count - mean).powi(2) / mean
        })
        .sum();
    // Of 27 outcomes; one in a thousand fair draws is further off.
    assert!(expected.len() == 27 && chi_square < 54.05, "{chi_square} of {}", expected.len());
}

#[test]
fn the_layer_drafts_from_the_right_token() {
    // Without what attention and feed-forward add, the next token hangs on the last one alone; a
    // layer that passes the embedding through then foretells the model exactly, from its own
    // drafts too.
    let tiny = with_predict_layer(|p, tensor| {
        let silenced = ["o_proj.weight", "down_proj.weight", "eh_proj.weight"];
        if !silenced.iter().any(|name| p.name.ends_with(name)) {
            return tensor;
        }
        let mut values = vec![0.0; tensor.len()];
        if p.name.ends_with("eh_proj.weight") {
            let cols = tensor.cols();
            (0..tensor.rows()).for_each(|i| values[i * cols + i] = 1.0);
        }
        Tensor::from_slice(&values, tensor.dims())
    });
    let mut longest = 0;
    for first in [60, 90, 120, 150, 180] {
        let mut engine = drafting(&tiny, Draft::MultiToken);
        // The layer has most of a prompt to catch up with when its first draft is asked for.
        let prompt = [&prompts()[0][..], &[50, first]].concat();
        let found = generate(&mut engine, &prompt, 30, Sampling::greedy());
        let usage = found.usage;
        // A text that ended within its drafts leaves some unused.
        let n_unused = if found.reason == FinishReason::EndOfText { 7 } else { 0 };
        assert!(usage.n_accepted + n_unused >= usage.n_drafted, "{usage:?}");
        longest = longest.max(found.ids.iter().collect::<BTreeSet<_>>().len());
    }
    assert!(longest > 4, "a text of {longest} different tokens shows little");
}

#[test]
fn drafts_end_where_the_text_must() {
    let [tiny, _] = Tiny::both();
    let prompt = [40, 41, 42, 43, 40, 41, 42, 43, 40, 41];
    for n in 1..12 {
        let expected = generate(&mut tiny.engine(), &prompt, n, Sampling::greedy());
        let mut engine = drafting(&tiny, Draft::Lookup);
        // The second time the drafts begin with the first token.
        for _ in 0..2 {
            let found = generate(&mut engine, &prompt, n, Sampling::greedy());
            assert_eq!((&found.ids, &found.reason), (&expected.ids, &expected.reason));
        }
    }
    let expected = generate(&mut tiny.engine(), &prompt, 1000, Sampling::greedy());
    let found = generate(&mut drafting(&tiny, Draft::Lookup), &prompt, 1000, Sampling::greedy());
    assert_eq!((found.ids, found.reason), (expected.ids, expected.reason));
}

#[test]
fn a_layer_that_is_not_there_cannot_draft() {
    let [tiny, _] = Tiny::both();
    let error = tiny.engine().with_drafts(Draft::MultiToken, eager()).err().unwrap().to_string();
    assert!(error.contains("no multi-token-prediction layer"), "{error}");
    assert!(tiny.engine().with_drafts(Draft::Auto, eager()).is_ok());
}
