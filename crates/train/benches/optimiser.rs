//! The optimisers' passes over whole models, beside the memory bandwidth of the moment:
//!
//! ```sh
//! cargo bench -p hadal-train --bench optimiser
//! ```
//!
//! Each pass is made tensor by tensor and over all tensors at once; bytes are those that must be
//! read and written, were each touched once.

use std::time::Instant;

use hadal_cpu::Cpu;
use hadal_model::{Config, Parameter, parameters};
use hadal_tensor::{AdamW, AdamWTensor, Backend, Differentiable, Muon, MuonMatrix, Tensor};
use serde_json::json;

const ROUNDS: usize = 7;

fn main() {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let device = Cpu::new(n_threads);
    for (hidden, layers, experts) in [(256, 4, 16), (512, 8, 14)] {
        let config = config(hidden, layers, experts);
        let parameters: Vec<Parameter> = parameters(&config);
        let n: usize = parameters.iter().map(|p| p.dims.iter().product::<usize>()).sum();
        println!(
            "{:.1} M parameters in {} tensors on {}, memory reads at {:.1} GB/s",
            n as f64 / 1e6,
            parameters.len(),
            device.name(),
            bandwidth(n_threads)
        );
        measure(&device, &parameters, n);
    }
}

fn config(hidden: usize, layers: usize, experts: usize) -> Config {
    Config::from_value(json!({
        "model_type": "deepseek", "vocab_size": 4096, "hidden_size": hidden,
        "num_hidden_layers": layers, "num_attention_heads": 8, "n_routed_experts": experts,
        "num_experts_per_tok": 2, "moe_intermediate_size": hidden, "n_shared_experts": 1,
        "first_k_dense_replace": 0, "max_position_embeddings": 256
    }))
    .expect("the configuration is sound")
}

fn measure(device: &Cpu, parameters: &[Parameter], n: usize) {
    let filled = |value: f32| -> Vec<Tensor> {
        let full = |p: &Parameter| {
            let len = p.dims.iter().product();
            let values: Vec<f32> = (0..len).map(|i| value * ((i % 97) as f32 - 48.0)).collect();
            device.upload(&Tensor::from_slice(&values, &p.dims))
        };
        parameters.iter().map(full).collect()
    };
    let (mut weights, gradients) = (filled(1e-3), filled(1e-5));
    let [mut means, mut squares] = [filled(0.0), filled(0.0)];
    let report = |name: &str, bytes: usize, pass: &mut dyn FnMut()| {
        let seconds = median_seconds(pass);
        println!("{:9.2} ms {:7.1} GB/s  {name}", seconds * 1e3, bytes as f64 / seconds / 1e9);
    };

    report("norm, tensor by tensor", 4 * n, &mut || {
        let squares = gradients.iter().map(|gradient| device.sum_of_squares(&[gradient]));
        std::hint::black_box(squares.sum::<f64>());
    });
    let all: Vec<&Tensor> = gradients.iter().collect();
    report("norm, one pass", 4 * n, &mut || {
        std::hint::black_box(device.sum_of_squares(&all));
    });
    let update = AdamW {
        learning_rate: 1e-3,
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weight_decay: 0.1,
        step: 1,
        gradient_scale: 0.5,
    };
    for at_once in [false, true] {
        let name = if at_once { "adamw, one pass" } else { "adamw, tensor by tensor" };
        report(name, 28 * n, &mut || {
            let moments = means.iter_mut().zip(&mut squares);
            let tensors = weights.iter_mut().zip(&gradients).zip(moments).map(
                |((weight, gradient), (mean, square))| AdamWTensor {
                    weight,
                    gradient: Some(gradient),
                    moments: [mean, square],
                    update,
                },
            );
            if at_once {
                device.adamw(tensors.collect());
            } else {
                tensors.for_each(|tensor| device.adamw(vec![tensor]));
            }
        });
    }
    let update =
        Muon { learning_rate: 1e-3, momentum: 0.95, weight_decay: 0.1, gradient_scale: 0.5 };
    report("muon of all matrices, one pass", 20 * n, &mut || {
        let matrices = weights.iter_mut().zip(&gradients).zip(&mut means);
        device.muon(
            matrices
                .filter(|((weight, _), _)| weight.dims().len() > 1 && weight.rows() < 4096)
                .map(|((weight, gradient), momentum)| MuonMatrix {
                    weight,
                    gradient: Some(gradient),
                    momentum,
                    update,
                })
                .collect(),
        );
    });
}

fn median_seconds(pass: &mut dyn FnMut()) -> f64 {
    pass();
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            pass();
            began.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[ROUNDS / 2]
}

/// The best of five passes over 512 MiB, in GB/s.
fn bandwidth(n_threads: usize) -> f64 {
    let numbers = vec![1u64; 64 << 20];
    let pass = || {
        let began = Instant::now();
        std::thread::scope(|scope| {
            for part in numbers.chunks(numbers.len().div_ceil(n_threads)) {
                scope.spawn(|| std::hint::black_box(part.iter().fold(0, |bits, x| bits | x)));
            }
        });
        size_of_val(&numbers[..]) as f64 / began.elapsed().as_secs_f64() / 1e9
    };
    (0..5).map(|_| pass()).fold(0.0, f64::max)
}
