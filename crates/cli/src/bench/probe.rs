//! What bounds a device: how fast its memory is read.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Bytes that are read, far beyond any cache.
const LEN: usize = 512 << 20;

const MEASURED: Duration = Duration::from_millis(300);

/// Memory that is read to see how fast that goes.
pub(crate) struct MemoryProbe {
    words: Vec<u64>,
    n_threads: usize,
}

impl MemoryProbe {
    pub(crate) fn new(n_threads: usize) -> Self {
        MemoryProbe { words: (0..(LEN / 8) as u64).collect(), n_threads }
    }

    /// Bytes per second at which all threads read, the best of a moment.
    pub(crate) fn bandwidth(&self) -> f64 {
        let began = Instant::now();
        let mut best = 0.0f64;
        while began.elapsed() < MEASURED {
            let start = Instant::now();
            std::thread::scope(|scope| {
                for part in self.words.chunks(self.words.len().div_ceil(self.n_threads)) {
                    scope.spawn(move || black_box(sum(part)));
                }
            });
            best = best.max(LEN as f64 / start.elapsed().as_secs_f64());
        }
        best
    }
}

/// The exclusive or of all words, in as many lanes as the compiler likes.
fn sum(words: &[u64]) -> u64 {
    let mut lanes = [0; 64];
    for words in words.chunks_exact(lanes.len()) {
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane ^= word;
        }
    }
    lanes.iter().fold(0, |all, lane| all ^ lane)
}
