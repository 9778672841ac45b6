//! Training tokens per second beside PyTorch's, alternating in one run:
//!
//! ```sh
//! cargo bench -p hadal-train --bench against_torch -- --python python3 --rounds 5
//! ```
//!
//! The model is that of `torch_peer.py`, with rotary positions on top: 16.5 million parameters, of
//! which 5.5 million work for one token. Without `--python`, only hadal is measured.

use std::process::Command;
use std::time::Instant;

use hadal_cpu::Cpu;
use hadal_model::{Config, initialise};
use hadal_tensor::Backend;
use hadal_train::{OptimiserConfig, Trainer, TrainingBatch};
use serde_json::json;

const SEQUENCES: usize = 8;
const LENGTH: usize = 256;
const STEPS: u32 = 8;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).cloned()
    };
    let rounds: usize = value("--rounds").map_or(5, |n| n.parse().expect("--rounds is a number"));
    let python = value("--python");
    let devices = [Cpu::new(2), Cpu::new(2).with_bf16_products()];
    let (mut ours, mut ours_f32) = (Vec::new(), Vec::new());
    let (mut f32_eager, mut bf16) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        ours_f32.push(hadal(&devices[0]));
        ours.push(hadal(&devices[1]));
        print!("round {round}: hadal f32 {:.0}, bf16 {:.0}", ours_f32[round - 1], ours[round - 1]);
        if let Some(python) = &python {
            f32_eager.push(torch(python, &[]));
            bf16.push(torch(python, &["--bf16"]));
            print!(", torch f32 {:.0}, bf16 {:.0}", f32_eager[round - 1], bf16[round - 1]);
        }
        println!(" tokens/s");
    }
    println!("median of {}: {:.0} tokens/s", devices[0].name(), median(&mut ours_f32));
    println!("median of {}: {:.0} tokens/s", devices[1].name(), median(&mut ours));
    if python.is_some() {
        let [f32_eager, bf16] = [&mut f32_eager, &mut bf16].map(median);
        println!("median of torch f32: {f32_eager:.0}, ratio {:.2}", median(&mut ours) / f32_eager);
        println!("median of torch bf16: {bf16:.0}, ratio {:.2}", median(&mut ours) / bf16);
    }
}

/// Median tokens per second over [`STEPS`] steps, the first two not counted.
fn hadal(device: &Cpu) -> f64 {
    let config = Config::from_value(json!({
        "model_type": "deepseek", "vocab_size": 4096, "hidden_size": 256, "num_hidden_layers": 4,
        "num_attention_heads": 8, "n_routed_experts": 16, "num_experts_per_tok": 2,
        "moe_intermediate_size": 256, "n_shared_experts": 1, "first_k_dense_replace": 0,
        "norm_topk_prob": true, "max_position_embeddings": LENGTH
    }))
    .expect("the configuration is sound");
    let weights = initialise(&config, 0);
    let mut trainer = Trainer::begin(device, config, weights, LENGTH);
    let ids: Vec<i32> = (0..SEQUENCES * (LENGTH + 1))
        .map(|i| ((i as u64 * 2_654_435_761) >> 7) as i32 & 4095)
        .collect();
    let optimiser = OptimiserConfig { weight_decay: 0.01, beta2: 0.999, ..Default::default() };
    let mut seconds = Vec::new();
    for step in 1..=STEPS + 2 {
        let windows = ids.chunks(LENGTH + 1).map(|window| (window, Vec::new()));
        let batch = TrainingBatch::of_windows(windows).expect("there are tokens");
        let began = Instant::now();
        let outcome = trainer.step(&[batch], (step, 1e-3), &optimiser, 0.0).expect("it runs");
        assert!(outcome.is_ok(), "the loss is finite");
        seconds.push(began.elapsed().as_secs_f64());
    }
    (SEQUENCES * LENGTH) as f64 / median(&mut seconds[2..])
}

fn torch(python: &str, flags: &[&str]) -> f64 {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/torch_peer.py");
    let output = Command::new(python).arg(script).args(flags).output().expect("python starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = text.trim().strip_prefix("tokens_per_second ").and_then(|n| n.parse().ok());
    figure.unwrap_or_else(|| panic!("the peer failed: {}", String::from_utf8_lossy(&output.stderr)))
}

fn median(values: &mut (impl AsMut<[f64]> + ?Sized)) -> f64 {
    let values = values.as_mut();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
