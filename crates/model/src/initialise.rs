//! Fresh weights.

use hadal_tensor::Tensor;

use crate::config::Config;
use crate::parameter::{Parameter, parameters};

/// The weights to start training from: matrices normal with the configuration's
/// `initializer_range`, normalisations 1, biases 0. Each tensor has a random stream of
/// its own, from `seed` and its name, so that it does not depend on what else the model has.
pub fn initialise(config: &Config, seed: u64) -> Vec<(Parameter, Tensor)> {
    parameters(config)
        .into_iter()
        .map(|parameter| {
            let len = parameter.dims.iter().product();
            let values = if parameter.is_matrix() {
                let mut random = SplitMix::new(seed, &parameter.name);
                (0..len).map(|_| config.initializer_range * random.normal()).collect()
            } else {
                let is_norm = parameter.is_trained() && !parameter.is_bias();
                vec![if is_norm { 1.0 } else { 0.0 }; len]
            };
            let tensor = Tensor::from_slice(&values, &parameter.dims);
            (parameter, tensor)
        })
        .collect()
}

/// The SplitMix64 generator (Steele, Lea and Flood 2014): a stream is one number to seed.
struct SplitMix(u64);

impl SplitMix {
    fn new(seed: u64, name: &str) -> Self {
        // FNV-1a keeps the streams of different names apart.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        SplitMix(seed ^ hash)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in (0, 1].
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f32 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        (radius * (std::f64::consts::TAU * self.uniform()).cos()) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_numbers_have_mean_0_and_variance_1() {
        let mut random = SplitMix::new(7, "a name");
        let values: Vec<f64> = (0..40_000).map(|_| f64::from(random.normal())).collect();
        let mean = values.iter().sum::<f64>() / 4e4;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4e4;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }
}
