//! A skewed router is set right, by the balance loss and by the bias alike.

use hadal_cpu::Cpu;
use hadal_model::{Config, initialise};
use hadal_tensor::Tensor;
use hadal_train::{ObjectiveConfig, OptimiserConfig, Trainer, TrainingBatch, max_violation};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const N_EXPERTS: usize = 8;

/// A tiny model whose first two experts get nearly every token: their router rows are the same
/// multiple of the mean embedding, the others' its opposite.
fn skewed(device: &Cpu) -> Trainer<'_> {
    let config = Config::from_value(serde_json::json!({
        "model_type": "deepseek_v3", "vocab_size": 32, "hidden_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2, "kv_lora_rank": 8, "qk_nope_head_dim": 4,
        "qk_rope_head_dim": 4, "v_head_dim": 8, "n_routed_experts": N_EXPERTS,
        "num_experts_per_tok": 2, "moe_intermediate_size": 8, "first_k_dense_replace": 0,
        "max_position_embeddings": 32, "norm_topk_prob": true
    }))
    .expect("it is sound");
    let weights = initialise(&config, 3)
        .into_iter()
        .map(|(parameter, tensor)| {
            let shifted = |tensor: &Tensor, by: &dyn Fn(usize) -> f32| {
                let values = tensor.to_f32_vec();
                let values = values.iter().enumerate().map(|(i, x)| x + by(i / 16));
                Tensor::from_slice(&values.collect::<Vec<f32>>(), tensor.dims())
            };
            let tensor = match parameter.name.as_str() {
                "model.embed_tokens.weight" => shifted(&tensor, &|_| 0.03),
                "model.layers.0.mlp.gate.weight" => {
                    shifted(&tensor, &|expert| if expert < 2 { 0.03 } else { -0.03 })
                }
                _ => tensor,
            };
            (parameter, tensor)
        })
        .collect();
    Trainer::begin(device, config, weights, 32)
}

/// The loads and the number of tokens dropped at each of `n_steps` steps.
fn loads(
    objective: ObjectiveConfig,
    bias_update: f32,
    n_steps: u32,
    ids: impl Fn(u32) -> Vec<i32>,
) -> Vec<(Vec<Vec<u64>>, usize)> {
    let device = Cpu::new(2);
    let mut trainer = skewed(&device).with_objective(objective);
    (1..=n_steps)
        .map(|step| {
            let ids = ids(step);
            let batch = TrainingBatch::of_windows([(&ids[..], vec![12])]).expect("there are some");
            let outcome = trainer
                .step(&[batch], (step, 3e-4), &OptimiserConfig::default(), bias_update)
                .expect("it runs")
                .expect("it is finite");
            (outcome.expert_loads, outcome.n_dropped)
        })
        .collect()
}

/// The maximum violation at the first step and at the last of a hundred over the same tokens.
fn violations(objective: ObjectiveConfig, bias_update: f32) -> (f64, f64) {
    let steps = loads(objective, bias_update, 100, |_| (0..33).map(|i| (i * 7 + 3) % 32).collect());
    let [first, last] = [&steps[0], &steps[99]].map(|(loads, _)| max_violation(loads));
    (first.expect("it has experts"), last.expect("it has experts"))
}

#[test]
fn the_balance_loss_and_the_bias_each_lower_the_violation() {
    // The cross-entropy alone moves the router too, and by itself evens it out a little.
    let (skewed, untouched) = violations(ObjectiveConfig::default(), 0.0);
    assert!(skewed > 2.5, "two of eight experts get nearly all: {skewed}");
    let balance_loss = ObjectiveConfig { balance_loss: 1.0, ..ObjectiveConfig::default() };
    let (_, balanced) = violations(balance_loss, 0.0);
    assert!(balanced < 0.75 * untouched, "by the loss: {balanced}, without {untouched}");
    let (_, biased) = violations(ObjectiveConfig::default(), 0.005);
    assert!(biased < 0.75 * untouched, "by the bias: {biased}, without {untouched}");
}

#[test]
fn the_rule_drives_the_maximum_violation_under_a_fifth_and_drops_nothing() {
    // Other tokens at every step, some of them a hundred times as frequent as others.
    let ids = |step: u32| {
        let mut rng = ChaCha8Rng::seed_from_u64(step.into());
        let id = |uniform: f64| (32f64.powf(uniform) - 1.0) as i32;
        (0..33).map(|_| id(rng.random())).collect()
    };
    let steps = loads(ObjectiveConfig::default(), 0.002, 600, ids);
    let over = |steps: &[(Vec<Vec<u64>>, usize)]| {
        let mut sums = vec![0; N_EXPERTS];
        for (loads, n_dropped) in steps {
            assert_eq!(*n_dropped, 0);
            sums.iter_mut().zip(&loads[0]).for_each(|(sum, load)| *sum += load);
        }
        max_violation(&[sums]).expect("it has experts")
    };
    let (first, last) = (over(&steps[..50]), over(&steps[400..]));
    assert!(first > 2.0, "two of eight experts get nearly all: {first}");
    assert!(last <= 0.2, "{last}");
}
