//! The routed experts: `out[t] = Σₖ weight[t, k] · down(silu(gate x) · up x)`.

use crate::differentiable::{ExpertGradients, Gradient, SavedExperts};
use crate::specification::{ExpertWeights, Routing};
use crate::tensor::Tensor;

use super::grid::{Grid, add_scaled, dot, values};
use super::swiglu::{silu, silu_derivative};

/// One token's visit to one expert.
struct Visit {
    /// Its place among the kept assignments, `0..A`.
    place: usize,
    token: usize,
    /// Its place among the token's experts, `0..K`.
    choice: usize,
}

/// The visits of every expert that has any.
fn visits(routing: &Routing) -> Vec<(usize, Vec<Visit>)> {
    let n_active = routing.indices.cols();
    let assignments = values::<i32>(&routing.assignments);
    let offsets = values::<i32>(&routing.offsets);
    let of_expert = |expert: usize| {
        (offsets[expert] as usize..offsets[expert + 1] as usize)
            .map(|place| {
                let assignment = assignments[place] as usize;
                Visit { place, token: assignment / n_active, choice: assignment % n_active }
            })
            .collect::<Vec<_>>()
    };
    (0..offsets.len() - 1)
        .map(|expert| (expert, of_expert(expert)))
        .filter(|(_, visits)| !visits.is_empty())
        .collect()
}

/// `w x` for `w` `[O, I]`.
fn times(w: &Grid, x: &[f64]) -> Vec<f64> {
    (0..w.rows).map(|o| dot(w.row(o), x)).collect()
}

/// `wᵀ y`, added to `sum`.
fn add_transposed_times(sum: &mut [f64], w: &Grid, y: &[f64]) {
    for (o, &y) in y.iter().enumerate() {
        add_scaled(sum, y, w.row(o));
    }
}

/// `y xᵀ`, added to `sum`.
fn add_outer(sum: &mut Grid, y: &[f64], x: &[f64]) {
    for (o, &y) in y.iter().enumerate() {
        add_scaled(sum.row_mut(o), y, x);
    }
}

fn activated(gate: &[f64], up: &[f64]) -> Vec<f64> {
    gate.iter().zip(up).map(|(&gate, up)| silu(gate) * up).collect()
}

pub(super) fn experts_saving(
    x: &Tensor,
    routing: &Routing,
    weights: &ExpertWeights,
) -> (Tensor, SavedExperts) {
    let (x, routing_weights) = (Grid::read(x), Grid::read(&routing.weights));
    let (n_assigned, width) = (routing.assignments.len(), weights.gate[0].rows());
    let mut out = Grid::zeros(x.rows, x.cols); // T × D
    let mut saved_gate = Grid::zeros(n_assigned, width); // A × F
    let mut saved_up = Grid::zeros(n_assigned, width); // A × F
    for (expert, visits) in visits(routing) {
        let gate = Grid::read(&weights.gate[expert]);
        let up = Grid::read(&weights.up[expert]);
        let down = Grid::read(&weights.down[expert]);
        for Visit { place, token, choice } in visits {
            let (g, u) = (times(&gate, x.row(token)), times(&up, x.row(token)));
            let y = times(&down, &activated(&g, &u));
            add_scaled(out.row_mut(token), routing_weights.row(token)[choice], &y);
            saved_gate.row_mut(place).copy_from_slice(&g);
            saved_up.row_mut(place).copy_from_slice(&u);
        }
    }
    let saved = SavedExperts { gate: saved_gate.into_tensor(), up: saved_up.into_tensor() };
    (out.into_tensor(), saved)
}

pub(super) fn experts_backward(
    d_out: &Tensor,
    x: &Tensor,
    routing: &Routing,
    weights: &ExpertWeights,
    saved: &SavedExperts,
    d_x: &mut Gradient,
    d_routing_weights: &mut Gradient,
    mut d_weights: Option<ExpertGradients<'_>>,
) {
    let (d_out, x) = (Grid::read(d_out), Grid::read(x));
    let routing_weights = Grid::read(&routing.weights);
    let (saved_gate, saved_up) = (Grid::read(&saved.gate), Grid::read(&saved.up));
    let mut x_sums = Grid::zeros(x.rows, x.cols); // T × D
    let mut routing_sums = Grid::zeros(routing_weights.rows, routing_weights.cols); // T × K
    for (expert, visits) in visits(routing) {
        let gate = Grid::read(&weights.gate[expert]);
        let up = Grid::read(&weights.up[expert]);
        let down = Grid::read(&weights.down[expert]);
        let mut gate_sums = Grid::zeros(gate.rows, gate.cols); // F × D
        let mut up_sums = Grid::zeros(up.rows, up.cols); // F × D
        let mut down_sums = Grid::zeros(down.rows, down.cols); // D × F
        for Visit { place, token, choice } in visits {
            let (g, u) = (saved_gate.row(place), saved_up.row(place));
            let hidden = activated(g, u); // F
            let weight = routing_weights.row(token)[choice];
            let y = times(&down, &hidden); // D
            routing_sums.row_mut(token)[choice] = dot(d_out.row(token), &y);

            let d_y: Vec<f64> = d_out.row(token).iter().map(|d| weight * d).collect(); // D
            add_outer(&mut down_sums, &d_y, &hidden);
            let mut d_hidden = vec![0.0; hidden.len()]; // F
            add_transposed_times(&mut d_hidden, &down, &d_y);

            let d_gate: Vec<f64> =
                (0..g.len()).map(|i| d_hidden[i] * u[i] * silu_derivative(g[i])).collect();
            let d_up: Vec<f64> = (0..g.len()).map(|i| d_hidden[i] * silu(g[i])).collect();
            add_outer(&mut gate_sums, &d_gate, x.row(token));
            add_outer(&mut up_sums, &d_up, x.row(token));
            add_transposed_times(x_sums.row_mut(token), &gate, &d_gate);
            add_transposed_times(x_sums.row_mut(token), &up, &d_up);
        }
        if let Some(places) = &mut d_weights {
            gate_sums.write_to(&mut places.gate[expert]);
            up_sums.write_to(&mut places.up[expert]);
            down_sums.write_to(&mut places.down[expert]);
        }
    }
    x_sums.write_to(d_x);
    routing_sums.write_to(d_routing_weights);
}
