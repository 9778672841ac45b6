//! Whether routers spread their tokens over the experts.

use serde::{Deserialize, Serialize};

use crate::step::StepOutcome;

/// How evenly experts are used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RouterHealth {
    /// The [`max_violation`] of the step's own loads.
    pub max_violation: f64,
    /// The entropy of the distribution of loads over the logarithm of the number of experts, of
    /// the worst layer: 1 is uniform, 0 is all tokens in one expert.
    pub entropy: f64,
    /// Assignments dropped because their expert was full.
    pub n_dropped: usize,
}

impl RouterHealth {
    /// Of one step; `None` for a model without experts.
    pub(crate) fn of(outcome: &StepOutcome) -> Option<RouterHealth> {
        let loads = &outcome.expert_loads;
        let max_violation = max_violation(loads)?;
        let entropy = loads.iter().map(|loads| entropy(loads)).reduce(f64::min)?;
        Some(RouterHealth { max_violation, entropy, n_dropped: outcome.n_dropped })
    }
}

/// The greatest load over the mean load, less 1, of the worst layer; `None` without layers. Of the
/// loads of one batch it is MaxVio_batch of Wang et al. 2024, which sampling keeps above 0 however
/// even the router is; of the loads of many it comes to their MaxVio_global. `loads` are the tokens
/// given to each expert, for each layer with experts.
pub fn max_violation(loads: &[Vec<u64>]) -> Option<f64> {
    loads.iter().map(|loads| violation(loads)).reduce(f64::max)
}

fn violation(loads: &[u64]) -> f64 {
    let mean = loads.iter().sum::<u64>() as f64 / loads.len() as f64;
    loads.iter().max().map_or(0.0, |most| *most as f64 / mean - 1.0)
}

fn entropy(loads: &[u64]) -> f64 {
    let total = loads.iter().sum::<u64>() as f64;
    let shares = loads.iter().filter(|load| **load > 0).map(|load| *load as f64 / total);
    let nats: f64 = shares.map(|share| -share * share.ln()).sum();
    // With one expert there is nothing to spread.
    if loads.len() == 1 { 1.0 } else { nats / (loads.len() as f64).ln() }
}

/// The tokens each expert was given since the last look, for each layer with experts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RouterLoads(Vec<Vec<u64>>);

impl RouterLoads {
    pub(crate) fn add(&mut self, step: &[Vec<u64>]) {
        self.0.resize(step.len(), Vec::new());
        for (sums, loads) in self.0.iter_mut().zip(step) {
            sums.resize(loads.len(), 0);
            for (sum, load) in sums.iter_mut().zip(loads) {
                *sum += load;
            }
        }
    }

    /// Gives the sums and begins anew; `None` where there is nothing.
    pub(crate) fn take(&mut self) -> Option<Vec<Vec<u64>>> {
        Some(std::mem::take(&mut self.0)).filter(|loads| !loads.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_layer_counts() {
        let expert_loads = vec![vec![5, 5, 5, 5], vec![10, 10, 0, 0]];
        let outcome = StepOutcome {
            loss: 1.0,
            multi_token_loss: None,
            z_loss: None,
            balance_loss: None,
            gradient_norm: 1.0,
            expert_loads,
            n_dropped: 3,
        };
        let health = RouterHealth::of(&outcome).expect("it has experts");
        assert_eq!(health.max_violation, 1.0);
        assert!((health.entropy - 0.5).abs() < 1e-12, "two of four: {}", health.entropy);
        assert_eq!(health.n_dropped, 3);
        assert_eq!(entropy(&[7, 0, 0]), 0.0);
    }

    #[test]
    fn loads_add_up_until_they_are_taken() {
        let mut loads = RouterLoads::default();
        loads.add(&[vec![1, 2], vec![3, 4]]);
        loads.add(&[vec![10, 20], vec![30, 40]]);
        assert_eq!(loads.take(), Some(vec![vec![11, 22], vec![33, 44]]));
        assert_eq!(loads.take(), None);
    }
}
