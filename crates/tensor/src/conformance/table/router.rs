//! The choice of experts, as each generation of the family makes it.

use crate::conformance::case::{Bound, Case, Input, place};
use crate::conformance::random::Random;
use crate::specification::{GroupLimit, GroupScore, RouterSpec, Scoring};
use crate::tensor::Tensor;

/// Softmax, no groups, no renormalisation: V2-Lite.
pub(super) fn softmax(n_experts: usize, n_active: usize) -> RouterSpec {
    RouterSpec {
        n_experts,
        n_active,
        scoring: Scoring::Softmax,
        groups: None,
        renormalise: false,
        scale: 1.0,
        capacity_factor: None,
    }
}

/// Groups by their best expert, and a large scale: V2.
pub(super) fn v2() -> RouterSpec {
    let groups = GroupLimit { n_groups: 4, n_kept: 2, score: GroupScore::Max };
    RouterSpec { groups: Some(groups), scale: 16.0, ..softmax(16, 3) }
}

/// Sigmoid with a bias, groups by their two best, renormalised: V3.
pub(in crate::conformance) fn v3(n_experts: usize, n_active: usize) -> RouterSpec {
    let groups = GroupLimit { n_groups: 4, n_kept: 2, score: GroupScore::TopTwoSum };
    RouterSpec {
        scoring: Scoring::Sigmoid,
        groups: Some(groups),
        renormalise: true,
        scale: 2.5,
        ..softmax(n_experts, n_active)
    }
}

pub(in crate::conformance) fn cases() -> Vec<Case> {
    let capacity = |factor, spec| RouterSpec { capacity_factor: Some(factor), ..spec };
    let renormalised = |spec| RouterSpec { renormalise: true, ..spec };
    vec![
        route(1, &softmax(8, 2), false),
        route(17, &softmax(8, 2), false),
        route(70, &softmax(64, 6), false),
        route(3, &softmax(7, 1), false),
        route(5, &softmax(3, 3), false),
        route(17, &renormalised(softmax(8, 3)), false),
        route(17, &v2(), false),
        route(70, &v2(), false),
        route(1, &v3(16, 4), true),
        route(3, &v3(16, 4), false),
        route(17, &v3(16, 4), true),
        route(70, &v3(32, 5), true),
        route(70, &capacity(1.0, v3(16, 4)), true),
        route(17, &capacity(0.5, v2()), false),
        route(70, &capacity(1.25, renormalised(softmax(8, 2))), false),
        route_equals(&capacity(1.0, softmax(16, 4))),
        route_equals(&v2()),
        route_equals(&capacity(0.5, v3(16, 4))),
        route_extremes(&softmax(8, 2)),
        route_extremes(&v3(8, 2)),
    ]
}

pub(super) fn describe(spec: &RouterSpec) -> String {
    let RouterSpec { n_experts, n_active, scoring, groups, renormalise, scale, capacity_factor } =
        spec;
    let mut text = format!("{scoring:?} {n_active} of {n_experts}");
    if let Some(GroupLimit { n_groups, n_kept, score }) = groups {
        text += &format!(" in {n_kept} of {n_groups} groups by {score:?}");
    }
    if *renormalise {
        text += " renormalised";
    }
    text += &format!(" × {scale}");
    if let Some(factor) = capacity_factor {
        text += &format!(" capacity {factor}");
    }
    text
}

pub(in crate::conformance) fn route(t: usize, spec: &RouterSpec, has_bias: bool) -> Case {
    let name = format!("route T{t} {}{}", describe(spec), if has_bias { " with bias" } else { "" });
    let mut random = Random::named(&name);
    let logits = Input::wanted("logits", random.tensor(&[t, spec.n_experts], 1.0));
    let bias = has_bias.then(|| Input::fixed("bias", random.tensor(&[spec.n_experts], 0.2)));
    let inputs: Vec<Input> = [logits].into_iter().chain(bias).collect();
    let backward_spec = spec.clone();
    values_only(name, inputs, spec).backward(move |b, x, d, g| {
        let routing = b.route(&x[0], x.get(1), &backward_spec);
        b.route_backward(&d[0], &x[0], &routing, &backward_spec, place(&mut g[0]));
    })
}

fn values_only(name: String, inputs: Vec<Input>, spec: &RouterSpec) -> Case {
    let spec = spec.clone();
    let n_logits = inputs[0].host.len();
    Case::new(name, Bound::F32, inputs, move |b, x| {
        let routing = b.route(&x[0], x.get(1), &spec);
        vec![routing.weights, routing.indices, routing.assignments, routing.offsets]
    })
    .work(5 * n_logits, 4 * n_logits)
}

/// Of equals the lower expert and the earlier token win.
fn route_equals(spec: &RouterSpec) -> Case {
    let name = format!("route equal logits, {}", describe(spec));
    let logits = Tensor::from_slice(&vec![0.5f32; 9 * spec.n_experts], &[9, spec.n_experts]);
    values_only(name, vec![Input::fixed("logits", logits)], spec)
}

/// Logits where a plain exponential overflows.
fn route_extremes(spec: &RouterSpec) -> Case {
    let name = format!("route extreme logits, {}", describe(spec));
    let logits = Random::named(&name).tensor(&[9, spec.n_experts], 60.0);
    let case = values_only(name, vec![Input::fixed("logits", logits)], spec);
    // An exponent of 60 carries 60 · 2⁻²⁴ of rounding into the affinity.
    Case { bound: Bound { absolute: 1e-6, relative: 1e-4 }, ..case }
}
