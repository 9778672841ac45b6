//! How many of a number of items came out right.

use serde::Serialize;

/// A share of items, with the uncertainty that their number leaves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// From 0 to 1.
    pub accuracy: f64,
    /// Of the accuracy, as of a sample's mean; none for a single item.
    pub standard_error: Option<f64>,
    /// Items.
    pub n: usize,
}

impl Share {
    /// The share of `true` among `items`; 0 of none.
    pub fn of(items: impl IntoIterator<Item = bool>) -> Share {
        let (mut n_right, mut n) = (0, 0usize);
        for is_right in items {
            n_right += usize::from(is_right);
            n += 1;
        }
        let accuracy = n_right as f64 / n.max(1) as f64;
        let variance = accuracy * (1.0 - accuracy);
        let standard_error = (n > 1).then(|| (variance / (n - 1) as f64).sqrt());
        Share { accuracy, standard_error, n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_that_of_a_sample_mean() {
        let share = Share::of([true, true, true, false, true]);
        // The values 1, 1, 1, 0, 1 have the sample variance 0.2.
        assert_eq!((share.accuracy, share.n), (0.8, 5));
        assert!((share.standard_error.unwrap() - (0.2f64 / 5.0).sqrt()).abs() < 1e-12);
        assert_eq!(Share::of([true]).standard_error, None);
    }
}
