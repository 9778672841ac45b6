//! The optimiser's pass and the norm that clipping needs.

use crate::conformance::case::{Bound, Case, Input, upload_owned};
use crate::conformance::random::Random;
use crate::differentiable::AdamW;
use crate::tensor::Tensor;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [1, 17, 1000, 100_003].map(sum_of_squares).into();
    for dims in [&[1][..], &[17], &[3, 70], &[129, 33]] {
        cases.push(adamw(dims, 0.1, true));
    }
    cases.push(adamw(&[5, 16], 0.0, true));
    cases.push(adamw(&[3, 70], 0.1, false));
    cases
}

fn sum_of_squares(n: usize) -> Case {
    let name = format!("sum_of_squares of {n}");
    let x = Input::fixed("x", Random::named(&name).tensor(&[n], 1.0));
    Case::new(name, Bound { absolute: 0.0, relative: 1e-6 }, vec![x], |b, x| {
        vec![b.upload(&Tensor::from_slice(&[b.sum_of_squares(&x[0]) as f32], &[1]))]
    })
}

/// Three steps from empty moments, clipped by a half.
fn adamw(dims: &[usize], weight_decay: f32, has_gradient: bool) -> Case {
    let absent = if has_gradient { "" } else { ", absent from the second step" };
    let name = format!("adamw {dims:?}, weight decay {weight_decay}{absent}");
    let mut random = Random::named(&name);
    let weight = Input::fixed("weight", random.tensor(dims, 0.1));
    let gradient = Input::fixed("gradient", random.tensor(dims, 1.0));
    Case::new(name, Bound::F32, vec![weight, gradient], move |b, x| {
        let initial = b.download(&x[0]).to_f32_vec();
        let mut weight = upload_owned(b, Tensor::from_slice(&initial, x[0].dims()));
        let mut mean = b.zeros(x[0].dims());
        let mut square = b.zeros(x[0].dims());
        for step in 1..=3 {
            let update = AdamW {
                learning_rate: 1e-2,
                beta1: 0.9,
                beta2: 0.95,
                epsilon: 1e-8,
                weight_decay,
                step,
                gradient_scale: 0.5,
            };
            let gradient = (has_gradient || step == 1).then_some(&x[1]);
            b.adamw(&mut weight, gradient, [&mut mean, &mut square], &update);
        }
        vec![weight, mean, square]
    })
}
