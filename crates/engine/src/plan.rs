//! What to do next, decided from counts alone.

use std::ops::Range;

use crate::event::FinishReason;

/// How far a sequence has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its tokens, prompt and generated.
    pub n_tokens: usize,
    /// Those whose keys and values are in the cache.
    pub n_cached: usize,
    /// Tokens after the last one whose scores are there already.
    pub n_scored: usize,
    /// Tokens that may still be generated.
    pub n_left: usize,
    /// Drafts that would be worth computing beside the next token.
    pub n_drafts: usize,
    /// Why it ends, once that is known.
    pub ending: Option<FinishReason>,
}

/// The next thing to do with a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Run these tokens of the sequence through the model.
    Compute {
        /// Which, counted from the sequence's first.
        tokens: Range<usize>,
        /// Whether they are the last there are, so that the next can be sampled.
        is_last: bool,
        /// How many drafts may be run with them.
        n_drafts: usize,
    },
    /// Choose the next token from scores that are there.
    Choose,
    /// Tell the caller that it has ended.
    Finish(FinishReason),
}

/// Plans the next step of a sequence: at most `chunk_len` tokens at once, and none beyond
/// `capacity`. Drafts are run beside one token alone, and none whose successor could not be used.
pub fn plan(progress: Progress, capacity: usize, chunk_len: usize) -> Plan {
    let Progress { n_tokens, n_cached, n_scored, n_left, n_drafts, ending } = progress;
    if let Some(reason) = ending {
        return Plan::Finish(reason);
    }
    if n_scored > 0 {
        return Plan::Choose;
    }
    if n_tokens > capacity {
        return Plan::Finish(FinishReason::ContextFull);
    }
    let end = n_tokens.min(n_cached + chunk_len);
    let is_last = end == n_tokens;
    let most = n_left.saturating_sub(1).min(capacity - n_tokens);
    let n_drafts = if is_last && end - n_cached == 1 { n_drafts.min(most) } else { 0 };
    Plan::Compute { tokens: n_cached..end, is_last, n_drafts }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(n_tokens: usize, n_cached: usize) -> Progress {
        Progress { n_tokens, n_cached, n_scored: 0, n_left: 100, n_drafts: 0, ending: None }
    }

    #[test]
    fn a_prompt_is_computed_in_chunks_and_then_token_by_token() {
        let compute = |tokens, is_last| Plan::Compute { tokens, is_last, n_drafts: 0 };
        for (n_tokens, n_cached, expected) in [
            (10, 0, compute(0..4, false)),
            (10, 4, compute(4..8, false)),
            (10, 8, compute(8..10, true)),
            (11, 10, compute(10..11, true)),
            (12, 11, compute(11..12, true)),
            (13, 12, Plan::Finish(FinishReason::ContextFull)),
        ] {
            assert_eq!(plan(progress(n_tokens, n_cached), 12, 4), expected);
        }
        let ending = Some(FinishReason::Length);
        let ended = Progress { ending, ..progress(13, 12) };
        assert_eq!(plan(ended, 12, 4), Plan::Finish(FinishReason::Length));
    }

    #[test]
    fn drafts_are_run_beside_one_token_as_far_as_they_can_be_used() {
        for (n_tokens, n_cached, n_left, expected) in [
            // A part of the prompt, its end, its last token alone.
            (10, 0, 9, 0),
            (10, 8, 9, 0),
            (10, 9, 9, 5),
            // Three more tokens may come: two drafts, and the one after them.
            (10, 9, 3, 2),
            (10, 9, 1, 0),
            // Positions there is room for.
            (18, 17, 9, 2),
            (20, 19, 9, 0),
        ] {
            let progress = Progress { n_left, n_drafts: 5, ..progress(n_tokens, n_cached) };
            let Plan::Compute { n_drafts, .. } = plan(progress, 20, 4) else { panic!("ended") };
            assert_eq!(n_drafts, expected, "{n_tokens} tokens, {n_left} left");
        }
    }

    #[test]
    fn scores_that_are_there_are_used_first() {
        let scored = Progress { n_scored: 2, ..progress(10, 12) };
        assert_eq!(plan(scored.clone(), 20, 4), Plan::Choose);
        let ending = Some(FinishReason::Cancelled);
        let ended = Progress { ending: ending.clone(), ..scored };
        assert_eq!(plan(ended, 20, 4), Plan::Finish(FinishReason::Cancelled));
    }
}
