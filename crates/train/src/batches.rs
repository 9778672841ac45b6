//! Which tokens each step sees.

use hadal_model::Batch;
use hadal_tensor::{Segment, Tensor};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::error::Error;
use crate::recipe::BatchConfig;
use crate::shards::Shards;
use crate::windows::{ConversationWindows, Windows};

/// Tokens to learn from, and what should follow each.
pub struct TrainingBatch {
    /// What the model sees.
    pub inputs: Batch,
    /// The next token of each, `i32 [T]`; negative where a document ends.
    pub targets: Tensor,
    /// Targets that are not negative.
    pub n_targets: usize,
}

impl TrainingBatch {
    /// Windows of equal length, each with the token after it, and the places in each where
    /// documents begin: attention and targets do not cross these.
    ///
    /// # Errors
    /// When there are no tokens.
    pub fn of_windows<'a>(
        windows: impl IntoIterator<Item = (&'a [i32], Vec<usize>)>,
    ) -> Result<Self, Error> {
        let mut documents = Vec::new();
        for (window, begins) in windows {
            let len = window.len().saturating_sub(1);
            let mut start = 0;
            for end in begins.into_iter().chain([window.len()]) {
                // The last token of a document is followed by none of its own; that of a window by
                // the token after it, unless another document begins there.
                let rows = start..end.min(len);
                if !rows.is_empty() {
                    let mut targets = window[start + 1..end].to_vec();
                    targets.resize(rows.len(), -1);
                    documents.push((&window[rows], targets));
                }
                start = end;
            }
        }
        TrainingBatch::of_documents(documents)
    }

    /// Documents, each given as its tokens and what should follow each of them, negative where
    /// that is not learned from. None sees another.
    ///
    /// # Errors
    /// When there are no tokens.
    pub fn of_documents<'a>(
        documents: impl IntoIterator<Item = (&'a [i32], Vec<i32>)>,
    ) -> Result<Self, Error> {
        let (mut ids, mut positions, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        let mut segments = Vec::new();
        for (document, follow) in documents {
            let rows = ids.len()..ids.len() + document.len();
            ids.extend_from_slice(document);
            positions.extend(0..document.len() as i32);
            targets.extend(follow);
            segments.push(Segment { queries: rows.clone(), keys: rows });
        }
        let longest = segments.iter().map(|segment| segment.queries.len()).max();
        let list = |values: &[i32]| Tensor::from_slice(values, &[values.len()]);
        Ok(TrainingBatch {
            inputs: Batch {
                ids: list(&ids),
                positions: list(&positions),
                segments: segments.into(),
                n_positions: longest.ok_or(hadal_model::Error::EmptyBatch)?,
            },
            n_targets: targets.iter().filter(|target| **target >= 0).count(),
            targets: list(&targets),
        })
    }
}

/// What the layer that predicts the token after next sees and should say.
pub struct SecondTargets {
    /// The token after each, `i32 [T]`. Where a document ends there is none, and the token itself
    /// stands for it: its row is the last of its segment, so that no other row sees it.
    pub next: Tensor,
    /// The token after that, `i32 [T]`; negative where it would be another document's, or beyond
    /// what is known.
    pub targets: Tensor,
    /// Targets that are not negative.
    pub n_targets: usize,
}

impl TrainingBatch {
    /// The targets one token further on.
    pub fn second(&self) -> SecondTargets {
        let (ids, first) = (self.inputs.ids.as_slice::<i32>(), self.targets.as_slice::<i32>());
        let (mut next, mut targets) = (ids.to_vec(), vec![-1; ids.len()]);
        for segment in self.inputs.segments.iter() {
            let (start, last) = (segment.queries.start, segment.queries.end - 1);
            next[start..last].copy_from_slice(&ids[start + 1..=last]);
            targets[start..last].copy_from_slice(&first[start + 1..=last]);
            if first[last] >= 0 {
                next[last] = first[last];
            }
        }
        SecondTargets {
            n_targets: targets.iter().filter(|target| **target >= 0).count(),
            next: Tensor::from_slice(&next, &[next.len()]),
            targets: Tensor::from_slice(&targets, &[targets.len()]),
        }
    }
}

/// All windows of a set of shards, in an order shuffled anew for each pass over them.
///
/// The order is a function of the seed and the pass, so a run is resumed by the number of windows
/// it has seen.
pub struct Batches<'a> {
    windows: Windows<'a>,
    config: BatchConfig,
    seed: u64,
    order: Vec<u32>,
    pass: Option<u64>,
}

impl<'a> Batches<'a> {
    /// Batches of the windows of `shards`.
    ///
    /// # Errors
    /// When there is not one window.
    pub fn of(shards: &'a Shards, config: BatchConfig, seed: u64) -> Result<Self, Error> {
        let windows = Windows::of(shards, config.length);
        if windows.is_empty() {
            let (set, found, expected) = ("training", shards.n_tokens(), config.length + 1);
            return Err(Error::TooFewTokens { set, found, expected });
        }
        Ok(Batches { windows, config, seed, order: Vec::new(), pass: None })
    }

    /// Windows in one pass over the data.
    pub fn n_windows(&self) -> usize {
        self.windows.len()
    }

    /// What laying conversations into windows did; `None` for texts.
    pub fn of_conversations(&self) -> Option<ConversationWindows> {
        self.windows.of_conversations()
    }

    /// The micro-batches of step `step`, from 1.
    ///
    /// # Errors
    /// When a batch cannot be made.
    pub fn step(&mut self, step: u32) -> Result<Vec<TrainingBatch>, Error> {
        let BatchConfig { sequences, accumulation, .. } = self.config;
        let first = u64::from(step - 1) * (sequences * accumulation) as u64;
        (0..accumulation)
            .map(|micro| {
                let first = first + (micro * sequences) as u64;
                let indices: Vec<usize> =
                    (first..first + sequences as u64).map(|seen| self.window_index(seen)).collect();
                self.windows.batch(&indices)
            })
            .collect()
    }

    /// Which window comes after `seen` others.
    fn window_index(&mut self, seen: u64) -> usize {
        let n_windows = self.n_windows() as u64;
        let pass = seen / n_windows;
        if self.pass != Some(pass) {
            let mut random = ChaCha8Rng::seed_from_u64(self.seed);
            random.set_stream(pass);
            self.order = (0..n_windows as u32).collect();
            self.order.shuffle(&mut random);
            self.pass = Some(pass);
        }
        self.order[(seen % n_windows) as usize] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_crosses_the_beginning_of_a_document() {
        let window = [5, 6, 7, 8, 9];
        let batch = TrainingBatch::of_windows([(&window[..], vec![2])]).unwrap();
        assert_eq!(batch.inputs.ids.as_slice::<i32>(), [5, 6, 7, 8]);
        assert_eq!(batch.targets.as_slice::<i32>(), [6, -1, 8, 9]);
        assert_eq!(batch.inputs.positions.as_slice::<i32>(), [0, 1, 0, 1]);
        let rows: Vec<_> = batch.inputs.segments.iter().map(|s| s.queries.clone()).collect();
        assert_eq!(rows, [0..2, 2..4]);
        assert_eq!(batch.n_targets, 3);
    }

    #[test]
    fn the_token_after_next_is_of_the_same_document() {
        let windows = [(&[5, 6, 7, 8, 9, 10][..], vec![3]), (&[1, 2, 3], vec![1])];
        let second = TrainingBatch::of_windows(windows).unwrap().second();
        // The documents are 5 6 7, 8 9 10 with the 10 only as a target, 1, and 2 3 likewise.
        assert_eq!(second.next.as_slice::<i32>(), [6, 7, 7, 9, 10, 1, 3]);
        assert_eq!(second.targets.as_slice::<i32>(), [7, -1, -1, 10, -1, -1, -1]);
        assert_eq!(second.n_targets, 2);
    }

    #[test]
    fn the_token_after_a_window_is_no_target_where_a_document_begins_with_it() {
        let window = [5, 6, 7];
        let batch = TrainingBatch::of_windows([(&window[..], vec![0, 2])]).unwrap();
        assert_eq!(batch.targets.as_slice::<i32>(), [6, -1]);
        assert_eq!(batch.inputs.segments.len(), 1);
    }
}
