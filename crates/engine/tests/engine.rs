//! The engine against recomputing everything, and its promises to the caller.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

mod tiny;

use std::ops::ControlFlow;

use hadal_engine::{Engine, Error, Event, FinishReason, Generation, Request, Sampling, Usage};
use hadal_model::Batch;
use tiny::{CAPACITY, Tiny};

fn request(prompt: &[u32], max_new_tokens: usize, sampling: Sampling) -> Request {
    Request::new(prompt.to_vec(), max_new_tokens, sampling, vec![]).unwrap()
}

fn generate(engine: &mut Engine, request: Request) -> Generation {
    engine.generate(request, |_| ControlFlow::Continue(())).unwrap()
}

/// A prompt of plain tokens.
fn prompt(n_tokens: u32) -> Vec<u32> {
    (0..n_tokens).map(|i| 10 + i * 37 % 200).collect()
}

/// Greedy tokens, each from the whole text run from scratch without a cache.
fn from_scratch(tiny: &Tiny, prompt: &[u32], n_tokens: usize) -> Vec<u32> {
    let (device, weights) = (&*tiny.device, &*tiny.weights);
    let mut ids = prompt.to_vec();
    for _ in 0..n_tokens {
        let batch = Batch::of_texts([&ids[..]]).unwrap();
        let output = tiny.decoder.forward(device, weights, &batch, None).unwrap();
        let logits = tiny.decoder.logits(device, weights, &output.hidden).unwrap();
        let last = logits.row_range(ids.len() - 1..ids.len()).to_f32_vec();
        let best = (0..last.len()).rev().max_by(|&a, &b| last[a].total_cmp(&last[b])).unwrap();
        ids.push(best as u32);
    }
    ids.split_off(prompt.len())
}

#[test]
fn chunks_and_cache_give_the_tokens_of_recomputing() {
    for tiny in Tiny::both() {
        for n_prompt in [1, 7, 20] {
            let prompt = prompt(n_prompt);
            let mut expected = from_scratch(&tiny, &prompt, 12);
            if let Some(end) = expected.iter().position(|&id| id == 1) {
                expected.truncate(end + 1);
            }
            for chunk_len in [1, 3, 9, 512] {
                let mut engine = tiny.engine().with_chunk_len(chunk_len);
                let found = generate(&mut engine, request(&prompt, 12, Sampling::greedy()));
                assert_eq!(found.ids, expected, "{n_prompt} tokens in chunks of {chunk_len}");
            }
        }
    }
}

#[test]
fn reuse_gives_the_tokens_of_a_fresh_engine() {
    for tiny in Tiny::both() {
        let sampling = Sampling { seed: 3, ..Sampling::default() };
        let mut engine = tiny.engine();
        let first = generate(&mut engine, request(&prompt(10), 6, sampling.clone()));
        let whole = [&prompt(10)[..], &first.ids].concat();
        let turns = [
            // Goes on where the first ended, without the last token, which was never run.
            ([&whole[..], &[40, 41, 42]].concat(), whole.len() - 1),
            // Leaves the first behind after five tokens.
            ([&whole[..5], &[50, 51]].concat(), 5),
            // The same again: the last token is computed anew.
            ([&whole[..5], &[50, 51]].concat(), 6),
            (vec![60], 0),
        ];
        for (prompt, n_reused) in turns {
            let found = generate(&mut engine, request(&prompt, 8, sampling.clone()));
            let fresh = generate(&mut tiny.engine(), request(&prompt, 8, sampling.clone()));
            assert_eq!(found.usage.n_reused, n_reused);
            assert_eq!(fresh.usage.n_reused, 0);
            assert_eq!((found.ids, found.text), (fresh.ids, fresh.text));
        }
    }
}

#[test]
fn a_seed_reproduces_and_another_differs() {
    let [tiny, _] = Tiny::both();
    let run = |seed| {
        let sampling = Sampling { seed, ..Sampling::default() };
        generate(&mut tiny.engine(), request(&prompt(5), 20, sampling)).ids
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn the_pieces_are_the_text_of_the_tokens() {
    let [tiny, _] = Tiny::both();
    let sampling = Sampling { seed: 9, ..Sampling::default() };
    let mut pieces = String::new();
    let mut engine = tiny.engine();
    let found = engine
        .generate(request(&prompt(5), 30, sampling), |event| {
            pieces.push_str(event.text());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(pieces, found.text);
    assert_eq!(found.text, tiny.tokenizer.decode(&found.ids, true).unwrap());
}

#[test]
fn a_stop_string_ends_the_text_before_it() {
    let [tiny, _] = Tiny::both();
    let sampling = Sampling { seed: 9, ..Sampling::default() };
    let whole = generate(&mut tiny.engine(), request(&prompt(5), 30, sampling.clone())).text;
    let (start, _) = whole.char_indices().filter(|(_, c)| c.is_ascii()).nth(3).unwrap();
    let stop = whole[start..].chars().take(2).collect::<String>();
    let request = Request::new(prompt(5), 30, sampling, vec![stop.clone()]).unwrap();
    let found = generate(&mut tiny.engine(), request);
    assert_eq!(found.reason, FinishReason::Stop(stop.clone()));
    assert_eq!(found.text, whole[..whole.find(&stop).unwrap()]);
}

#[test]
fn a_full_context_ends_the_answer() {
    let [tiny, _] = Tiny::both();
    let n_prompt = 40;
    // A token that is an end of text would end it sooner.
    let found = (0..20)
        .map(|seed| Sampling { seed, ..Sampling::default() })
        .map(|s| generate(&mut tiny.engine(), request(&prompt(n_prompt), 1000, s)))
        .find(|found| found.reason != FinishReason::EndOfText)
        .unwrap();
    assert_eq!(found.reason, FinishReason::ContextFull);
    // The last token was sampled from a full context and needs no place of its own.
    assert_eq!(found.ids.len(), CAPACITY - n_prompt as usize + 1);
}

#[test]
fn cancelling_ends_at_the_next_step_even_within_a_prompt() {
    let [tiny, _] = Tiny::both();
    let mut engine = tiny.engine().with_chunk_len(4);
    engine.submit(request(&prompt(12), 5, Sampling::greedy())).unwrap();
    assert_eq!(engine.step().unwrap(), Some(Event::Prompt { n_done: 4, n_total: 12 }));
    engine.cancel();
    let Some(Event::Finished(finished)) = engine.step().unwrap() else { panic!("not finished") };
    assert_eq!(finished.reason, FinishReason::Cancelled);
    assert_eq!(finished.usage, Usage { n_prompt: 12, ..Usage::default() });
    assert_eq!(engine.step().unwrap(), None);

    let found = engine
        .generate(request(&prompt(12), 9, Sampling::greedy()), |event| match event {
            Event::Token { .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .unwrap();
    assert_eq!((found.reason, found.ids.len()), (FinishReason::Cancelled, 1));
    assert_eq!(found.usage.n_reused, 4);
}

#[test]
fn what_cannot_be_run_is_refused() {
    let [tiny, _] = Tiny::both();
    let mut engine = tiny.engine();
    let refused = |engine: &mut Engine, prompt: &[u32]| {
        engine.submit(request(prompt, 1, Sampling::greedy())).unwrap_err()
    };
    assert!(matches!(refused(&mut engine, &[300]), Error::UnknownToken { id: 300, .. }));
    assert!(matches!(refused(&mut engine, &prompt(49)), Error::PromptTooLong { found: 49, .. }));
    engine.submit(request(&prompt(3), 1, Sampling::greedy())).unwrap();
    assert!(matches!(refused(&mut engine, &[5]), Error::Busy));
    let (weights, device) = (tiny.weights.clone(), tiny.device.clone());
    let too_large =
        Engine::new(tiny.decoder.clone(), weights, device, tiny.tokenizer.clone(), 65).err();
    assert!(matches!(too_large, Some(Error::Capacity { found: 65, most: 64 })));
}
