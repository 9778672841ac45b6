//! How fast a run goes: by the clock, and as a share of what the device can do.

use std::time::Instant;

/// The share of the past in the smoothed time of a step: it looks back about twenty steps.
const MEMORY: f64 = 0.95;

/// Watches the steps of a run.
pub(crate) struct Pace {
    tokens: f64,
    flops: f64,
    measured_peak: f64,
    began: Instant,
    n_steps: f64,
    step_seconds: f64,
    /// The smoothed time of a step, times `weight`.
    smoothed: f64,
    weight: f64,
}

/// Where the clock stands after a step.
pub(crate) struct Timing {
    pub(crate) tokens_per_second: f64,
    pub(crate) smoothed_tokens_per_second: f64,
    pub(crate) mfu: f64,
    pub(crate) seconds_left: f64,
}

impl Pace {
    /// A run begins whose steps have `tokens` tokens and ask for `flops` operations, on a device
    /// that can do `measured_peak` operations a second.
    pub(crate) fn begin(tokens: usize, flops: f64, measured_peak: f64) -> Self {
        let began = Instant::now();
        let tokens = tokens as f64;
        let (n_steps, step_seconds, smoothed, weight) = (0.0, 0.0, 0.0, 0.0);
        Pace { tokens, flops, measured_peak, began, n_steps, step_seconds, smoothed, weight }
    }

    /// A step took `seconds`, and `n_left` follow.
    pub(crate) fn step(&mut self, seconds: f64, n_left: u32) -> Timing {
        self.n_steps += 1.0;
        self.step_seconds += seconds;
        self.smoothed = MEMORY * self.smoothed + (1.0 - MEMORY) * seconds;
        self.weight = MEMORY * self.weight + (1.0 - MEMORY);
        let smoothed = self.smoothed / self.weight;
        // Measuring and saving take time beside the steps, and will again.
        let beside = (self.began.elapsed().as_secs_f64() - self.step_seconds).max(0.0);
        Timing {
            tokens_per_second: self.tokens / seconds,
            smoothed_tokens_per_second: self.tokens / smoothed,
            mfu: self.flops / smoothed / self.measured_peak,
            seconds_left: f64::from(n_left) * (smoothed + beside / self.n_steps),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_step_hardly_moves_the_smoothed_speed() {
        let mut pace = Pace::begin(100, 1e6, 1e7);
        let first = pace.step(0.5, 9);
        assert!((first.smoothed_tokens_per_second - 200.0).abs() < 1e-9);
        assert!((first.mfu - 0.2).abs() < 1e-9, "2 M operations a second of 10 M");
        assert!((first.seconds_left - 4.5).abs() < 0.1, "{}", first.seconds_left);
        for _ in 0..50 {
            pace.step(0.5, 9);
        }
        let slow = pace.step(1.0, 0);
        assert!((slow.tokens_per_second - 100.0).abs() < 1e-9);
        assert!(slow.smoothed_tokens_per_second > 185.0, "{}", slow.smoothed_tokens_per_second);
        assert_eq!(slow.seconds_left, 0.0);
    }
}
