//! How documents are laid into the windows that a model sees at once.
//!
//! Texts lie end to end and are cut into windows of equal length, wherever that cuts a text.
//! Conversations are laid whole into windows: a model that sees an answer without its question
//! learns to make things up.

use serde::Serialize;

use crate::batches::TrainingBatch;
use crate::error::Error;
use crate::shards::Shards;

/// Windows with room left that the next conversation may still go into.
const OPEN_WINDOWS: usize = 64;

/// What laying conversations into windows did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConversationWindows {
    /// Windows of up to the length asked for.
    pub n_windows: usize,
    /// Tokens in them.
    pub n_tokens: usize,
    /// Conversations longer than a window, whose end was cut off.
    pub n_cut: usize,
    /// Conversations left out because the assistant says nothing before the cut.
    pub n_left_out: usize,
}

/// The windows of a set of shards.
pub struct Windows<'a> {
    shards: &'a Shards,
    length: usize,
    /// The conversations of each window; `None` for texts.
    packed: Option<(Vec<Vec<usize>>, ConversationWindows)>,
}

impl<'a> Windows<'a> {
    /// Windows of up to `length` tokens.
    pub fn of(shards: &'a Shards, length: usize) -> Self {
        let packed = shards.are_conversations().then(|| first_fit(shards, length));
        Windows { shards, length, packed }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.packed {
            None => self.shards.n_windows(self.length),
            Some((windows, _)) => windows.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens of the longest window there may be.
    pub fn window_len(&self) -> usize {
        self.length
    }

    /// What laying conversations into windows did; `None` for texts.
    pub fn of_conversations(&self) -> Option<ConversationWindows> {
        self.packed.as_ref().map(|(_, report)| *report)
    }

    /// A batch of the windows with the given indices.
    ///
    /// # Errors
    /// When no index is given.
    ///
    /// # Panics
    /// When there is no such window.
    pub fn batch(&self, indices: &[usize]) -> Result<TrainingBatch, Error> {
        match &self.packed {
            None => TrainingBatch::of_windows(
                indices.iter().map(|&index| self.shards.window(index, self.length)),
            ),
            Some((windows, _)) => {
                let conversations = indices.iter().flat_map(|&index| &windows[index]);
                TrainingBatch::of_documents(conversations.map(|&index| {
                    let (ids, targets) = self.shards.document(index);
                    let len = ids.len().min(self.length);
                    (&ids[..len], targets[..len].to_vec())
                }))
            }
        }
    }
}

/// Lays each conversation, in order, into the first open window with room for it. When more than
/// [`OPEN_WINDOWS`] are open, the oldest is closed.
fn first_fit(shards: &Shards, length: usize) -> (Vec<Vec<usize>>, ConversationWindows) {
    let (mut closed, mut open) = (Vec::new(), Vec::<(usize, Vec<usize>)>::new());
    let mut report = ConversationWindows::default();
    for index in 0..shards.n_documents() {
        let (ids, targets) = shards.document(index);
        let len = ids.len().min(length);
        if targets[..len].iter().all(|target| *target < 0) {
            report.n_left_out += 1;
            continue;
        }
        report.n_cut += usize::from(len < ids.len());
        report.n_tokens += len;
        let place = open.iter().position(|(room, _)| *room >= len).unwrap_or_else(|| {
            if open.len() == OPEN_WINDOWS {
                closed.push(open.remove(0).1);
            }
            open.push((length, Vec::new()));
            open.len() - 1
        });
        open[place].0 -= len;
        open[place].1.push(index);
        if open[place].0 == 0 {
            closed.push(open.remove(place).1);
        }
    }
    closed.extend(open.into_iter().map(|(_, window)| window));
    report.n_windows = closed.len();
    (closed, report)
}
