//! The routed experts, with the routing given.

use crate::conformance::case::{Case, Input};
use crate::conformance::random::Random;
use crate::differentiable::{Differentiable, ExpertGradients, Gradient};
use crate::dtype::DType;
use crate::packed::Packing;
use crate::routing::group_by_expert;
use crate::specification::{ExpertWeights, RouterSpec, Routing, Scoring};
use crate::tensor::Tensor;

use super::bound_for;

/// `T` tokens, `D` hidden, `F` wide, `E` experts of which each token visits `K`.
#[derive(Clone)]
pub(in crate::conformance) struct Shape {
    pub(in crate::conformance) t: usize,
    pub(in crate::conformance) d: usize,
    pub(in crate::conformance) f: usize,
    pub(in crate::conformance) e: usize,
    pub(in crate::conformance) k: usize,
    /// Experts that some token may choose; the others get none.
    pub(in crate::conformance) n_chosen: usize,
    pub(in crate::conformance) capacity_factor: Option<f32>,
}

impl Shape {
    pub(in crate::conformance) fn new([t, d, f, e, k]: [usize; 5]) -> Self {
        Shape { t, d, f, e, k, n_chosen: e, capacity_factor: None }
    }
}

/// What is asked of the backward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Nothing,
    /// The input's and the routing weights', with the experts frozen.
    Inputs,
    Everything,
}

pub(in crate::conformance) fn cases() -> Vec<Case> {
    let few = |n_chosen, dims| Shape { n_chosen, ..Shape::new(dims) };
    let tight = |factor, dims| Shape { capacity_factor: Some(factor), ..Shape::new(dims) };
    let trained = [
        Shape::new([1, 32, 16, 4, 2]),
        few(3, [3, 17, 10, 6, 2]),
        few(5, [17, 32, 24, 8, 3]),
        Shape::new([70, 40, 33, 5, 2]),
        Shape::new([5, 8, 1, 3, 3]),
        tight(0.75, [17, 16, 12, 4, 2]),
        // So tight that some tokens lose all their experts.
        tight(0.25, [33, 24, 16, 4, 1]),
    ];
    let mut cases: Vec<Case> =
        trained.iter().map(|s| with(s, DType::F32, Wanted::Everything, false)).collect();
    cases.push(with(&few(5, [17, 24, 40, 8, 3]), DType::F32, Wanted::Everything, true));
    cases.push(with(&few(5, [17, 32, 24, 8, 3]), DType::F32, Wanted::Inputs, false));
    cases.push(with(&few(5, [17, 32, 24, 8, 3]), DType::Bf16, Wanted::Inputs, false));
    for dtype in [DType::Bf16, DType::F16] {
        cases.push(with(&Shape::new([1, 32, 16, 4, 2]), dtype, Wanted::Nothing, false));
        cases.push(with(&few(3, [17, 33, 18, 6, 2]), dtype, Wanted::Nothing, false));
        cases.push(with(&tight(1.0, [70, 64, 48, 5, 2]), dtype, Wanted::Nothing, true));
    }
    for shape in
        [Shape::new([1, 64, 32, 4, 2]), few(5, [17, 32, 96, 8, 3]), tight(1.0, [70, 64, 32, 5, 2])]
    {
        cases.push(with(&shape, DType::Q8_0, Wanted::Nothing, false));
    }
    for packing in Packing::ALL {
        for shape in [
            Shape::new([1, 128, 128, 4, 2]),
            few(5, [17, 256, 128, 8, 3]),
            tight(1.0, [70, 128, 384, 5, 2]),
        ] {
            cases.push(with(&shape, DType::Packed(packing), Wanted::Nothing, false));
        }
    }
    cases
}

pub(in crate::conformance) fn experts(shape: &Shape, dtype: DType) -> Case {
    let wanted = if dtype == DType::F32 { Wanted::Everything } else { Wanted::Nothing };
    with(shape, dtype, wanted, false)
}

fn with(shape: &Shape, dtype: DType, wanted: Wanted, is_strided: bool) -> Case {
    let &Shape { t, d, f, e, k, n_chosen, capacity_factor } = shape;
    let mut name = format!(
        "experts {} T{t} D{d} F{f}, {k} of {e} ({n_chosen} chosen), wanted {wanted:?}",
        dtype.name()
    );
    if let Some(factor) = capacity_factor {
        name += &format!(", capacity {factor}");
    }
    if is_strided {
        name += ", x strided";
    }
    let mut random = Random::named(&name);
    let routing = random_routing(&mut random, shape);
    let wants_weights = wanted == Wanted::Everything;
    let mut inputs = vec![
        Input::fixed("x", random.tensor(&[t, d], 1.0)).strided(is_strided),
        Input::fixed("routing_weights", routing.weights.clone()),
    ];
    for input in &mut inputs {
        input.is_wanted = wanted != Wanted::Nothing;
    }
    for (kind, rows, cols) in [("gate", f, d), ("up", f, d), ("down", d, f)] {
        for expert in 0..e {
            let weights = random.weights(rows, cols, dtype);
            let mut input = Input::fixed(format!("{kind}[{expert}]"), weights);
            input.is_wanted = wants_weights;
            inputs.push(input);
        }
    }
    let n_assigned = routing.assignments.len();
    let n_visited = routing.offsets.as_slice::<i32>().windows(2).filter(|w| w[0] < w[1]).count();
    let bytes = 3 * n_visited * inputs[2].host.len_bytes() + 8 * t * d;
    let saved_routing = routing.clone();
    let twin_routing = routing.clone();
    let case = Case::new(name, bound_for(dtype), inputs, move |b, x| {
        vec![b.experts(&x[0], &on_device(b, &routing, &x[1]), &expert_weights(&x[2..]))]
    })
    .work(6 * n_assigned * d * f, bytes);
    if wanted == Wanted::Nothing {
        return case;
    }
    case.twin(move |b, x| {
        let routing = on_device(b, &twin_routing, &x[1]);
        vec![b.experts_saving(&x[0], &routing, &expert_weights(&x[2..])).0]
    })
    .backward(move |b, x, d, g| {
        let routing = on_device(b, &saved_routing, &x[1]);
        backward(b, x, &routing, &d[0], g);
    })
}

/// Each token visits `K` different experts of the first `n_chosen`.
fn random_routing(random: &mut Random, shape: &Shape) -> Routing {
    let &Shape { t, e, k, n_chosen, capacity_factor, .. } = shape;
    let mut indices = Vec::with_capacity(t * k); // T × K
    for _ in 0..t {
        let mut candidates: Vec<i32> = (0..n_chosen as i32).collect();
        for _ in 0..k {
            indices.push(candidates.swap_remove(random.below(candidates.len())));
        }
    }
    let mut weights: Vec<f32> = (0..t * k).map(|_| 0.2 + random.normal().abs()).collect();
    let spec = RouterSpec {
        n_experts: e,
        n_active: k,
        scoring: Scoring::Sigmoid,
        groups: None,
        renormalise: false,
        scale: 1.0,
        capacity_factor,
    };
    let (assignments, offsets) = group_by_expert(&indices, &mut weights, &spec);
    Routing {
        indices: Tensor::from_slice(&indices, &[t, k]),
        weights: Tensor::from_slice(&weights, &[t, k]),
        assignments: Tensor::from_slice(&assignments, &[assignments.len()]),
        offsets: Tensor::from_slice(&offsets, &[offsets.len()]),
    }
}

fn on_device(backend: &dyn Differentiable, host: &Routing, weights: &Tensor) -> Routing {
    Routing {
        indices: backend.upload(&host.indices),
        weights: weights.clone(),
        assignments: backend.upload(&host.assignments),
        offsets: backend.upload(&host.offsets),
    }
}

/// All gates, then all ups, then all downs.
fn expert_weights(tensors: &[Tensor]) -> ExpertWeights {
    let n_experts = tensors.len() / 3;
    let (gate, rest) = tensors.split_at(n_experts);
    let (up, down) = rest.split_at(n_experts);
    ExpertWeights { gate: gate.to_vec(), up: up.to_vec(), down: down.to_vec() }
}

fn backward(
    b: &dyn Differentiable,
    x: &[Tensor],
    routing: &Routing,
    d_out: &Tensor,
    gradients: &mut [Option<Gradient>],
) {
    let weights = expert_weights(&x[2..]);
    let (_, saved) = b.experts_saving(&x[0], routing, &weights);
    let (of_inputs, of_weights) = gradients.split_at_mut(2);
    let [Some(d_x), Some(d_routing)] = of_inputs else { panic!("the inputs' are wanted") };
    let mut taken: Vec<Gradient> = of_weights.iter_mut().filter_map(Option::take).collect();
    let n_experts = taken.len() / 3;
    let places = if taken.is_empty() {
        None
    } else {
        let (gate, rest) = taken.split_at_mut(n_experts);
        let (up, down) = rest.split_at_mut(n_experts);
        Some(ExpertGradients { gate, up, down })
    };
    b.experts_backward(d_out, &x[0], routing, &weights, &saved, d_x, d_routing, places);
    for (place, gradient) in of_weights.iter_mut().zip(taken) {
        *place = Some(gradient);
    }
}
