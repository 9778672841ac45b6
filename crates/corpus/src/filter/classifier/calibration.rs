//! Probabilities that mean what they say: of texts given 0.8, eight in ten are worth keeping.

use super::linear::softmax;

/// The temperature (Guo et al. 2017, arXiv 1706.04599) at which held-out examples are least
/// surprising. `logits` are `[examples, classes]`, and each example has its class.
///
/// # Panics
/// Where the numbers of examples differ.
pub fn temperature(logits: &[Vec<f32>], classes: &[usize]) -> f32 {
    assert_eq!(logits.len(), classes.len(), "an example has a class");
    let surprise = |log_temperature: f32| -> f64 {
        let temperature = log_temperature.exp();
        let each = logits.iter().zip(classes).map(|(logits, &class)| {
            let mut p = logits.clone();
            softmax(&mut p, temperature);
            -f64::from(p[class].max(1e-12)).ln()
        });
        each.sum()
    };
    // The sum is convex in the inverse of the temperature, so that a search by thirds finds the least.
    let (mut low, mut high) = (-4.0f32, 4.0f32);
    for _ in 0..60 {
        let third = (high - low) / 3.0;
        if surprise(low + third) <= surprise(high - third) {
            high -= third;
        } else {
            low += third;
        }
    }
    ((low + high) / 2.0).exp()
}

/// The expected calibration error over 10 equal bins: how far, on average, the probability given
/// lies from the share that was right. Each item is a probability and whether it came true.
pub fn calibration_error(scored: &[(f32, bool)]) -> f32 {
    let mut bins = [(0.0f64, 0.0f64); 10];
    for &(p, is_true) in scored {
        let bin = &mut bins[((p * 10.0) as usize).min(9)];
        bin.0 += f64::from(p);
        bin.1 += f64::from(u8::from(is_true));
    }
    let gaps = bins.iter().map(|(p, n_true)| (p - n_true).abs());
    (gaps.sum::<f64>() / scored.len().max(1) as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_classifier_too_sure_of_itself_is_cooled() {
        // Says 0.982 (a logit of 4) and is right three times in four, which a logit of ln 3 says.
        let logits = vec![vec![4.0, 0.0]; 4];
        let t = temperature(&logits, &[0, 0, 0, 1]);
        assert!((t - 4.0 / 3.0f32.ln()).abs() < 1e-2, "{t}");
    }

    #[test]
    fn the_error_is_the_gap_between_what_is_said_and_what_is_so() {
        let scored = [(0.9, true), (0.9, false), (0.1, false), (0.1, false)];
        assert!((calibration_error(&scored) - (0.8 + 0.2) / 4.0).abs() < 1e-6);
    }
}
