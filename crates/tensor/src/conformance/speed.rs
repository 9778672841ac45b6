//! How fast a backend is at sizes that matter. Measured and shown, never asserted.

use std::fmt;
use std::time::{Duration, Instant};

use crate::differentiable::{AdamW, AdamWTensor, Differentiable, Gradient, Muon, MuonMatrix};
use crate::dtype::DType;
use crate::specification::LatentDims;
use crate::tensor::Tensor;

use super::case::{Bound, Case, upload_owned};
use super::random::Random;
use super::table::attention::{Shape, attention, over_bf16};
use super::table::balance::balance_loss;
use super::table::elementwise::{rms_norm, swiglu};
use super::table::experts::{Shape as ExpertsShape, experts};
use super::table::latent::absorbed;
use super::table::linear::linear;
use super::table::loss::cross_entropy;
use super::table::router::{route, v3};

/// The time of one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeedRow {
    /// The name of the case.
    pub case: String,
    /// `forward`, `backward` (with the forward pass it needs, where it needs one) or `update`.
    pub pass: &'static str,
    /// The median of several runs.
    pub milliseconds: f64,
    /// Floating-point operations per nanosecond; a backward pass is counted as two forward ones.
    pub gflop_per_second: f64,
    /// Bytes read and written per nanosecond, were each touched once.
    pub gb_per_second: f64,
}

impl fmt::Display for SpeedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SpeedRow { case, pass, milliseconds, gflop_per_second, gb_per_second } = self;
        write!(
            f,
            "{milliseconds:10.3} ms {gflop_per_second:8.1} GFLOP/s {gb_per_second:7.1} GB/s  {pass:8} {case}"
        )
    }
}

/// Measures every operation whose speed matters, one row a pass.
pub fn measure_speed(backend: &dyn Differentiable) -> Vec<SpeedRow> {
    let mut rows: Vec<SpeedRow> =
        speed_cases().into_iter().flat_map(|make| measure(&make(), backend)).collect();
    rows.push(measure_adamw(backend));
    rows.push(measure_muon(backend));
    rows
}

/// Made one at a time, because the inputs are large.
fn speed_cases() -> Vec<Box<dyn Fn() -> Case>> {
    let mut cases: Vec<Box<dyn Fn() -> Case>> = Vec::new();
    for dtype in [DType::F32, DType::Bf16, DType::F16, DType::Q8_0] {
        for t in [1, 16, 512] {
            cases.push(Box::new(move || linear(t, 2048, 2048, dtype)));
        }
        for t in [1, 512] {
            cases.push(Box::new(move || experts(&ExpertsShape::new([t, 512, 256, 16, 4]), dtype)));
        }
    }
    cases.push(Box::new(|| linear(1024, 512, 512, DType::F32)));
    cases.push(Box::new(|| rms_norm(1024, 1024, 1.0, false)));
    cases.push(Box::new(|| swiglu(1024, 1024, 1.0, false)));
    let dims = LatentDims { n_heads: 8, nope: 64, rope: 32, value: 64 };
    cases.push(Box::new(move || attention(&Shape::of(dims).causal(512))));
    cases.push(Box::new(move || attention(&Shape::of(dims).segments(&[(0..1, 0..2048)]))));
    cases.push(Box::new(move || over_bf16(&Shape::of(dims).causal(512))));
    for dtypes in [[DType::F32; 2], [DType::Bf16; 2], [DType::Q8_0, DType::F32]] {
        cases.push(Box::new(move || {
            absorbed(dims, 256, &Shape::of(dims).segments(&[(0..1, 0..2048)]), dtypes, false)
        }));
    }
    cases.push(Box::new(|| route(1024, &v3(64, 6), true)));
    cases.push(Box::new(|| balance_loss(&[256; 4], &v3(64, 6))));
    cases.push(Box::new(|| cross_entropy(256, 8192, 1.0, 1000, Bound::F32)));
    cases
}

fn measure(case: &Case, backend: &dyn Differentiable) -> Vec<SpeedRow> {
    let inputs = case.upload(backend);
    let row = |pass, seconds: f64, times: f64| SpeedRow {
        case: case.name.clone(),
        pass,
        milliseconds: seconds * 1e3,
        gflop_per_second: times * case.flops / seconds / 1e9,
        gb_per_second: times * case.bytes / seconds / 1e9,
    };
    let mut outputs = Vec::new();
    let forward = median_seconds(|| {
        outputs = (case.forward)(backend, &inputs);
        wait_for(backend, &outputs[0]);
    });
    let mut rows = vec![row("forward", forward, 1.0)];
    if let Some(backward) = &case.backward {
        let mut random = Random::named("cotangents");
        let is_f32 = |output: &&Tensor| output.dtype() == DType::F32;
        let cotangents: Vec<Tensor> = outputs
            .iter()
            .filter(is_f32)
            .map(|output| backend.upload(&random.tensor(output.dims(), 1.0)))
            .collect();
        let place = |host: &Tensor| Gradient::unfilled(backend.zeros(host.dims()));
        let mut places: Vec<Option<Gradient>> =
            case.inputs.iter().map(|i| i.is_wanted.then(|| place(&i.host))).collect();
        let seconds = median_seconds(|| {
            backward(backend, &inputs, &cotangents, &mut places);
            if let Some(place) = places.iter().flatten().next() {
                wait_for(backend, place.tensor());
            }
        });
        rows.push(row("backward", seconds, 2.0));
    }
    rows
}

fn measure_adamw(backend: &dyn Differentiable) -> SpeedRow {
    const N: usize = 1 << 22;
    let mut random = Random::named("adamw");
    let gradient = backend.upload(&random.tensor(&[N], 1e-2));
    let mut weight = upload_owned(backend, random.tensor(&[N], 0.1));
    let (mut mean, mut square) = (backend.zeros(&[N]), backend.zeros(&[N]));
    let mut update = AdamW {
        learning_rate: 1e-3,
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weight_decay: 0.1,
        step: 0,
        gradient_scale: 1.0,
    };
    let seconds = median_seconds(|| {
        update.step += 1;
        let moments = [&mut mean, &mut square];
        let gradient = Some(&gradient);
        backend.adamw(vec![AdamWTensor { weight: &mut weight, gradient, moments, update }]);
        wait_for(backend, &weight);
    });
    SpeedRow {
        case: format!("adamw of {N}"),
        pass: "update",
        milliseconds: seconds * 1e3,
        gflop_per_second: 14.0 * N as f64 / seconds / 1e9,
        gb_per_second: 28.0 * N as f64 / seconds / 1e9,
    }
}

fn measure_muon(backend: &dyn Differentiable) -> SpeedRow {
    const N: usize = 1024;
    let mut random = Random::named("muon");
    let gradient = backend.upload(&random.tensor(&[N, N], 1e-2));
    let mut weight = upload_owned(backend, random.tensor(&[N, N], 0.1));
    let mut momentum = backend.zeros(&[N, N]);
    let update =
        Muon { learning_rate: 1e-3, momentum: 0.95, weight_decay: 0.1, gradient_scale: 1.0 };
    let seconds = median_seconds(|| {
        let (weight, momentum) = (&mut weight, &mut momentum);
        backend.muon(vec![MuonMatrix { weight, gradient: Some(&gradient), momentum, update }]);
        wait_for(backend, weight);
    });
    // Three products an iteration, each of N³ multiply-adds.
    let flops = (Muon::ITERATIONS * 6 * N * N * N) as f64;
    SpeedRow {
        case: format!("muon [{N}, {N}]"),
        pass: "update",
        milliseconds: seconds * 1e3,
        gflop_per_second: flops / seconds / 1e9,
        gb_per_second: (20 * N * N) as f64 / seconds / 1e9,
    }
}

/// A device may answer before it has computed; reading one row waits for it.
fn wait_for(backend: &dyn Differentiable, tensor: &Tensor) {
    let first =
        if tensor.dims().len() == 1 { tensor.columns(0..1) } else { tensor.row_range(0..1) };
    std::hint::black_box(backend.download(&first));
}

/// The median of at least three runs after one to warm up, within about half a second.
fn median_seconds(mut run: impl FnMut()) -> f64 {
    run();
    let begin = Instant::now();
    let mut seconds = Vec::new();
    while seconds.len() < 3 || (seconds.len() < 101 && begin.elapsed() < Duration::from_millis(400))
    {
        let start = Instant::now();
        run();
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
