//! The reference against itself and, what proves it, against finite differences.

use hadal_tensor::Reference;
use hadal_tensor::conformance::{assert_conforms, cases};

#[test]
fn the_reference_conforms() {
    assert_conforms(&Reference);
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let mut names: Vec<String> = cases().into_iter().map(|case| case.name).collect();
    let n_cases = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), n_cases);
}
