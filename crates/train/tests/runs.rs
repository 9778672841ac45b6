//! Whole runs on a tiny model: they learn, they resume to the bit, and what goes wrong loses
//! nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use hadal_cpu::{Cpu, Isa};
use hadal_model::{Checkpoint, read_safetensors, write_safetensors};
use hadal_tokenizer::{TrainSpec, train_byte_level_bpe};
use hadal_train::{Control, Error, Event, Recipe, Summary, list_checkpoints, train};
use tempfile::TempDir;

const RECIPE: &str = r#"
seed = 7
tokenizer = "tokenizer"

[model]
model_type = "deepseek_v3"
vocab_size = 320
hidden_size = 32
num_hidden_layers = 2
num_attention_heads = 2
kv_lora_rank = 16
qk_nope_head_dim = 8
qk_rope_head_dim = 8
v_head_dim = 16
intermediate_size = 64
first_k_dense_replace = 1
n_routed_experts = 4
num_experts_per_tok = 2
n_shared_experts = 1
moe_intermediate_size = 32
n_group = 1
topk_group = 1
routed_scaling_factor = 1.0
max_position_embeddings = 64
tie_word_embeddings = true

[data]
train = ["train.jsonl"]
validation = ["validation.txt"]
licences = ["MIT", ""]

[batch]
sequences = 4
length = 32

[schedule]
steps = 40
warm_up = 4
learning_rate = 0.01

[router]
bias_update = 0.001

[output]
folder = "run"
save_every = 20
evaluate_every = 20
"#;

const SENTENCES: [&str; 4] = [
    "The anglerfish lights a lamp in the dark.",
    "A snailfish swims where no light has been.",
    "海的最深处没有光。",
    "Cold water sinks and carries what it can.",
];

/// A folder with a recipe, a tokenizer and a few documents.
fn workshop() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let lines: Vec<String> = (0..60)
        .map(|i| {
            let text = format!("{} {}", SENTENCES[i % 4], SENTENCES[(i * 7 + 1) % 4]);
            let licence = if i % 10 == 9 { "secret" } else { "MIT" };
            serde_json::json!({"text": text, "licence": licence}).to_string()
        })
        .collect();
    fs::write(folder.path().join("train.jsonl"), lines.join("\n")).expect("written");
    fs::write(folder.path().join("validation.txt"), SENTENCES.join(" ")).expect("written");
    let texts = SENTENCES.map(str::to_owned).into_iter();
    let tokenizer = train_byte_level_bpe(texts, &TrainSpec::new(300)).expect("it trains");
    let tokenizer_folder = folder.path().join("tokenizer");
    fs::create_dir(&tokenizer_folder).expect("made");
    tokenizer.save(&tokenizer_folder).expect("saved");
    fs::write(folder.path().join("recipe.toml"), RECIPE).expect("written");
    folder
}

fn recipe(folder: &Path, edits: &[(&str, &str)]) -> Result<Recipe, Error> {
    let mut text = RECIPE.to_owned();
    for (old, new) in edits {
        assert!(text.contains(old), "{old:?} is in the recipe");
        text = text.replace(old, new);
    }
    let path = folder.join("recipe.toml");
    fs::write(&path, text).expect("written");
    Recipe::read(&path)
}

fn control(resume: bool) -> Control<'static> {
    static NEVER: AtomicBool = AtomicBool::new(false);
    Control { resume, stop: &NEVER }
}

fn run(folder: &Path, edits: &[(&str, &str)], resume: bool) -> Result<(Summary, Vec<f64>), Error> {
    let recipe = recipe(folder, edits)?;
    let mut losses = Vec::new();
    let summary = train(&recipe, &Cpu::new(2), control(resume), &mut |event| {
        if let Event::Step(step) = event {
            losses.push(step.loss);
        }
    })?;
    Ok((summary, losses))
}

#[test]
fn a_run_learns_and_leaves_a_model_that_opens() {
    let folder = workshop();
    let (summary, losses) = run(folder.path(), &[], false).expect("it trains");
    assert_eq!((summary.steps, losses.len()), (40, 40));
    assert!(losses[39] < losses[0] * 0.5, "from {} to {}", losses[0], losses[39]);
    let bits = summary.validation_bits_per_byte.expect("it was measured");
    assert!(bits < 2.5, "{bits} bits per byte on what it has seen");
    let checkpoint = Checkpoint::open(&summary.checkpoint).expect("it opens");
    checkpoint.check_finite().expect("it is finite");
    let bias = checkpoint.tensor("model.layers.1.mlp.gate.e_score_correction_bias");
    assert!(bias.expect("it is there").to_f32_vec().iter().any(|b| *b != 0.0), "it was balanced");

    let metrics = fs::read_to_string(folder.path().join("run/metrics.jsonl")).expect("there");
    let events: Vec<serde_json::Value> =
        metrics.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let count = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
    assert_eq!([count("packed"), count("step"), count("evaluated"), count("saved")], [1, 40, 2, 2]);
    let routers: Vec<_> = events.iter().filter(|event| event["event"] == "router").collect();
    assert_eq!(routers.len(), 2);
    for event in routers {
        // 20 steps of 4 windows of 32 tokens, each token in 2 of the 4 experts of one layer.
        let loads: Vec<u64> = serde_json::from_value(event["loads"][0].clone()).expect("numbers");
        assert_eq!((loads.len(), loads.iter().sum::<u64>()), (4, 20 * 4 * 32 * 2));
        let worst = *loads.iter().max().expect("there are four") as f64;
        let violation = event["max_violation"].as_f64().expect("a number");
        assert!((violation - (worst / (20.0 * 4.0 * 32.0 * 2.0 / 4.0) - 1.0)).abs() < 1e-9);
    }
    let last = events.iter().rfind(|event| event["event"] == "step").expect("there are steps");
    assert!(last["mfu"].as_f64().is_some_and(|share| share > 0.0 && share < 1.0), "{last}");
    let entropy = last["router"]["entropy"].as_f64().expect("it has experts");
    assert!(entropy > 0.0 && entropy <= 1.0, "{entropy}");
    assert_eq!(last["seconds_left"], 0.0);

    let card = fs::read_to_string(folder.path().join("run/README.md")).expect("there");
    for part in ["--resume", "| left out: licence \"secret\" | 6 |", "40 steps", "0000040"] {
        assert!(card.contains(part), "{part}: {card}");
    }
    assert!(!card.contains("not come to its end"), "{card}");
    let copy = fs::read_to_string(folder.path().join("run/recipe.toml")).expect("there");
    assert_eq!(copy, RECIPE);
    let dropped = &events[0]["train"]["dropped_by_reason"]["licence \"secret\""];
    assert_eq!(dropped, 6, "documents of another licence are left out: {}", events[0]);
}

#[test]
fn a_resumed_run_equals_an_undisturbed_one_to_the_bit() {
    let (whole, halves) = (workshop(), workshop());
    let (_, losses) = run(whole.path(), &[], false).expect("it trains");
    // The schedule stays that of the whole run: the first half ends because the disk copy of its
    // second checkpoint is taken away.
    run(halves.path(), &[], false).expect("it trains");
    fs::remove_dir_all(halves.path().join("run/checkpoint-0000040")).expect("removed");
    let (_, resumed) = run(halves.path(), &[], true).expect("it resumes");
    assert_eq!(resumed, losses[20..]);
    let weights = |folder: &Path| {
        fs::read(folder.join("run/checkpoint-0000040/training.safetensors")).expect("there")
    };
    assert_eq!(weights(whole.path()), weights(halves.path()));
}

/// A run of six steps on the whole objective; the biases stay as they are after the third.
const WHOLE_OBJECTIVE: [(&str, &str); 4] = [
    ("steps = 40", "steps = 6"),
    ("save_every = 20", "save_every = 3"),
    ("max_position_embeddings = 64", "max_position_embeddings = 64\nnum_nextn_predict_layers = 1"),
    (
        "bias_update = 0.001",
        "bias_update = 0.001\nbias_update_until = 3\n\n\
         [objective]\nz_loss = 1e-4\nbalance_loss = 1e-4\nmulti_token = 0.3",
    ),
];

#[test]
fn the_layer_for_the_token_after_next_is_trained_saved_and_resumed() {
    let folder = workshop();
    let mut second = Vec::new();
    let recipe = recipe(folder.path(), &WHOLE_OBJECTIVE).expect("it is sound");
    let device = Cpu::new(2);
    let mut note = |event: &Event| {
        if let Event::Step(step) = event {
            assert!(step.z_loss.is_some() && step.balance_loss.is_some());
            second.push(step.multi_token_loss.expect("the model predicts it"));
        }
    };
    let summary = train(&recipe, &device, control(false), &mut note).expect("it trains");
    assert!(second[5] < second[0], "{second:?}");

    let at = |step: u32| folder.path().join(format!("run/checkpoint-{step:07}"));
    let biases = |step: u32| {
        let checkpoint = Checkpoint::open(&at(step)).expect("it opens");
        [1, 2].map(|layer| {
            let name = format!("model.layers.{layer}.mlp.gate.e_score_correction_bias");
            checkpoint.tensor(&name).expect("it is there").to_f32_vec()
        })
    };
    assert!(biases(3).iter().flatten().any(|bias| *bias != 0.0), "they moved until step 3");
    assert_eq!(biases(3), biases(6), "and not after it");

    let whole = fs::read(at(6).join("training.safetensors")).expect("there");
    fs::remove_dir_all(at(6)).expect("removed");
    train(&recipe, &device, control(true), &mut |_| ()).expect("it resumes");
    assert_eq!(whole, fs::read(at(6).join("training.safetensors")).expect("there"));

    // Whoever does not train may leave the layer out, but not half of it.
    let path = summary.checkpoint.join("model.safetensors");
    let weights = read_safetensors(&path).expect("it opens");
    let without = |part: &str| {
        let kept = weights.iter().filter(|(name, _)| !name.contains(part));
        let kept: Vec<_> = kept.map(|(name, weight)| (name.clone(), weight.copied())).collect();
        write_safetensors(&path, &kept).expect("written");
        Checkpoint::open(&summary.checkpoint).map(|checkpoint| checkpoint.config.n_predict_layers)
    };
    assert_eq!(without("nothing").expect("it opens"), 1);
    assert_eq!(without("model.layers.2.").expect("it opens"), 0);
    let error = without("model.layers.2.eh_proj").expect_err("half a layer").to_string();
    assert!(error.contains("no tensor `model.layers.2.eh_proj.weight`"), "{error}");
}

#[test]
fn a_run_by_muon_learns_resumes_to_the_bit_and_is_not_resumed_by_adamw() {
    let (whole, halves) = (workshop(), workshop());
    let muon = [("[router]", "[optimiser]\nmethod = \"muon\"\n\n[router]")];
    let (_, losses) = run(whole.path(), &muon, false).expect("it trains");
    assert!(losses[39] < losses[0] * 0.5, "from {} to {}", losses[0], losses[39]);
    let (_, again) = run(halves.path(), &muon, false).expect("it trains");
    assert_eq!(losses, again, "the same seed and number of threads");
    fs::remove_dir_all(halves.path().join("run/checkpoint-0000040")).expect("removed");
    run(halves.path(), &[], true).expect_err("another method");
    let (_, resumed) = run(halves.path(), &muon, true).expect("it resumes");
    assert_eq!(resumed, losses[20..]);
    let weights = |folder: &Path| {
        fs::read(folder.join("run/checkpoint-0000040/training.safetensors")).expect("there")
    };
    assert_eq!(weights(whole.path()), weights(halves.path()));
}

/// Greatest distance between the losses of a run in bf16 and one in f32, each a mean over 25 steps:
/// in nats while the loss falls from 5.7 to 0.1, and afterwards.
const BANDS: [f64; 2] = [0.15, 0.02];

#[test]
fn losses_in_bf16_stay_within_a_band_of_those_in_f32_over_500_steps() {
    let (exact, rounded) = (workshop(), workshop());
    let edits = [("steps = 40", "steps = 500"), ("save_every = 20", "save_every = 500")];
    let losses = |folder: &Path, device: &Cpu| {
        let recipe = recipe(folder, &edits).expect("it is sound");
        let mut losses = Vec::new();
        train(&recipe, device, control(false), &mut |event| {
            if let Event::Step(step) = event {
                losses.push(step.loss);
            }
        })
        .expect("it trains");
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        losses.chunks(25).map(mean).collect::<Vec<_>>()
    };
    let exact = losses(exact.path(), &Cpu::new(2));
    let in_bf16 = Cpu::with_isa(Isa::detect_for_bf16(), 2).with_bf16_products();
    let rounded = losses(rounded.path(), &in_bf16);
    for (index, (exact, rounded)) in exact.iter().zip(&rounded).enumerate() {
        let last = 25 * (index + 1);
        let band = if last <= 150 { BANDS[0] } else { BANDS[1] };
        assert!((exact - rounded).abs() <= band, "to step {last}: {rounded}, {exact} in f32");
    }
}

/// A run that keeps little of its forward pass, and an average of its weights.
const FRUGAL: [(&str, &str); 2] = [
    ("length = 32", "length = 32\nrecompute = true"),
    ("[router]", "[average]\ndecay = 0.8\n\n[router]"),
];

#[test]
fn recomputed_activations_change_no_bit() {
    let (kept, recomputed) = (workshop(), workshop());
    let with = |edit: (&'static str, &'static str)| [&WHOLE_OBJECTIVE[..], &[edit]].concat();
    let (_, losses) = run(kept.path(), &WHOLE_OBJECTIVE, false).expect("it trains");
    let (_, again) = run(recomputed.path(), &with(FRUGAL[0]), false).expect("it trains");
    assert_eq!(losses, again);
    let weights = |folder: &Path| {
        fs::read(folder.join("run/checkpoint-0000006/training.safetensors")).expect("there")
    };
    assert_eq!(weights(kept.path()), weights(recomputed.path()));
}

#[test]
fn the_average_is_what_is_kept_and_it_resumes_to_the_bit() {
    let (whole, halves) = (workshop(), workshop());
    let (_, losses) = run(whole.path(), &FRUGAL, false).expect("it trains");
    run(halves.path(), &FRUGAL, false).expect("it trains");
    fs::remove_dir_all(halves.path().join("run/checkpoint-0000040")).expect("removed");
    let (_, resumed) = run(halves.path(), &FRUGAL, true).expect("it resumes");
    assert_eq!(resumed, losses[20..]);
    let last = whole.path().join("run/checkpoint-0000040");
    let state = |folder: &Path| fs::read(folder.join("training.safetensors")).expect("there");
    assert_eq!(state(&last), state(&halves.path().join("run/checkpoint-0000040")));

    let state = read_safetensors(&last.join("training.safetensors")).expect("it opens");
    let kept = read_safetensors(&last.join("model.safetensors")).expect("it opens");
    let name = "model.layers.0.input_layernorm.weight";
    let average = state[&format!("{name}.average")].to_f32_vec();
    assert_eq!(kept[name].to_f32_vec(), average);
    assert_ne!(state[name].to_f32_vec(), average);
    let error = run(whole.path(), &[], true).expect_err("no average any more").to_string();
    assert!(error.contains("average"), "{error}");
}

#[test]
fn accumulated_micro_batches_equal_one_large_batch() {
    let (one, two) = (workshop(), workshop());
    let steps = ("steps = 40", "steps = 6");
    let (_, large) = run(one.path(), &[steps], false).expect("it trains");
    let split = ("sequences = 4", "sequences = 2\naccumulation = 2");
    let (_, small) = run(two.path(), &[steps, split], false).expect("it trains");
    for (large, small) in large.iter().zip(&small) {
        assert!((large - small).abs() < 2e-4, "{large} and {small}");
    }
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run_with_its_checkpoints_whole() {
    let folder = workshop();
    let edits = [
        ("save_every = 20", "save_every = 1"),
        // Weights this large overflow in the first feed-forward.
        ("hidden_size = 32", "hidden_size = 32\ninitializer_range = 1e18"),
    ];
    let error = run(folder.path(), &edits, false).expect_err("it fails");
    let message = error.to_string();
    assert!(message.contains("the weights were not touched"), "{message}");
    for checkpoint in list_checkpoints(&folder.path().join("run")).expect("it lists") {
        Checkpoint::open(&checkpoint).expect("it opens").check_finite().expect("it is finite");
    }
}

#[test]
fn what_a_recipe_cannot_ask_for_is_refused_by_name() {
    let cases = [
        ("steps = 40", "steps = 0", "`schedule.steps` is 0"),
        ("length = 32", "length = 65", "`batch.length` is 65"),
        ("warm_up = 4", "warm_up = 41", "`schedule.warm_up` is 41"),
        ("learning_rate = 0.01", "learning_rate = -1", "`schedule.learning_rate` is -1"),
        (
            "warm_up = 4",
            "warm_up = 4\nshape = \"warmup_stable_decay\"\ndecay = 37",
            "`schedule.decay` is 37; expected from 0 to 36",
        ),
        ("[router]", "[optimiser]\nmethod = \"sgd\"\n[router]", "`adamw` or `muon`"),
        ("[router]", "[optimiser]\nmomentum = 1\n[router]", "`optimiser.momentum` is 1"),
        ("save_every = 20", "save_each = 20", "save_each"),
        ("hidden_size = 32", "hiden_size = 32", "`hidden_size`"),
        ("seed = 7", "seed = ", "line 2"),
        ("vocab_size = 320", "vocab_size = 200", "the model's vocab_size is 200"),
        ("train = [\"train.jsonl\"]", "train = [\"gone.jsonl\"]", "gone.jsonl"),
        ("train = [\"train.jsonl\"]", "train = []", "`data.train` is 0"),
        ("tokenizer = \"tokenizer\"", "tokenizer = \"gone\"", "gone"),
        ("licences = [\"MIT\", \"\"]", "licences = [\"BSD\"]", "hold 0 tokens"),
        ("[router]", "[objective]\nz_loss = 2\n[router]", "`objective.z_loss` is 2"),
        ("[router]", "[objective]\nbalance_loss = -1\n[router]", "`objective.balance_loss` is -1"),
        ("[router]", "[objective]\nmulti_token = 0.5\n[router]", "num_nextn_predict_layers is 0"),
        ("[router]", "[objective]\nmulti_tokens = 0.5\n[router]", "multi_tokens"),
    ];
    for (old, new, expected) in cases {
        let folder = workshop();
        let error = run(folder.path(), &[(old, new)], false).expect_err(new);
        let message = error.to_string();
        assert!(message.contains(expected), "{new}: {message}");
        assert!(!message.is_empty() && !folder.path().join("run/checkpoint-0000040").exists());
    }
}

#[test]
fn a_run_is_neither_overwritten_nor_resumed_from_nothing() {
    let folder = workshop();
    let steps = [("steps = 40", "steps = 2"), ("warm_up = 4", "warm_up = 1")];
    let error = run(folder.path(), &steps, true).expect_err("there is nothing").to_string();
    assert!(error.contains("no checkpoint to resume from"), "{error}");
    run(folder.path(), &steps, false).expect("it trains");
    let error = run(folder.path(), &steps, false).expect_err("it is there").to_string();
    assert!(error.contains("--resume"), "{error}");
}

#[test]
fn damaged_training_files_are_named() {
    let folder = workshop();
    let steps = [("steps = 40", "steps = 2"), ("warm_up = 4", "warm_up = 1")];
    run(folder.path(), &steps, false).expect("it trains");
    let more = [("steps = 40", "steps = 3"), ("warm_up = 4", "warm_up = 1")];
    let truncate = |path: PathBuf| {
        let bytes = fs::read(&path).expect("it is there");
        fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    };
    truncate(folder.path().join("run/checkpoint-0000002/training.safetensors"));
    let error = run(folder.path(), &more, true).expect_err("a damaged checkpoint").to_string();
    assert!(error.contains("training.safetensors is damaged"), "{error}");
    assert!(
        read_safetensors(&folder.path().join("run/checkpoint-0000002/model.safetensors")).is_ok()
    );
}
