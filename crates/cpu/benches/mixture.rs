//! A layer of experts beside a dense layer of equal active work, forward and backward, alternating:
//!
//! ```sh
//! cargo bench -p hadal-cpu --bench mixture
//! ```
//!
//! The dense layer is one SwiGLU as wide as the experts that a token visits. Tokens go to experts
//! evenly, as a balanced router sends them. Weight gradients are written by both.

use std::time::Instant;

use hadal_cpu::Cpu;
use hadal_tensor::{
    Backend, Differentiable, ExpertGradients, ExpertWeights, Gradient, Routing, Tensor,
    group_by_expert,
};
use hadal_tensor::{RouterSpec, Scoring};

const ROUNDS: usize = 15;

/// Hidden size, experts, experts for one token, width of one.
const SHAPES: [[usize; 4]; 3] = [[256, 16, 2, 256], [512, 64, 6, 176], [768, 8, 2, 768]];

fn main() {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let device = Cpu::new(n_threads).with_bf16_products();
    println!("{}", device.name());
    for [hidden, n_experts, n_active, width] in SHAPES {
        for n_tokens in [512, 1024, 2048, 4096] {
            let mixture = Mixture::new(&device, n_tokens, [hidden, n_experts, n_active, width]);
            let dense = Dense::new(&device, n_tokens, hidden, n_active * width);
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                ours.push(mixture.seconds());
                theirs.push(dense.seconds());
            }
            let (ours, theirs) = (median(&mut ours), median(&mut theirs));
            println!(
                "{n_tokens} tokens, hidden {hidden}, {n_active} of {n_experts} experts of {width}: \
                 {:.2} ms, dense {:.2} ms: {:.0} % of its speed",
                ours * 1e3,
                theirs * 1e3,
                100.0 * theirs / ours
            );
        }
    }
}

fn numbers(device: &Cpu, rows: usize, cols: usize) -> Tensor {
    let values: Vec<f32> =
        (0..rows * cols).map(|i| ((i * 31) % 251) as f32 / 251.0 - 0.5).collect();
    device.upload(&Tensor::from_slice(&values, &[rows, cols]))
}

fn place(device: &Cpu, of: &Tensor) -> Gradient {
    Gradient::unfilled(device.empty(of.dtype(), of.dims()))
}

struct Mixture<'a> {
    device: &'a Cpu,
    x: Tensor,
    d_out: Tensor,
    routing: Routing,
    weights: ExpertWeights,
}

impl<'a> Mixture<'a> {
    fn new(device: &'a Cpu, n_tokens: usize, shape: [usize; 4]) -> Self {
        let [hidden, n_experts, n_active, width] = shape;
        let spec = RouterSpec {
            n_experts,
            n_active,
            scoring: Scoring::Sigmoid,
            groups: None,
            renormalise: true,
            scale: 1.0,
            capacity_factor: None,
        };
        let indices: Vec<i32> =
            (0..n_tokens * n_active).map(|i| ((i * 7) % n_experts) as i32).collect();
        let mut chosen = vec![1.0 / n_active as f32; indices.len()];
        let (assignments, offsets) = group_by_expert(&indices, &mut chosen, &spec);
        let list = |values: &[i32]| Tensor::from_slice(values, &[values.len()]);
        let matrices = |rows, cols| (0..n_experts).map(|_| numbers(device, rows, cols)).collect();
        Mixture {
            device,
            x: numbers(device, n_tokens, hidden),
            d_out: numbers(device, n_tokens, hidden),
            routing: Routing {
                indices: Tensor::from_slice(&indices, &[n_tokens, n_active]),
                weights: Tensor::from_slice(&chosen, &[n_tokens, n_active]),
                assignments: list(&assignments),
                offsets: list(&offsets),
            },
            weights: ExpertWeights {
                gate: matrices(width, hidden),
                up: matrices(width, hidden),
                down: matrices(hidden, width),
            },
        }
    }

    fn seconds(&self) -> f64 {
        let Mixture { device, x, d_out, routing, weights } = self;
        let began = Instant::now();
        let (out, saved) = device.experts_saving(x, routing, weights);
        let places = |of: &[Tensor]| of.iter().map(|w| place(device, w)).collect::<Vec<_>>();
        let [mut gate, mut up, mut down] =
            [&weights.gate, &weights.up, &weights.down].map(|of| places(of));
        let (mut d_x, mut d_routing) = (place(device, x), place(device, &routing.weights));
        let into = ExpertGradients { gate: &mut gate, up: &mut up, down: &mut down };
        device.experts_backward(
            d_out,
            x,
            routing,
            weights,
            &saved,
            &mut d_x,
            &mut d_routing,
            Some(into),
        );
        std::hint::black_box(out);
        began.elapsed().as_secs_f64()
    }
}

struct Dense<'a> {
    device: &'a Cpu,
    x: Tensor,
    d_out: Tensor,
    gate: Tensor,
    up: Tensor,
    down: Tensor,
}

impl<'a> Dense<'a> {
    fn new(device: &'a Cpu, n_tokens: usize, hidden: usize, width: usize) -> Self {
        Dense {
            device,
            x: numbers(device, n_tokens, hidden),
            d_out: numbers(device, n_tokens, hidden),
            gate: numbers(device, width, hidden),
            up: numbers(device, width, hidden),
            down: numbers(device, hidden, width),
        }
    }

    fn seconds(&self) -> f64 {
        let Dense { device, x, d_out, gate, up, down } = self;
        let began = Instant::now();
        let (gated, raised) = (device.linear(x, gate), device.linear(x, up));
        let active = device.swiglu(&gated, &raised);
        let out = device.linear(&active, down);
        let [mut d_gate, mut d_up, mut d_down] = [gate, up, down].map(|w| place(device, w));
        let [mut d_gated, mut d_raised, mut d_active] =
            [&gated, &raised, &active].map(|x| place(device, x));
        let mut d_x = place(device, x);
        device.linear_backward(d_out, &active, down, Some(&mut d_active), Some(&mut d_down));
        let d_active = d_active.into_tensor();
        device.swiglu_backward(&d_active, &gated, &raised, &mut d_gated, &mut d_raised);
        for (d_out, w, d_w) in [(d_gated, gate, &mut d_gate), (d_raised, up, &mut d_up)] {
            device.linear_backward(d_out.tensor(), x, w, Some(&mut d_x), Some(d_w));
        }
        std::hint::black_box(out);
        began.elapsed().as_secs_f64()
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
