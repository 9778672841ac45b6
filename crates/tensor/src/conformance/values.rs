//! Values: against the reference, against a second way to them, and run twice.

use crate::differentiable::Differentiable;
use crate::reference::Reference;
use crate::tensor::Tensor;

use super::case::Case;
use super::report::{Row, compare, count_differing_bits};

pub(super) fn check(case: &Case, backend: &dyn Differentiable) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut push = |what: String, (error, bound): (f64, f64)| {
        rows.push(Row { case: case.name.clone(), what, error, bound });
    };
    let inputs = case.upload(backend);
    let download = |outputs: Vec<Tensor>| -> Vec<Tensor> {
        outputs.iter().map(|output| backend.download(output)).collect()
    };
    let found = download((case.forward)(backend, &inputs));
    let again = download((case.forward)(backend, &inputs));
    let expected = (case.forward)(&Reference, &case.upload(&Reference));
    assert_eq!(found.len(), expected.len(), "{}: outputs", case.name);
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        push(format!("output {i}"), compare(found, expected, 1.0, case.bound));
        push(format!("output {i} twice, bits"), (count_differing_bits(found, &again[i]), 0.0));
    }
    if let Some(twin) = &case.twin {
        for (i, twin) in download(twin(backend, &inputs)).iter().enumerate() {
            push(format!("output {i} another way"), compare(twin, &found[i], 1.0, case.bound));
        }
    }
    rows
}
