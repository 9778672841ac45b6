//! What bounds a device: how fast it reads and writes memory.

use std::time::{Duration, Instant};

use hadal_tensor::Backend;

/// Numbers of each tensor: three of them are far beyond any cache.
const LEN: usize = 32 << 20;

const MEASURED: Duration = Duration::from_millis(500);

/// Bytes per second that the device's best addition of two large tensors reads and writes.
pub(crate) fn bandwidth(device: &dyn Backend) -> f64 {
    let [a, b] = [0, 1].map(|_| device.zeros(&[LEN / 1024, 1024]));
    let began = Instant::now();
    let mut best = 0.0f64;
    while began.elapsed() < MEASURED {
        let start = Instant::now();
        drop(device.add(&a, &b));
        best = best.max((3 * LEN * size_of::<f32>()) as f64 / start.elapsed().as_secs_f64());
    }
    best
}
