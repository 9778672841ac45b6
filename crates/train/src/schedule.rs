//! The learning rate over a run.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// Linear warm-up, then half a cosine down to a fraction of the peak.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Optimiser steps of the run.
    pub steps: u32,
    /// Steps of the warm-up.
    pub warm_up: u32,
    /// The peak.
    pub learning_rate: f32,
    /// The end, as a fraction of the peak.
    #[serde(default = "tenth")]
    pub final_fraction: f32,
}

impl Schedule {
    /// The learning rate of step `step`, from 1.
    pub fn learning_rate(&self, step: u32) -> f32 {
        let peak = f64::from(self.learning_rate);
        if step <= self.warm_up {
            return (peak * f64::from(step) / f64::from(self.warm_up)) as f32;
        }
        let decaying = f64::from((self.steps - self.warm_up).max(1));
        let done = (f64::from(step - self.warm_up) / decaying).min(1.0);
        let end = peak * f64::from(self.final_fraction);
        (end + (peak - end) * (1.0 + (PI * done).cos()) / 2.0) as f32
    }
}

fn tenth() -> f32 {
    0.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_climbs_to_the_peak_and_falls_to_the_end() {
        let schedule = Schedule { steps: 10, warm_up: 3, learning_rate: 3e-3, final_fraction: 0.1 };
        let close = |step, expected: f32| {
            let found = schedule.learning_rate(step);
            assert!((found - expected).abs() < 1e-9, "step {step}: {found}, not {expected}");
        };
        close(1, 1e-3);
        close(3, 3e-3);
        close(10, 3e-4);
        // Half-way between steps 6 and 7 lies the middle of the cosine.
        let middle = (schedule.learning_rate(6) + schedule.learning_rate(7)) / 2.0;
        assert!((middle - 1.65e-3).abs() < 1e-6, "{middle}");
    }
}
