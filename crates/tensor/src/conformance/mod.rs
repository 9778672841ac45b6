//! The one table of cases that every backend runs: values, gradients and speed.
//!
//! A [`Case`] is one operation on one set of inputs. Its values and its gradients are compared
//! with those of [`crate::Reference`] within the case's [`Bound`]; its gradients also with finite
//! differences of the backend's own forward pass, which is what proves the reference itself.

mod case;
mod gradients;
mod random;
mod report;
mod speed;
mod table;
mod values;

pub use case::{Bound, Case};
pub use report::Row;
pub use speed::{SpeedRow, measure_speed};

use crate::differentiable::Differentiable;

/// The table: every operation, on shapes chosen to be awkward.
pub fn cases() -> Vec<Case> {
    table::all()
}

/// Compares every operation's output with the reference's, with a second way to the same answer
/// where there is one, and with itself run twice.
pub fn check_values(backend: &dyn Differentiable) -> Vec<Row> {
    cases().iter().flat_map(|case| values::check(case, backend)).collect()
}

/// Compares every gradient with the reference's, stored and added, with finite differences of the
/// backend's own forward pass, and with itself run twice.
pub fn check_gradients(backend: &dyn Differentiable) -> Vec<Row> {
    cases().iter().flat_map(|case| gradients::check(case, backend)).collect()
}

/// Runs the whole table.
///
/// # Panics
/// When a row of the report fails; the message lists all that do.
pub fn assert_conforms(backend: &dyn Differentiable) {
    assert_conforms_within(backend, Bound::EXACT);
}

/// Runs the whole table on a backend that rounds more than the cases expect: where an operation
/// may round at all, `rounding` is allowed as well.
///
/// # Panics
/// As [`assert_conforms`].
pub fn assert_conforms_within(backend: &dyn Differentiable, rounding: Bound) {
    let mut rows = Vec::new();
    for case in cases() {
        let case = case.within(rounding);
        rows.extend(values::check(&case, backend));
        rows.extend(gradients::check(&case, backend));
    }
    report::assert_all_ok(&backend.name(), &rows);
}
