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
    },
    /// Tell the caller that it has ended.
    Finish(FinishReason),
}

/// Plans the next step of a sequence: at most `chunk_len` tokens at once, and none beyond
/// `capacity`.
pub fn plan(progress: Progress, capacity: usize, chunk_len: usize) -> Plan {
    let Progress { n_tokens, n_cached, ending } = progress;
    if let Some(reason) = ending {
        return Plan::Finish(reason);
    }
    if n_tokens > capacity {
        return Plan::Finish(FinishReason::ContextFull);
    }
    let end = n_tokens.min(n_cached + chunk_len);
    Plan::Compute { tokens: n_cached..end, is_last: end == n_tokens }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_computed_in_chunks_and_then_token_by_token() {
        let compute = |tokens, is_last| Plan::Compute { tokens, is_last };
        for (n_tokens, n_cached, expected) in [
            (10, 0, compute(0..4, false)),
            (10, 4, compute(4..8, false)),
            (10, 8, compute(8..10, true)),
            (11, 10, compute(10..11, true)),
            (12, 11, compute(11..12, true)),
            (13, 12, Plan::Finish(FinishReason::ContextFull)),
        ] {
            let progress = Progress { n_tokens, n_cached, ending: None };
            assert_eq!(plan(progress, 12, 4), expected);
        }
        let ending = Some(FinishReason::Length);
        let progress = Progress { n_tokens: 13, n_cached: 12, ending };
        assert_eq!(plan(progress, 12, 4), Plan::Finish(FinishReason::Length));
    }
}
