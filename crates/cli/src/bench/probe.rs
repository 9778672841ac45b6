//! What bounds a device: how fast its memory is read.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hadal_tensor::{DType, HostBuffer, Tensor};

/// Bytes that are read, far beyond any cache.
const LEN: usize = 512 << 20;

const MEASURED: Duration = Duration::from_millis(300);

/// Memory that is read to see how fast that goes, of the kind that weights lie in.
pub(crate) struct MemoryProbe {
    words: Tensor,
    n_threads: usize,
}

impl MemoryProbe {
    pub(crate) fn new(n_threads: usize) -> Self {
        let memory = Arc::new(HostBuffer::zeroed(LEN));
        let mut words = Tensor::from_memory(memory, 0, DType::I32, &[LEN / 4]);
        // Pages that were never written may all be the same one.
        words.as_mut_slice().fill(1i32);
        MemoryProbe { words, n_threads }
    }

    /// Bytes per second at which all threads read, the best of a moment.
    pub(crate) fn bandwidth(&self) -> f64 {
        let words: &[i32] = self.words.as_slice();
        let began = Instant::now();
        let mut best = 0.0f64;
        while began.elapsed() < MEASURED {
            let start = Instant::now();
            std::thread::scope(|scope| {
                for part in words.chunks(words.len().div_ceil(self.n_threads)) {
                    scope.spawn(move || black_box(sum(part)));
                }
            });
            best = best.max(LEN as f64 / start.elapsed().as_secs_f64());
        }
        best
    }
}

/// The exclusive or of all words, in as many lanes as the compiler likes.
fn sum(words: &[i32]) -> i32 {
    let mut lanes = [0; 64];
    for words in words.chunks_exact(lanes.len()) {
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane ^= word;
        }
    }
    lanes.iter().fold(0, |all, lane| all ^ lane)
}
