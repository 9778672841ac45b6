//! Whether drafts pay, and how many to make, decided from what earlier rounds gave and took.
//!
//! The decision changes how fast tokens come, never which.

use std::time::Duration;

/// The most tokens that are drafted at once. With the token before them they make a batch that a
/// device may compute row by row, each to the bits it would have alone.
pub const MOST_DRAFTS: usize = 7;

/// Rounds without drafts before the first with some, so that there is something to compare with.
const FIRST_PLAIN_ROUNDS: u32 = 2;
/// Rounds with drafts after which one without is measured again: a longer context takes longer.
const ROUNDS_BETWEEN_PLAIN: u32 = 64;
/// Rounds after which drafts are judged.
const TRIAL_ROUNDS: u32 = 6;
/// Rounds without drafts after they did not pay; twice as many each time again.
const FIRST_REST: u32 = 32;
/// The longest rest: a text may change.
const LONGEST_REST: u32 = 512;
/// What an earlier round counts for, beside the next one.
const DECAY: f64 = 0.85;

/// Where drafts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// What followed the last tokens when they came before.
    Lookup,
    /// The model's layer that predicts the token after next.
    MultiToken,
}

/// One forward pass of decoding, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Where its drafts came from; none without drafts.
    pub source: Option<Source>,
    /// Tokens drafted.
    pub n_drafted: usize,
    /// Of these, tokens that the sampler drew too.
    pub n_accepted: usize,
    /// What drafting, computing and reading the scores took.
    pub took: Duration,
}

/// What rounds gave and took, newer ones counting more.
#[derive(Clone, Debug, Default)]
struct Speed {
    n_tokens: f64,
    seconds: f64,
    n_rounds: u32,
}

impl Speed {
    fn record(&mut self, n_tokens: usize, took: Duration) {
        self.n_tokens = self.n_tokens * DECAY + n_tokens as f64;
        self.seconds = self.seconds * DECAY + took.as_secs_f64();
        self.n_rounds += 1;
    }

    fn seconds_per_token(&self) -> f64 {
        self.seconds / self.n_tokens
    }
}

/// One source of drafts, on trial.
#[derive(Clone, Debug)]
struct Trial {
    speed: Speed,
    /// Drafts to make at once.
    len: usize,
    /// Rounds to wait for before the next drafts.
    resting: u32,
    /// The rest after the next failure.
    next_rest: u32,
}

impl Trial {
    fn beginning_with(len: usize) -> Self {
        Trial { speed: Speed::default(), len, resting: 0, next_rest: FIRST_REST }
    }

    fn record(&mut self, round: &Round, plain: &Speed) {
        self.speed.record(round.n_accepted + 1, round.took);
        self.len = if round.n_accepted == round.n_drafted {
            (self.len + 2).min(MOST_DRAFTS)
        } else {
            (self.len - 1).max(1)
        };
        if self.speed.n_rounds < TRIAL_ROUNDS {
            return;
        }
        if self.speed.seconds_per_token() < plain.seconds_per_token() {
            self.next_rest = FIRST_REST;
        } else {
            self.resting = self.next_rest;
            self.next_rest = (2 * self.next_rest).min(LONGEST_REST);
            self.speed = Speed::default();
        }
    }
}

/// The pace of decoding with and without drafts.
#[derive(Clone, Debug)]
pub struct Pace {
    plain: Speed,
    rounds_since_plain: u32,
    lookup: Trial,
    multi_token: Trial,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            plain: Speed::default(),
            rounds_since_plain: 0,
            // A text that repeats itself does so for long; the layer was trained for one token.
            lookup: Trial::beginning_with(4),
            multi_token: Trial::beginning_with(1),
        }
    }
}

impl Pace {
    /// How many tokens to draft from `source` in the next round; 0 while that does not pay.
    pub fn n_drafts(&self, source: Source) -> usize {
        let is_plain_due = self.plain.n_rounds < FIRST_PLAIN_ROUNDS
            || self.rounds_since_plain >= ROUNDS_BETWEEN_PLAIN;
        let trial = match source {
            Source::Lookup => &self.lookup,
            Source::MultiToken => &self.multi_token,
        };
        if is_plain_due || trial.resting > 0 { 0 } else { trial.len }
    }

    /// Learns from a round.
    pub fn record(&mut self, round: &Round) {
        for trial in [&mut self.lookup, &mut self.multi_token] {
            trial.resting = trial.resting.saturating_sub(1);
        }
        self.rounds_since_plain += 1;
        match round.source {
            None => {
                self.plain.record(1, round.took);
                self.rounds_since_plain = 0;
            }
            Some(Source::Lookup) => self.lookup.record(round, &self.plain),
            Some(Source::MultiToken) => self.multi_token.record(round, &self.plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs rounds of which drafts cost `draft_ms` each beside 10 ms, and are accepted up to the
    /// number that `accepted` gives for a round; tells how many tokens each drafted.
    fn rounds(
        pace: &mut Pace,
        n: usize,
        draft_ms: u64,
        accepted: impl Fn(usize) -> usize,
    ) -> Vec<usize> {
        let round = |index| {
            let n_drafted = pace.n_drafts(Source::MultiToken);
            pace.record(&Round {
                source: (n_drafted > 0).then_some(Source::MultiToken),
                n_drafted,
                n_accepted: accepted(index).min(n_drafted),
                took: Duration::from_millis(10 + draft_ms * n_drafted as u64),
            });
            n_drafted
        };
        (0..n).map(round).collect()
    }

    #[test]
    fn drafts_that_are_accepted_grow_longer() {
        let found = rounds(&mut Pace::default(), 8, 1, |_| MOST_DRAFTS);
        assert_eq!(found, [0, 0, 1, 3, 5, 7, 7, 7]);
    }

    #[test]
    fn drafts_that_are_never_accepted_rest_longer_and_longer() {
        let found = rounds(&mut Pace::default(), 400, 1, |_| 0);
        let starts: Vec<usize> =
            (1..found.len()).filter(|&i| found[i] > 0 && found[i - 1] == 0).collect();
        let trial = TRIAL_ROUNDS as usize;
        // The round that ends a trial begins the rest.
        let expected = [2, 2 + trial + 32, 2 + 2 * trial + 32 + 64, 2 + 3 * trial + 32 + 64 + 128];
        assert_eq!(starts, expected);
        assert_eq!(found.iter().filter(|n| **n > 0).count(), 4 * trial);
    }

    #[test]
    fn drafts_rest_where_computing_them_takes_longer_than_they_save() {
        let with_cost = |draft_ms| {
            let found = rounds(&mut Pace::default(), 30, draft_ms, |_| 1);
            found.iter().filter(|n| **n > 0).count()
        };
        assert_eq!(with_cost(1), 28, "two tokens for little more than the time of one");
        assert_eq!(with_cost(11), TRIAL_ROUNDS as usize, "two tokens for more than twice the time");
    }

    #[test]
    fn drafts_that_begin_to_pay_come_back() {
        let mut pace = Pace::default();
        let before = rounds(&mut pace, 20, 1, |_| 0);
        assert_eq!(before[8..], [0; 12]);
        let after = rounds(&mut pace, 60, 1, |_| MOST_DRAFTS);
        let n_resting = after.iter().take_while(|n| **n == 0).count();
        assert_eq!(n_resting, 32 - 12);
        assert!(after[n_resting..].iter().all(|n| *n > 0), "{after:?}");
    }

    #[test]
    fn a_round_without_drafts_is_measured_now_and_then() {
        let found = rounds(&mut Pace::default(), 150, 1, |_| MOST_DRAFTS);
        let plain: Vec<usize> = (0..150).filter(|&i| found[i] == 0).collect();
        assert_eq!(plain, [0, 1, 66, 131]);
    }
}
