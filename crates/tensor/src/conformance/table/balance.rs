//! The sequence-wise balance loss.

use crate::conformance::case::{Bound, Case, Input, place};
use crate::conformance::random::Random;
use crate::specification::{RouterSpec, Segment};

use super::router::{describe, softmax, v2, v3};

pub(in crate::conformance) fn cases() -> Vec<Case> {
    let capacity = RouterSpec { capacity_factor: Some(0.5), ..v3(16, 4) };
    vec![
        balance_loss(&[1], &softmax(8, 2)),
        balance_loss(&[5, 1, 11], &softmax(8, 2)),
        balance_loss(&[3, 3], &softmax(3, 3)),
        balance_loss(&[30, 40], &v2()),
        balance_loss(&[1, 2], &v3(16, 4)),
        balance_loss(&[64, 1, 5], &v3(32, 5)),
        // What is dropped was chosen all the same.
        balance_loss(&[17, 16], &capacity),
    ]
}

/// Segments of these lengths, one after the other.
pub(in crate::conformance) fn balance_loss(lengths: &[usize], spec: &RouterSpec) -> Case {
    let name = format!("balance_loss of segments {lengths:?}, {}", describe(spec));
    let t = lengths.iter().sum();
    let logits = Random::named(&name).tensor(&[t, spec.n_experts], 1.0);
    let mut start = 0;
    let segments: Vec<Segment> = lengths
        .iter()
        .map(|len| {
            let rows = start..start + len;
            start = rows.end;
            Segment { queries: rows.clone(), keys: rows }
        })
        .collect();
    let (forward_spec, forward_segments) = (spec.clone(), segments.clone());
    let (spec, n_logits) = (spec.clone(), logits.len());
    let inputs = vec![Input::wanted("logits", logits)];
    Case::new(name, Bound::F32, inputs, move |b, x| {
        let indices = b.route(&x[0], None, &forward_spec).indices;
        vec![b.balance_loss(&x[0], &indices, &forward_spec, &forward_segments), indices]
    })
    .backward(move |b, x, d, g| {
        let indices = b.route(&x[0], None, &spec).indices;
        b.balance_loss_backward(&d[0], &x[0], &indices, &spec, &segments, place(&mut g[0]));
    })
    .work(7 * n_logits, 4 * n_logits)
}
