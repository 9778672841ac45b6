//! Gradients: against the reference, against finite differences, stored and added, run twice.

use crate::differentiable::{Differentiable, Gradient};
use crate::dtype::DType;
use crate::reference::Reference;
use crate::tensor::Tensor;

use super::case::{Case, upload_owned};
use super::random::Random;
use super::report::{Row, compare, count_differing_bits};

/// The step of a central difference, as a part of the root mean square of the input. The error
/// of the difference grows with its square, the noise of `f32` outputs with its inverse.
const STEP: f64 = 5e-3;
/// How far a finite difference may lie from the derivative, as a part of it.
const DIFFERENCE_TOLERANCE: f64 = 2e-3;
/// Relative rounding noise of an output, which the difference divides by twice the step.
const OUTPUT_NOISE: f64 = 1e-6;

pub(super) fn check(case: &Case, backend: &dyn Differentiable) -> Vec<Row> {
    if case.backward.is_none() {
        return Vec::new();
    }
    let mut rows = Vec::new();
    let mut push = |what: String, (error, bound): (f64, f64)| {
        rows.push(Row { case: case.name.clone(), what, error, bound });
    };
    let bound = case.bound.of_gradients();
    let cotangents = random_cotangents(case);
    let stored = gradients(case, backend, &cotangents, 1);
    let again = gradients(case, backend, &cotangents, 1);
    let added = gradients(case, backend, &cotangents, 2);
    let expected = gradients(case, &Reference, &cotangents, 1);
    for (i, input) in case.inputs.iter().enumerate().filter(|(_, input)| input.is_wanted) {
        let name = &input.name;
        match (&stored[i], &expected[i]) {
            (Some(found), Some(expected)) => {
                push(format!("d_{name}"), compare(found, expected, 1.0, bound));
            }
            (found, expected) => {
                let n_wrong = f64::from(found.is_some() != expected.is_some());
                push(format!("d_{name} written or not"), (n_wrong, 0.0));
            }
        }
        if let (Some(found), Some(again)) = (&stored[i], &again[i]) {
            push(format!("d_{name} twice, bits"), (count_differing_bits(found, again), 0.0));
        }
        if let (Some(found), Some(expected)) = (&added[i], &expected[i]) {
            push(format!("d_{name} added"), compare(found, expected, 2.0, bound));
        }
        if bound.is_fine() {
            let gradient = match &stored[i] {
                Some(gradient) => gradient.to_f32_vec(),
                None => vec![0.0; input.host.len()],
            };
            for (direction_name, direction) in directions(case, i, &gradient) {
                let what = format!("d_{name}, finite difference along {direction_name}");
                push(what, difference(case, backend, &cotangents, i, &gradient, &direction));
            }
        }
    }
    rows
}

/// A random gradient for every `f32` output.
fn random_cotangents(case: &Case) -> Vec<Tensor> {
    let mut random = Random::named(&format!("{} cotangents", case.name));
    let outputs = (case.forward)(&Reference, &case.upload(&Reference));
    let is_f32 = |output: &&Tensor| output.dtype() == DType::F32;
    outputs.iter().filter(is_f32).map(|output| random.tensor(output.dims(), 1.0)).collect()
}

/// The gradients after `n_writes` backward passes, on the host; `None` where none was written.
fn gradients(
    case: &Case,
    backend: &dyn Differentiable,
    cotangents: &[Tensor],
    n_writes: usize,
) -> Vec<Option<Tensor>> {
    let inputs = case.upload(backend);
    let cotangents: Vec<Tensor> = cotangents.iter().map(|c| backend.upload(c)).collect();
    // What an unfilled place holds is unspecified; NaN shows whoever reads it or leaves it.
    let unfilled = |host: &Tensor| {
        let garbage = Tensor::from_slice(&vec![f32::NAN; host.len()], host.dims());
        Gradient::unfilled(upload_owned(backend, garbage))
    };
    let mut places: Vec<Option<Gradient>> =
        case.inputs.iter().map(|input| input.is_wanted.then(|| unfilled(&input.host))).collect();
    let backward = case.backward.as_ref().expect("a case with gradients");
    for _ in 0..n_writes {
        backward(backend, &inputs, &cotangents, &mut places);
    }
    let filled = places.into_iter().map(|place| place.filter(Gradient::is_filled));
    filled.map(|place| place.map(|place| backend.download(place.tensor()))).collect()
}

/// A random direction, and that of the gradient itself, in which no part of it can hide. Both
/// have the root mean square of the input.
fn directions(case: &Case, input: usize, gradient: &[f32]) -> Vec<(&'static str, Vec<f64>)> {
    let values = case.inputs[input].host.to_f32_vec();
    let scale = match root_mean_square(&values) {
        0.0 => 1.0,
        scale => scale,
    };
    let mut random = Random::named(&format!("{} direction {input}", case.name));
    let anywhere = gradient.iter().map(|_| scale * f64::from(random.normal())).collect();
    let mut directions = vec![("a random direction", anywhere)];
    let size = root_mean_square(gradient);
    if size > 0.0 {
        let along = gradient.iter().map(|&g| f64::from(g) * scale / size).collect();
        directions.push(("the gradient", along));
    }
    directions
}

fn root_mean_square(values: &[f32]) -> f64 {
    let sum: f64 = values.iter().map(|&x| f64::from(x).powi(2)).sum();
    (sum / values.len() as f64).sqrt()
}

/// The error of `⟨gradient, direction⟩` against the central difference of `⟨cotangents, outputs⟩`,
/// and its bound. The step shrinks until it changes no integer output, such as a choice of experts.
fn difference(
    case: &Case,
    backend: &dyn Differentiable,
    cotangents: &[Tensor],
    input: usize,
    gradient: &[f32],
    direction: &[f64],
) -> (f64, f64) {
    let mut step = STEP;
    let (above, below) = loop {
        let above = outputs_at(case, backend, cotangents, input, direction, step);
        let below = outputs_at(case, backend, cotangents, input, direction, -step);
        if above.integers == below.integers || step < STEP / 100.0 {
            break (above, below);
        }
        step /= 2.0;
    };
    if above.integers != below.integers {
        // The input stands too near an edge between two choices: the case wants another one.
        return (f64::INFINITY, 0.0);
    }
    let slope = (above.loss - below.loss) / (2.0 * step);
    let pairs = gradient.iter().zip(direction);
    let expected: f64 = pairs.map(|(&g, d)| f64::from(g) * d).sum();
    let size = root_mean_square(gradient) * direction.iter().map(|d| d * d).sum::<f64>().sqrt();
    let noise = OUTPUT_NOISE * above.loss_terms / (2.0 * step);
    ((slope - expected).abs(), DIFFERENCE_TOLERANCE * expected.abs().max(size) + noise)
}

struct Outputs {
    /// `⟨cotangents, outputs⟩`.
    loss: f64,
    /// The root of the sum of its squared terms.
    loss_terms: f64,
    /// All integer outputs.
    integers: Vec<Vec<i32>>,
}

fn outputs_at(
    case: &Case,
    backend: &dyn Differentiable,
    cotangents: &[Tensor],
    input: usize,
    direction: &[f64],
    step: f64,
) -> Outputs {
    let host = &case.inputs[input].host;
    let values = host.to_f32_vec();
    let moved: Vec<f32> =
        values.iter().zip(direction).map(|(&x, d)| (f64::from(x) + step * d) as f32).collect();
    let moved = Tensor::from_slice(&moved, host.dims());
    let mut inputs = case.upload(backend);
    inputs[input] = case.inputs[input].upload_in_place(backend, &moved);
    let outputs = (case.forward)(backend, &inputs);
    let outputs: Vec<Tensor> = outputs.iter().map(|output| backend.download(output)).collect();
    let (integers, floats): (Vec<Tensor>, Vec<Tensor>) =
        outputs.into_iter().partition(|output| output.dtype() == DType::I32);
    let pairs = floats.iter().zip(cotangents);
    let terms = pairs.flat_map(|(output, cotangent)| {
        let pairs = output.to_f32_vec().into_iter().zip(cotangent.to_f32_vec());
        pairs.map(|(x, c)| f64::from(x) * f64::from(c))
    });
    let (loss, squares) = terms.fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    let integers = integers.iter().map(|output| output.as_slice().to_vec()).collect();
    Outputs { loss, loss_terms: squares.sqrt(), integers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::case::{Bound, Input, places};

    /// The gradient of the norm, as if it were `times` what it is.
    fn norm_with_gradient_times(times: f32) -> Vec<Row> {
        let mut random = Random::named("wrong");
        let x = Input::wanted("x", random.tensor(&[3, 17], 1.0));
        let w = Input::wanted("w", random.tensor(&[17], 1.0));
        let case =
            Case::new("norm", Bound::F32, vec![x, w], |b, x| vec![b.rms_norm(&x[0], &x[1], 1e-6)]);
        let case = case.backward(move |b, x, d, g| {
            let [d_x, d_w] = places(g);
            let d: Vec<f32> = d[0].to_f32_vec().iter().map(|d| times * d).collect();
            let d = Tensor::from_slice(&d, &[3, 17]);
            b.rms_norm_backward(&d, &x[0], &x[1], 1e-6, d_x, Some(d_w));
        });
        check(&case, &Reference)
    }

    #[test]
    fn finite_differences_find_a_gradient_that_is_one_part_in_a_hundred_wrong() {
        assert!(norm_with_gradient_times(1.0).iter().all(Row::is_ok));
        let wrong = norm_with_gradient_times(1.01);
        let failing: Vec<&str> =
            wrong.iter().filter(|row| !row.is_ok()).map(|row| row.what.as_str()).collect();
        assert!(failing.contains(&"d_x, finite difference along the gradient"), "{failing:?}");
        assert!(failing.contains(&"d_w, finite difference along the gradient"), "{failing:?}");
    }
}
