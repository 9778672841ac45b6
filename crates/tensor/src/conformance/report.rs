//! What a check found, and the comparison of two tensors.

use std::fmt;

use crate::tensor::Tensor;

use super::case::Bound;

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The name of the case.
    pub case: String,
    /// What was compared.
    pub what: String,
    /// The greatest difference; infinite when shapes differ or a value is not a number.
    pub error: f64,
    /// The greatest difference allowed.
    pub bound: f64,
}

impl Row {
    /// Whether the difference is within the bound.
    pub fn is_ok(&self) -> bool {
        self.error <= self.bound
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { case, what, error, bound } = self;
        write!(f, "{case}: {what}: error {error:.3e}, bound {bound:.3e}")
    }
}

/// Compares two host tensors; `times` multiplies the expected values.
pub(super) fn compare(found: &Tensor, expected: &Tensor, times: f64, bound: Bound) -> (f64, f64) {
    let expected_values: Vec<f64> =
        expected.to_f32_vec().into_iter().map(|x| times * f64::from(x)).collect();
    let magnitude = expected_values.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let bound = bound.at(magnitude);
    if found.dims() != expected.dims() || found.dtype() != expected.dtype() {
        return (f64::INFINITY, bound);
    }
    let difference = |(found, expected): (f32, f64)| {
        let difference = (f64::from(found) - expected).abs();
        if difference.is_nan() { f64::INFINITY } else { difference }
    };
    let error = found.to_f32_vec().into_iter().zip(expected_values).map(difference);
    (error.fold(0.0, f64::max), bound)
}

/// The number of values of two host tensors that differ in any bit.
pub(super) fn count_differing_bits(a: &Tensor, b: &Tensor) -> f64 {
    if a.dims() != b.dims() || a.dtype() != b.dtype() {
        return f64::INFINITY;
    }
    let pairs = a.to_f32_vec().into_iter().zip(b.to_f32_vec());
    pairs.filter(|(a, b)| a.to_bits() != b.to_bits()).count() as f64
}

/// # Panics
/// With a list of the rows that fail, when there are any.
pub(super) fn assert_all_ok(backend: &str, rows: &[Row]) {
    let failures: Vec<String> =
        rows.iter().filter(|row| !row.is_ok()).map(|row| format!("  {row}")).collect();
    assert!(
        failures.is_empty(),
        "{backend}: {} of {} comparisons fail:\n{}",
        failures.len(),
        rows.len(),
        failures.join("\n"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ok(found: &[f32], expected: &[f32]) -> bool {
        let tensor = |values: &[f32]| Tensor::from_slice(values, &[values.len()]);
        let (error, bound) = compare(&tensor(found), &tensor(expected), 1.0, Bound::F32);
        Row { case: String::new(), what: String::new(), error, bound }.is_ok()
    }

    #[test]
    fn a_wrong_value_a_missing_value_and_a_nan_are_found() {
        assert!(is_ok(&[1.0, 2.0], &[1.0, 2.00001]));
        assert!(!is_ok(&[1.0, 2.0], &[1.0, 2.0001]));
        assert!(!is_ok(&[1.0], &[1.0, 2.0]));
        assert!(!is_ok(&[1.0, f32::NAN], &[1.0, 2.0]));
        assert!(!is_ok(&[1.0, f32::INFINITY], &[1.0, 2.0]));
        assert!(!is_ok(&[1.0, 2.0], &[1.0, f32::NAN]));
    }

    #[test]
    #[should_panic(expected = "1 of 2 comparisons fail:\n  b: c: error 2")]
    fn the_failing_rows_are_listed() {
        let row =
            |case: &str, error| Row { case: case.into(), what: "c".into(), error, bound: 1.0 };
        assert_all_ok("device", &[row("a", 1.0), row("b", 2.0)]);
    }
}
