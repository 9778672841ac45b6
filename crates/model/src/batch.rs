//! The tokens of one forward pass.

use std::sync::Arc;

use hadal_tensor::{Segment, Tensor};

use crate::error::Error;

/// Tokens, their positions, and who attends to whom.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `i32 [T]`.
    pub ids: Tensor,
    /// Positions in their own text, `i32 [T]`.
    pub positions: Tensor,
    /// Rows that attend to each other.
    pub segments: Arc<[Segment]>,
    /// One more than the greatest position.
    pub n_positions: usize,
}

impl Batch {
    /// Several texts one after the other, none seeing another.
    ///
    /// # Errors
    /// When there are no tokens.
    pub fn of_texts<'a>(texts: impl IntoIterator<Item = &'a [u32]>) -> Result<Self, Error> {
        let (mut ids, mut positions, mut segments) = (Vec::new(), Vec::new(), Vec::new());
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            let rows = ids.len()..ids.len() + text.len();
            ids.extend(text.iter().map(|&id| id as i32));
            positions.extend(0..text.len() as i32);
            segments.push(Segment { queries: rows.clone(), keys: rows });
        }
        let n_positions =
            segments.iter().map(|s| s.queries.len()).max().ok_or(Error::EmptyBatch)?;
        Ok(Batch {
            ids: Tensor::from_slice(&ids, &[ids.len()]),
            positions: Tensor::from_slice(&positions, &[positions.len()]),
            segments: segments.into(),
            n_positions,
        })
    }

    /// The next tokens of one text of which `n_before` are in the cache.
    ///
    /// # Errors
    /// When there are no tokens.
    pub fn continuing(n_before: usize, ids: &[u32]) -> Result<Self, Error> {
        if ids.is_empty() {
            return Err(Error::EmptyBatch);
        }
        let n_positions = n_before + ids.len();
        let positions: Vec<i32> = (n_before as i32..n_positions as i32).collect();
        let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
        Ok(Batch {
            ids: Tensor::from_slice(&ids, &[ids.len()]),
            positions: Tensor::from_slice(&positions, &[positions.len()]),
            segments: [Segment { queries: 0..ids.len(), keys: 0..n_positions }].into(),
            n_positions,
        })
    }

    /// The next token of each of several sequences in a cache of `capacity` positions each: the
    /// sequence's number, how many of its tokens are in the cache, and the token.
    ///
    /// # Errors
    /// When there are no tokens.
    pub fn next_tokens(capacity: usize, tokens: &[(usize, usize, u32)]) -> Result<Self, Error> {
        let ids: Vec<i32> = tokens.iter().map(|(_, _, id)| *id as i32).collect();
        let positions: Vec<i32> = tokens.iter().map(|(_, n_before, _)| *n_before as i32).collect();
        let n_positions =
            tokens.iter().map(|(_, n_before, _)| n_before + 1).max().ok_or(Error::EmptyBatch)?;
        let segments = tokens.iter().enumerate().map(|(row, (sequence, n_before, _))| {
            let start = sequence * capacity;
            Segment { queries: row..row + 1, keys: start..start + n_before + 1 }
        });
        Ok(Batch {
            ids: Tensor::from_slice(&ids, &[ids.len()]),
            positions: Tensor::from_slice(&positions, &[positions.len()]),
            segments: segments.collect(),
            n_positions,
        })
    }

    /// The most rows of one sequence.
    pub(crate) fn longest_segment(&self) -> usize {
        self.segments.iter().map(|segment| segment.queries.len()).max().unwrap_or(0)
    }

    /// `T`.
    pub fn n_tokens(&self) -> usize {
        self.ids.len()
    }
}
