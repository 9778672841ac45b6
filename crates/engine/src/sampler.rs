//! The choice of the next token. Each rule is that of the logits processor of the same name in
//! Hugging Face's transformers, in the same order.

use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::error::Error;
use crate::request::Sampling;

/// A token that may come next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The token.
    pub id: u32,
    /// Its probability among the candidates.
    pub probability: f64,
}

/// Draws the tokens of one sequence.
pub struct Sampler {
    sampling: Sampling,
    random: ChaCha8Rng,
    /// The tokens of prompt and answer, each once.
    seen: BTreeSet<u32>,
}

impl Sampler {
    /// A sampler for the continuation of `prompt`.
    pub fn new(sampling: Sampling, prompt: &[u32]) -> Self {
        let random = ChaCha8Rng::seed_from_u64(sampling.seed);
        Sampler { sampling, random, seen: prompt.iter().copied().collect() }
    }

    /// Draws a token from the scores of all, `[V]`.
    ///
    /// # Errors
    /// When a score is not a number, or none is finite.
    pub fn sample(&mut self, logits: &[f32]) -> Result<u32, Error> {
        let candidates = distribution(logits, &self.seen, &self.sampling)?;
        let id = match candidates.as_slice() {
            [only] => only.id,
            _ => draw(&candidates, uniform(&mut self.random)),
        };
        self.seen.insert(id);
        Ok(id)
    }
}

/// The tokens that may come next and their probabilities, by ascending id, from the scores of all
/// tokens and those that were `seen`.
///
/// # Errors
/// When a score is not a number, or none is finite.
pub fn distribution(
    logits: &[f32],
    seen: &BTreeSet<u32>,
    sampling: &Sampling,
) -> Result<Vec<Candidate>, Error> {
    let mut scores: Vec<f64> = logits.iter().map(|&logit| f64::from(logit)).collect();
    penalise(&mut scores, seen, f64::from(sampling.repetition_penalty));
    let best = best(&scores)?;
    if sampling.temperature == 0.0 {
        return Ok(vec![Candidate { id: best as u32, probability: 1.0 }]);
    }
    // Softmax does not see a shift of all scores; with the best at 0 no temperature overflows.
    let (highest, temperature) = (scores[best], f64::from(sampling.temperature));
    for score in &mut scores {
        *score = (*score - highest) / temperature;
    }
    let threshold = kth_best(&scores, sampling.top_k);
    let mut candidates: Vec<Candidate> = scores
        .iter()
        .enumerate()
        .filter(|(_, score)| **score >= threshold)
        .map(|(id, score)| Candidate { id: id as u32, probability: score.exp() })
        .collect();
    normalise(&mut candidates);
    if sampling.top_p < 1.0 {
        keep_top_p(&mut candidates, f64::from(sampling.top_p));
    }
    let highest = candidates.iter().map(|c| c.probability).fold(0.0, f64::max);
    candidates.retain(|c| c.probability >= f64::from(sampling.min_p) * highest);
    normalise(&mut candidates);
    Ok(candidates)
}

/// Divides positive and multiplies negative scores of the tokens seen (Keskar et al. 2019).
fn penalise(scores: &mut [f64], seen: &BTreeSet<u32>, penalty: f64) {
    for &id in seen {
        if let Some(score) = scores.get_mut(id as usize) {
            *score = if *score < 0.0 { *score * penalty } else { *score / penalty };
        }
    }
}

/// The best token, of equals the first.
fn best(scores: &[f64]) -> Result<usize, Error> {
    let mut best = None;
    for (id, &score) in scores.iter().enumerate() {
        if score.is_nan() || score == f64::INFINITY {
            return Err(Error::NotFinite);
        }
        let highest = best.map_or(f64::NEG_INFINITY, |best: usize| scores[best]);
        if score > highest {
            best = Some(id);
        }
    }
    best.ok_or(Error::NotFinite)
}

/// The score that the `k` best reach; equals of the last all stay.
fn kth_best(scores: &[f64], k: usize) -> f64 {
    if k == 0 || k >= scores.len() {
        return f64::NEG_INFINITY;
    }
    let mut scores = scores.to_vec();
    *scores.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a)).1
}

/// Keeps the fewest best candidates that together reach `top_p` (Holtzman et al. 2019), of equals
/// the lower ids; always the best.
fn keep_top_p(candidates: &mut Vec<Candidate>, top_p: f64) {
    // Together, those below this have less than 1 - top_p, so they all go; of a vocabulary of
    // 100,000 few are then left to sort. The best is above the mean, which is above this.
    let negligible = 0.999 * (1.0 - top_p) / candidates.len() as f64;
    candidates.retain(|c| c.probability >= negligible);
    candidates
        .sort_unstable_by(|a, b| b.probability.total_cmp(&a.probability).then(a.id.cmp(&b.id)));
    let mut sum = 0.0;
    let reach = candidates.iter().take_while(|c| {
        let is_kept = sum < top_p;
        sum += c.probability;
        is_kept
    });
    let n_kept = reach.count().max(1);
    candidates.truncate(n_kept);
    candidates.sort_unstable_by_key(|c| c.id);
}

fn normalise(candidates: &mut [Candidate]) {
    let sum: f64 = candidates.iter().map(|c| c.probability).sum();
    for candidate in candidates {
        candidate.probability /= sum;
    }
}

/// The candidate at which the running sum of probabilities passes `uniform`.
fn draw(candidates: &[Candidate], uniform: f64) -> u32 {
    let mut sum = 0.0;
    let passed = candidates.iter().find(|candidate| {
        sum += candidate.probability;
        uniform < sum
    });
    // Rounding may leave the whole sum a little below 1.
    let last = || candidates.iter().rfind(|candidate| candidate.probability > 0.0);
    passed.or_else(last).expect("the best token is always a candidate").id
}

/// Uniform in [0, 1), with all 53 bits.
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nothing_seen() -> BTreeSet<u32> {
        BTreeSet::new()
    }

    #[test]
    fn greedy_takes_the_first_of_equals() {
        let mut sampler = Sampler::new(Sampling::greedy(), &[]);
        assert_eq!(sampler.sample(&[0.5, 2.0, 2.0, 1.0]).unwrap(), 1);
    }

    #[test]
    fn scores_that_are_not_numbers_are_refused() {
        for logits in [[0.0, f32::NAN], [0.0, f32::INFINITY], [f32::NEG_INFINITY; 2]] {
            let found = distribution(&logits, &nothing_seen(), &Sampling::default());
            assert!(matches!(found, Err(Error::NotFinite)), "{logits:?}");
        }
    }

    #[test]
    fn a_masked_token_is_never_drawn() {
        let mut sampler = Sampler::new(Sampling::default(), &[]);
        for _ in 0..100 {
            assert_eq!(sampler.sample(&[f32::NEG_INFINITY, 1.0, f32::NEG_INFINITY]).unwrap(), 1);
        }
    }

    #[test]
    fn an_extreme_temperature_does_not_overflow() {
        for temperature in [f32::MIN_POSITIVE, f32::MAX] {
            let sampling = Sampling { temperature, ..Sampling::default() };
            let found = distribution(&[1e30, -1e30, 0.0], &nothing_seen(), &sampling).unwrap();
            let sum: f64 = found.iter().map(|c| c.probability).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn the_seed_decides_the_stream_on_every_machine() {
        let sampling = Sampling { seed: 42, ..Sampling::default() };
        let mut sampler = Sampler::new(sampling, &[]);
        let ids: Vec<u32> = (0..12).map(|_| sampler.sample(&[0.0; 100]).unwrap()).collect();
        assert_eq!(ids, [68, 95, 42, 62, 28, 14, 30, 80, 77, 23, 50, 90]);
    }

    #[test]
    fn tokens_are_drawn_as_often_as_their_probability_says() {
        let logits = [1.0, 0.0, -1.0, 2.0];
        let expected = distribution(&logits, &nothing_seen(), &Sampling::default()).unwrap();
        let mut sampler = Sampler::new(Sampling::default(), &[]);
        let mut counts = [0; 4];
        for _ in 0..20_000 {
            counts[sampler.sample(&logits).unwrap() as usize] += 1;
        }
        for Candidate { id, probability } in expected {
            let frequency = f64::from(counts[id as usize]) / 20_000.0;
            assert!((frequency - probability).abs() < 0.015, "{id}: {frequency} {probability}");
        }
    }

    /// The definitions as one would write them first: sort, then look.
    fn naive(logits: &[f32], seen: &BTreeSet<u32>, sampling: &Sampling) -> Vec<u32> {
        let penalty = f64::from(sampling.repetition_penalty);
        let mut all: Vec<(u32, f64)> = (0u32..)
            .zip(logits)
            .map(|(id, &logit)| {
                let score = f64::from(logit);
                let score = match (seen.contains(&id), score < 0.0) {
                    (false, _) => score,
                    (true, true) => score * penalty,
                    (true, false) => score / penalty,
                };
                (id, score / f64::from(sampling.temperature))
            })
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if sampling.top_k > 0 {
            let last = all[sampling.top_k.min(all.len()) - 1].1;
            all.retain(|(_, score)| *score >= last);
        }
        let sum: f64 = all.iter().map(|(_, score)| score.exp()).sum();
        let mut before = 0.0;
        let mut kept = Vec::new();
        for (id, score) in &all {
            let probability = score.exp() / sum;
            if kept.is_empty() || before < f64::from(sampling.top_p) || sampling.top_p == 1.0 {
                kept.push((*id, probability));
            }
            before += probability;
        }
        let floor = f64::from(sampling.min_p) * kept[0].1;
        let mut ids: Vec<u32> =
            kept.iter().filter(|(_, p)| *p >= floor).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    proptest! {
        #[test]
        fn the_fast_rules_keep_what_the_plain_ones_keep(
            logits in proptest::collection::vec(-8i32..8, 1..40),
            seen in proptest::collection::btree_set(0u32..40, 0..10),
            top_k in 0usize..50,
            // Odd steps, so that no sum of probabilities lands on the bound by rounding alone.
            (top_p, min_p, temperature, penalty) in (0u8..=17, 0u8..=13, 1u8..40, 5u8..30),
        ) {
            let logits: Vec<f32> = logits.iter().map(|&x| x as f32 * 0.37).collect();
            let sampling = Sampling {
                repetition_penalty: f32::from(penalty) / 10.3,
                temperature: f32::from(temperature) / 9.7,
                top_k,
                top_p: f32::from(top_p) / 17.0,
                min_p: f32::from(min_p) / 13.1,
                seed: 0,
            };
            let found = distribution(&logits, &seen, &sampling).unwrap();
            let ids: Vec<u32> = found.iter().map(|c| c.id).collect();
            prop_assert_eq!(ids, naive(&logits, &seen, &sampling));
            let sum: f64 = found.iter().map(|c| c.probability).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
        }
    }
}
