//! Drafts by prompt lookup: what followed the last tokens when they came before (Saxena 2023).

/// Tokens of the longest run that is looked for.
const LONGEST: usize = 4;
/// Tokens of the shortest: one alone says too little about the next.
const SHORTEST: usize = 2;

/// Up to `n_drafts` tokens that may follow `ids`: those after the newest earlier place where the
/// longest run of its last tokens stands. A run that reaches the end goes on repeating itself.
pub(crate) fn lookup(ids: &[u32], n_drafts: usize) -> Vec<u32> {
    let Some(next) = (SHORTEST..=LONGEST).rev().find_map(|len| after_earlier(ids, len)) else {
        return Vec::new();
    };
    let mut drafts = Vec::with_capacity(n_drafts);
    for at in next..next + n_drafts {
        drafts.push(ids.get(at).copied().unwrap_or_else(|| drafts[at - ids.len()]));
    }
    drafts
}

/// Where the newest earlier run equal to the last `len` tokens ends.
fn after_earlier(ids: &[u32], len: usize) -> Option<usize> {
    let last = ids.len().checked_sub(len)?;
    let run = &ids[last..];
    (0..last).rev().find(|start| ids[*start..].starts_with(run)).map(|start| start + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_followed_before_is_drafted_again() {
        for (ids, expected) in [
            // Of two places the newer; of two runs the longer.
            (&[1, 2, 7, 1, 2, 8, 9, 1, 2][..], &[8, 9, 1][..]),
            (&[5, 1, 2, 7, 6, 1, 2, 8, 5, 1, 2], &[7, 6, 1]),
            // A repetition goes on.
            (&[4, 3, 4, 3], &[4, 3, 4]),
            (&[6, 6, 6], &[6, 6, 6]),
            // One token is not enough, and nothing is not found.
            (&[1, 2, 3, 1], &[]),
            (&[1], &[]),
            (&[], &[]),
        ] {
            assert_eq!(lookup(ids, 3), expected, "{ids:?}");
        }
        assert!(lookup(&[6, 6, 6], 0).is_empty());
    }
}
