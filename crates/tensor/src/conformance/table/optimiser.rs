//! The optimisers' passes and the norm that clipping needs.

use crate::conformance::case::{Bound, Case, Input, upload_owned};
use crate::conformance::random::Random;
use crate::differentiable::{AdamW, AdamWTensor, Muon, MuonMatrix};
use crate::tensor::Tensor;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [1, 17, 1000, 100_003].map(sum_of_squares).into();
    for dims in [&[1][..], &[17], &[3, 70], &[129, 33]] {
        cases.push(adamw(dims, 0.1, true));
    }
    cases.push(adamw(&[5, 16], 0.0, true));
    cases.push(adamw(&[3, 70], 0.1, false));
    for (rows, cols) in [(1, 1), (1, 9), (17, 17), (5, 70), (70, 5), (64, 48), (96, 130)] {
        cases.push(muon(rows, cols, true));
    }
    cases.push(muon(12, 20, false));
    cases.push(several());
    cases.push(average());
    cases
}

fn sum_of_squares(n: usize) -> Case {
    let name = format!("sum_of_squares of {n}");
    let x = Input::fixed("x", Random::named(&name).tensor(&[n], 1.0));
    Case::new(name, Bound { absolute: 0.0, relative: 1e-6 }, vec![x], |b, x| {
        vec![b.upload(&Tensor::from_slice(&[b.sum_of_squares(&[&x[0]]) as f32], &[1]))]
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
            let moments = [&mut mean, &mut square];
            b.adamw(vec![AdamWTensor { weight: &mut weight, gradient, moments, update }]);
        }
        vec![weight, mean, square]
    })
}

/// Averages of several tensors, moved twice.
fn average() -> Case {
    const DIMS: [&[usize]; 4] = [&[7], &[129, 300], &[1, 1], &[40, 33]];
    let name = "moving averages of several tensors";
    let mut random = Random::named(name);
    let inputs = DIMS.map(|dims| Input::fixed(format!("{dims:?}"), random.tensor(dims, 0.5)));
    Case::new(name, Bound::F32, inputs.into(), |b, x| {
        let mut averages: Vec<Tensor> = x.iter().map(|x| b.zeros(x.dims())).collect();
        for keep in [0.0, 0.9] {
            let doubled: Vec<Tensor> = x.iter().map(|x| b.add(x, x)).collect();
            let weights = if keep == 0.0 { x } else { &doubled[..] };
            b.average(averages.iter_mut().zip(weights).collect(), keep);
        }
        averages
    })
}

/// Five iterations multiply the smallest singular values, and with them the rounding of `f32`
/// products, by up to 3.4445⁵ = 485.
const MUON: Bound = Bound { absolute: 1e-6, relative: 2e-4 };

/// Fifteen products in a row, of which the rounding of the first ones counts most.
const ITERATED: f64 = 4.0;

/// Three steps from an empty momentum, clipped by a half.
fn muon(rows: usize, cols: usize, has_gradient: bool) -> Case {
    let absent = if has_gradient { "" } else { ", absent from the second step" };
    let name = format!("muon [{rows}, {cols}]{absent}");
    let mut random = Random::named(&name);
    let weight = Input::fixed("weight", random.tensor(&[rows, cols], 0.1));
    let gradients =
        [1, 2, 3].map(|step| Input::fixed(format!("{step}"), random.tensor(&[rows, cols], 1e-2)));
    let inputs = [weight].into_iter().chain(gradients).collect();
    Case::new(name, MUON, inputs, move |b, x| {
        let mut weight = upload_owned(b, b.download(&x[0]));
        let mut momentum = b.zeros(x[0].dims());
        let update =
            Muon { learning_rate: 1.0, momentum: 0.95, weight_decay: 0.1, gradient_scale: 0.5 };
        for (index, gradient) in x[1..].iter().enumerate() {
            let gradient = (has_gradient || index == 0).then_some(gradient);
            b.muon(vec![MuonMatrix {
                weight: &mut weight,
                gradient,
                momentum: &mut momentum,
                update,
            }]);
        }
        vec![weight, momentum]
    })
    .amplifying(ITERATED)
}

/// Tensors of many sizes in one pass, some without a gradient: each gets what is its own.
fn several() -> Case {
    const DIMS: [&[usize]; 5] = [&[7], &[129, 300], &[1, 1], &[40, 33], &[33, 40]];
    let name = "adamw and muon of several tensors, and their sum of squares";
    let mut random = Random::named(name);
    let inputs = DIMS.map(|dims| Input::fixed(format!("{dims:?}"), random.tensor(dims, 0.5)));
    Case::new(name, MUON, inputs.into(), |b, x| {
        let copies =
            || -> Vec<Tensor> { x.iter().map(|x| upload_owned(b, b.download(x))).collect() };
        let zeros = || -> Vec<Tensor> { x.iter().map(|x| b.zeros(x.dims())).collect() };
        let (mut by_adamw, mut means, mut squares) = (copies(), zeros(), zeros());
        let (mut by_muon, mut momenta) = (copies(), zeros());
        let gradient = |i: usize| (i != 2).then_some(&x[i]);
        let places = by_adamw.iter_mut().zip(means.iter_mut().zip(&mut squares)).enumerate();
        b.adamw(
            places
                .map(|(i, (weight, (mean, square)))| AdamWTensor {
                    weight,
                    gradient: gradient(i),
                    moments: [mean, square],
                    update: AdamW {
                        learning_rate: 1e-2 * (i + 1) as f32,
                        beta1: 0.9,
                        beta2: 0.95,
                        epsilon: 1e-8,
                        weight_decay: 0.1,
                        step: 1,
                        gradient_scale: 0.5,
                    },
                })
                .collect(),
        );
        let places = by_muon.iter_mut().zip(&mut momenta).enumerate();
        b.muon(
            places
                .map(|(i, (weight, momentum))| MuonMatrix {
                    weight,
                    gradient: gradient(i),
                    momentum,
                    update: Muon {
                        learning_rate: 0.1 * (i + 1) as f32,
                        momentum: 0.95,
                        weight_decay: 0.1,
                        gradient_scale: 0.5,
                    },
                })
                .collect(),
        );
        let all: Vec<&Tensor> = x.iter().collect();
        let squares = b.upload(&Tensor::from_slice(&[b.sum_of_squares(&all) as f32], &[1]));
        by_adamw.into_iter().chain(means).chain(by_muon).chain(momenta).chain([squares]).collect()
    })
}
