//! Gradients and ten training steps against Hugging Face transformers and PyTorch.
//!
//! The cases are those of `crates/model/tests/goldens`; `goldens/make.py` made the ten steps, and
//! `goldens/make_objective.py` those on the whole objective.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use hadal_cpu::Cpu;
use hadal_model::{Checkpoint, Decoder, Parameter, parameters, read_safetensors};
use hadal_tensor::{Backend, Differentiable, Reference, Tensor};
use hadal_train::{
    Gradients, Method, ObjectiveConfig, OptimiserConfig, Schedule, Shape, Tape, TrainedWeights,
    Trainer, TrainingBatch,
};

/// Greatest error of a gradient, relative to the greatest value of its tensor.
const GRADIENT_TOLERANCE: f32 = 1e-3;
/// Greatest error of a loss in nats.
const LOSS_TOLERANCE: f64 = 1e-4;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn devices() -> Vec<Box<dyn Differentiable>> {
    vec![Box::new(Reference), Box::new(Cpu::new(2))]
}

fn rows(ids: &Tensor) -> TrainingBatch {
    let windows = ids.as_slice::<i32>().chunks(ids.cols()).map(|row| (row, Vec::new()));
    TrainingBatch::of_windows(windows).expect("there are tokens")
}

#[test]
fn every_gradient_equals_that_of_transformers() {
    let cases = [
        "v2_grouped",
        "v2_lite",
        "v2_lite_yarn",
        "v3",
        "v3_yarn",
        "v3_yarn_mscale",
        "sliding",
        "moe_mha",
        "llama",
        "llama3",
        "llama_linear",
        "qwen2",
        "qwen2_sliding",
        "qwen3",
        "qwen3_yarn",
        "qwen3_moe",
    ];
    for device in devices() {
        for case in cases {
            let folder = root().join("model/tests/goldens").join(case);
            let golden = read_safetensors(&folder.join("golden.safetensors")).expect("it opens");
            let checkpoint = Checkpoint::open(&folder).expect("it opens");
            let (loss, gradients, named) = backward(&*device, &checkpoint, &golden["input_ids"]);
            let expected = f64::from(golden["loss"].to_f32_vec()[0]);
            assert!((loss - expected).abs() < LOSS_TOLERANCE, "{case}: {loss}, not {expected}");
            for (name, weight) in named {
                let expected = golden[&format!("grad.{name}")].to_f32_vec();
                let found =
                    gradients.get(&weight).map_or(vec![0.0; expected.len()], Tensor::to_f32_vec);
                let error = relative_error(&found, &expected);
                let on = device.name();
                assert!(error <= GRADIENT_TOLERANCE, "{case} {name} on {on}: off by {error}");
            }
        }
    }
}

/// The mean loss over all next tokens, and its gradients by name.
fn backward(
    device: &dyn Differentiable,
    checkpoint: &Checkpoint,
    ids: &Tensor,
) -> (f64, Gradients, Vec<(String, Tensor)>) {
    let trained = |parameter: &Parameter| parameter.is_trained();
    let named: Vec<(String, Tensor)> = parameters(&checkpoint.config)
        .into_iter()
        .filter(trained)
        .map(|p| (p.name.clone(), checkpoint.tensor(&p.name).expect("it is there").clone()))
        .collect();
    let mut gradients = Gradients::of(named.iter().map(|(_, weight)| weight));
    let decoder = Decoder::new(checkpoint.config.clone(), device, ids.cols());
    let batch = rows(ids);
    let tape = Tape::around(device);
    let weights = checkpoint.weights();
    let output = decoder.forward(&tape, &weights, &batch.inputs, None).expect("it runs");
    let logits = decoder.logits(&tape, &weights, &output.hidden).expect("it runs");
    let losses = tape.cross_entropy(&logits, &batch.targets);
    let share = vec![1.0 / batch.n_targets as f32; losses.len()];
    tape.backward(&losses, Tensor::from_slice(&share, &[losses.len()]), &mut gradients);
    let loss = losses.as_slice::<f32>().iter().map(|x| f64::from(*x)).sum::<f64>();
    (loss / batch.n_targets as f64, gradients, named)
}

fn relative_error(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0f32, |m, x| m.max(x.abs()));
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // A gradient of exactly zero (an expert that no token chose) has no scale to be relative to.
    if scale == 0.0 { worst } else { worst / scale }
}

#[test]
fn ten_steps_lose_what_they_lose_in_pytorch() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/ten_steps");
    let golden = read_safetensors(&folder.join("golden.safetensors")).expect("it opens");
    let schedule = Schedule {
        steps: 10,
        warm_up: 3,
        learning_rate: 3e-3,
        final_fraction: 0.1,
        shape: Shape::Cosine,
    };
    for device in devices() {
        let checkpoint = Checkpoint::open(&folder).expect("it opens");
        let weights = parameters(&checkpoint.config)
            .into_iter()
            .map(|p| (p.clone(), copy(checkpoint.tensor(&p.name).expect("it is there"))))
            .collect();
        let batches = &golden["batches"];
        let [n_steps, sequences, length] = batches.dims() else { panic!("three dimensions") };
        let mut trainer = Trainer::begin(&*device, checkpoint.config.clone(), weights, *length);
        let expected: HashMap<&str, Vec<f32>> = ["losses", "grad_norms", "learning_rates"]
            .map(|name| (name, golden[name].to_f32_vec()))
            .into();
        let windows = batches.as_slice::<i32>().chunks(sequences * length);
        assert_eq!(windows.len(), *n_steps);
        for (index, windows) in windows.enumerate() {
            let step = index as u32 + 1;
            let batch = rows(&Tensor::from_slice(windows, &[*sequences, *length]));
            let rate = schedule.learning_rate(step);
            assert!((rate - expected["learning_rates"][index]).abs() < 1e-9);
            let outcome = trainer
                .step(&[batch], (step, rate), &OptimiserConfig::default(), 0.0)
                .expect("it runs")
                .expect("it is finite");
            let loss = f64::from(expected["losses"][index]);
            let on = device.name();
            assert!(
                (outcome.loss - loss).abs() <= LOSS_TOLERANCE,
                "step {step} on {on}: {}, not {loss}",
                outcome.loss
            );
            let norm = f64::from(expected["grad_norms"][index]);
            assert!((outcome.gradient_norm / norm - 1.0).abs() < 1e-3, "step {step} on {on}");
        }
    }
}

/// The weights that `make_objective.py` gave the terms.
const OBJECTIVE: ObjectiveConfig =
    ObjectiveConfig { z_loss: 0.001, balance_loss: 0.01, multi_token: Some(0.3) };

/// A trainer on the objective's golden, its batches by step, and the golden.
fn objective(
    device: &dyn Differentiable,
) -> (Trainer<'_>, Vec<TrainingBatch>, HashMap<String, Tensor>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/objective");
    let golden = read_safetensors(&folder.join("golden.safetensors")).expect("it opens");
    let checkpoint = Checkpoint::open(&folder).expect("it opens");
    let weights = parameters(&checkpoint.config)
        .into_iter()
        .map(|p| (p.clone(), copy(checkpoint.tensor(&p.name).expect("it is there"))))
        .collect();
    let [_, sequences, length] = golden["batches"].dims() else { panic!("three dimensions") };
    let (sequences, length) = (*sequences, *length);
    let windows = golden["batches"].as_slice::<i32>().chunks(sequences * length);
    let batches =
        windows.map(|windows| rows(&Tensor::from_slice(windows, &[sequences, length]))).collect();
    let trainer = Trainer::begin(device, checkpoint.config.clone(), weights, length);
    (trainer.with_objective(OBJECTIVE), batches, golden)
}

#[test]
fn ten_steps_on_the_whole_objective_lose_what_they_lose_in_pytorch() {
    let schedule = Schedule {
        steps: 10,
        warm_up: 3,
        learning_rate: 3e-3,
        final_fraction: 0.1,
        shape: Shape::Cosine,
    };
    for device in devices() {
        let (mut trainer, batches, golden) = objective(&*device);
        assert_eq!(batches.len(), 10);
        for (index, batch) in batches.into_iter().enumerate() {
            let step = index as u32 + 1;
            let outcome = trainer
                .step(
                    &[batch],
                    (step, schedule.learning_rate(step)),
                    &OptimiserConfig::default(),
                    0.0,
                )
                .expect("it runs")
                .expect("it is finite");
            let [multi_token, balance, z] =
                [outcome.multi_token_loss, outcome.balance_loss, outcome.z_loss]
                    .map(|loss| loss.expect("it has a weight"));
            let total = outcome.loss + 0.3 * multi_token + 0.01 * balance + 0.001 * z;
            for (name, found) in [
                ("losses", outcome.loss),
                ("multi_token_losses", multi_token),
                ("balance_losses", balance),
                ("z_losses", z),
                ("totals", total),
            ] {
                let expected = f64::from(golden[name].to_f32_vec()[index]);
                // Squares of log Z are larger than losses, and are held to the same in proportion.
                let error = (found - expected).abs() / expected.max(1.0);
                let on = device.name();
                assert!(
                    error <= LOSS_TOLERANCE,
                    "{name}, step {step} on {on}: {found}, {expected}"
                );
            }
            let norm = f64::from(golden["grad_norms"].to_f32_vec()[index]);
            assert!((outcome.gradient_norm / norm - 1.0).abs() < 1e-3, "step {step}");
            // The layer that predicts the token after next has a router of its own.
            assert_eq!(outcome.expert_loads.len(), 2);
        }
    }
}

/// Greatest error of a weight after ten steps by Muon, relative to the greatest value of its tensor.
const MUON_TOLERANCE: f32 = 1e-3;

#[test]
fn ten_steps_by_muon_end_where_they_end_in_pytorch() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/ten_steps");
    let golden = read_safetensors(&folder.join("muon.safetensors")).expect("it opens");
    let rates =
        read_safetensors(&folder.join("golden.safetensors")).expect("it opens")["learning_rates"]
            .to_f32_vec();
    let batches = &golden["batches"];
    let [_, sequences, length] = *batches.dims() else { panic!("three dimensions") };
    let (losses, norms) = (golden["losses"].to_f32_vec(), golden["grad_norms"].to_f32_vec());
    let optimiser = OptimiserConfig { method: Method::Muon, ..Default::default() };
    for device in devices() {
        let on = device.name();
        let config = Checkpoint::open(&folder).expect("it opens").config;
        let initial = read_safetensors(&folder.join("model.safetensors")).expect("it opens");
        let weights =
            parameters(&config).into_iter().map(|p| (p.clone(), copy(&initial[&p.name]))).collect();
        let weights = TrainedWeights::begin(config.clone(), &*device, weights, optimiser.method);
        let mut trainer = Trainer::new(&*device, config, weights, length);
        let windows = batches.as_slice::<i32>().chunks(sequences * length);
        for ((index, windows), rate) in windows.enumerate().zip(rates.iter().copied()) {
            let step = index as u32 + 1;
            let batch = rows(&Tensor::from_slice(windows, &[sequences, length]));
            let outcome = trainer
                .step(&[batch], (step, rate), &optimiser, 0.0)
                .expect("it runs")
                .expect("it is finite");
            let (loss, norm) = (f64::from(losses[index]), f64::from(norms[index]));
            let found = outcome.loss;
            assert!((found - loss).abs() <= LOSS_TOLERANCE, "step {step} on {on}: {found}");
            assert!((outcome.gradient_norm / norm - 1.0).abs() < 1e-3, "step {step} on {on}");
        }
        for (name, weight) in trainer.weights().named(&*device) {
            let Some(expected) = golden.get(&format!("final.{name}")) else {
                assert!(name.ends_with("e_score_correction_bias"), "{name} is in the golden file");
                continue;
            };
            let error = relative_error(&weight.to_f32_vec(), &expected.to_f32_vec());
            assert!(error <= MUON_TOLERANCE, "{name} on {on}: off by {error}");
        }
    }
}

#[test]
fn every_gradient_of_the_whole_objective_equals_that_of_pytorch() {
    for device in devices() {
        let (trainer, batches, golden) = objective(&*device);
        let (_, gradients) = trainer.differentiate(&batches[..1]).expect("it runs");
        let n_checked = trainer.weights().trained().map(|(name, weight)| {
            let expected = golden[&format!("grad.{name}")].to_f32_vec();
            let found = gradients.get(weight).map_or(vec![0.0; expected.len()], Tensor::to_f32_vec);
            let error = relative_error(&found, &expected);
            let on = device.name();
            assert!(error <= GRADIENT_TOLERANCE, "{name} on {on}: off by {error}");
        });
        let n_gradients = golden.keys().filter(|name| name.starts_with("grad.")).count();
        assert_eq!(n_checked.count(), n_gradients);
    }
}

fn copy(tensor: &Tensor) -> Tensor {
    Tensor::from_slice(&tensor.to_f32_vec(), tensor.dims())
}
