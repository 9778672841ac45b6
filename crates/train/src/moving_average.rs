//! An exponential moving average of the weights, which often predicts better than the last of
//! them (Polyak and Juditsky 1992).

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How long the average remembers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovingAverage {
    /// What is kept of it at each step; the rest comes from the weights.
    pub decay: f32,
}

impl MovingAverage {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if (0.0..1.0).contains(&self.decay) {
            return Ok(());
        }
        let (found, expected) = (self.decay.to_string(), "from 0 to less than 1".to_owned());
        Err(Error::RecipeValue { key: "average.decay", found, expected })
    }

    /// What is kept after step `step`, from 1: at first less than the decay, so that the fresh
    /// weights are soon forgotten.
    pub(crate) fn keep(&self, step: u32) -> f32 {
        let step = f64::from(step);
        self.decay.min(((1.0 + step) / (10.0 + step)) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_longer_with_every_step_up_to_its_decay() {
        let average = MovingAverage { decay: 0.9 };
        assert_eq!(average.keep(1), 2.0 / 11.0);
        assert_eq!(average.keep(10), 11.0 / 20.0);
        assert_eq!(average.keep(1000), 0.9);
    }
}
