//! The learning rate over a run.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// Linear warm-up, then one of two ways down to a fraction of the peak.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ScheduleTable")]
pub struct Schedule {
    /// Optimiser steps of the run.
    pub steps: u32,
    /// Steps of the warm-up.
    pub warm_up: u32,
    /// The peak.
    pub learning_rate: f32,
    /// The end, as a fraction of the peak.
    pub final_fraction: f32,
    /// What comes after the warm-up.
    pub shape: Shape,
}

/// The way from the peak to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Shape {
    /// Half a cosine over all that is left.
    Cosine,
    /// At the peak until `decay` steps are left, then down by the square root of what is done of
    /// them: `1 − √x` ended lower than a line in every comparison of Hägele et al. 2024. The
    /// checkpoints before the decay serve a longer run as well as this one.
    WarmupStableDecay {
        /// Steps of the decay.
        decay: u32,
    },
}

/// The section of a recipe as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleTable {
    steps: u32,
    warm_up: u32,
    learning_rate: f32,
    #[serde(default = "tenth")]
    final_fraction: f32,
    #[serde(default)]
    shape: ShapeName,
    decay: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ShapeName {
    #[default]
    Cosine,
    WarmupStableDecay,
}

impl TryFrom<ScheduleTable> for Schedule {
    type Error = &'static str;

    fn try_from(table: ScheduleTable) -> Result<Self, Self::Error> {
        let shape = match (table.shape, table.decay) {
            (ShapeName::Cosine, None) => Shape::Cosine,
            (ShapeName::Cosine, Some(_)) => {
                return Err("`schedule.decay` is for shape = \"warmup_stable_decay\" alone");
            }
            (ShapeName::WarmupStableDecay, Some(decay)) => Shape::WarmupStableDecay { decay },
            (ShapeName::WarmupStableDecay, None) => {
                return Err("shape = \"warmup_stable_decay\" needs `schedule.decay`, in steps");
            }
        };
        let ScheduleTable { steps, warm_up, learning_rate, final_fraction, .. } = table;
        Ok(Schedule { steps, warm_up, learning_rate, final_fraction, shape })
    }
}

impl Schedule {
    /// The learning rate of step `step`, from 1.
    pub fn learning_rate(&self, step: u32) -> f32 {
        let peak = f64::from(self.learning_rate);
        if step <= self.warm_up {
            return (peak * f64::from(step) / f64::from(self.warm_up)) as f32;
        }
        let decay = self.decay();
        let begins = self.steps - decay;
        let done = (f64::from(step.saturating_sub(begins)) / f64::from(decay.max(1))).min(1.0);
        let left = match self.shape {
            Shape::Cosine => (1.0 + (PI * done).cos()) / 2.0,
            Shape::WarmupStableDecay { .. } => 1.0 - done.sqrt(),
        };
        let end = peak * f64::from(self.final_fraction);
        (end + (peak - end) * left) as f32
    }

    /// Steps over which the rate falls.
    pub(crate) fn decay(&self) -> u32 {
        match self.shape {
            Shape::Cosine => self.steps.saturating_sub(self.warm_up),
            Shape::WarmupStableDecay { decay } => decay,
        }
    }
}

fn tenth() -> f32 {
    0.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(schedule: &Schedule, step: u32, expected: f32) {
        let found = schedule.learning_rate(step);
        assert!((found - expected).abs() < 1e-9, "step {step}: {found}, not {expected}");
    }

    fn schedule(shape: Shape) -> Schedule {
        Schedule { steps: 10, warm_up: 3, learning_rate: 3e-3, final_fraction: 0.1, shape }
    }

    #[test]
    fn it_climbs_to_the_peak_and_falls_to_the_end() {
        let schedule = schedule(Shape::Cosine);
        close(&schedule, 1, 1e-3);
        close(&schedule, 3, 3e-3);
        close(&schedule, 10, 3e-4);
        // Half-way between steps 6 and 7 lies the middle of the cosine.
        let middle = (schedule.learning_rate(6) + schedule.learning_rate(7)) / 2.0;
        assert!((middle - 1.65e-3).abs() < 1e-6, "{middle}");
    }

    #[test]
    fn it_stays_at_the_peak_until_the_decay() {
        let schedule = schedule(Shape::WarmupStableDecay { decay: 4 });
        close(&schedule, 1, 1e-3);
        for step in 3..=6 {
            close(&schedule, step, 3e-3);
        }
        // A quarter of the decay takes half of the way.
        close(&schedule, 7, 1.65e-3);
        close(&schedule, 8, 3e-4 + 2.7e-3 * (1.0 - 0.5f32.sqrt()));
        close(&schedule, 10, 3e-4);
    }

    #[test]
    fn the_corners_have_no_division_by_nothing() {
        let shapes = [0, 10].map(|decay| Shape::WarmupStableDecay { decay });
        let [constant, decay] = shapes.map(|shape| Schedule { warm_up: 0, ..schedule(shape) });
        close(&constant, 1, 3e-3);
        close(&constant, 10, 3e-3);
        close(&decay, 10, 3e-4);
        close(&Schedule { warm_up: 10, ..schedule(Shape::Cosine) }, 10, 3e-3);
        let no_warm_up = Schedule { warm_up: 0, ..schedule(Shape::Cosine) };
        close(&no_warm_up, 10, 3e-4);
    }

    #[test]
    fn a_decay_belongs_to_the_shape_that_has_one() {
        let parse = |more: &str| {
            toml::from_str::<Schedule>(&format!(
                "steps = 10\nwarm_up = 3\nlearning_rate = 3e-3\n{more}"
            ))
        };
        assert_eq!(parse("").expect("the cosine").shape, Shape::Cosine);
        assert_eq!(parse("shape = \"cosine\"").expect("the cosine").final_fraction, 0.1);
        let shape = "shape = \"warmup_stable_decay\"\n";
        let found = parse(&format!("{shape}decay = 4")).expect("it decays").shape;
        assert_eq!(found, Shape::WarmupStableDecay { decay: 4 });
        for (text, expected) in [
            (shape, "needs `schedule.decay`"),
            ("decay = 4", "`schedule.decay` is for"),
            ("shape = \"line\"", "`cosine` or `warmup_stable_decay`"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
