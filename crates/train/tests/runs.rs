//! Whole runs on a tiny model: they learn, they resume to the bit, and what goes wrong loses
//! nothing.

use std::fs;
use std::path::{Path, PathBuf};

use hadal_cpu::Cpu;
use hadal_model::{Checkpoint, read_safetensors};
use hadal_tokenizer::{TrainSpec, train_byte_level_bpe};
use hadal_train::{Error, Event, Recipe, Summary, list_checkpoints, train};
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

fn run(folder: &Path, edits: &[(&str, &str)], resume: bool) -> Result<(Summary, Vec<f64>), Error> {
    let recipe = recipe(folder, edits)?;
    let mut losses = Vec::new();
    let summary = train(&recipe, &Cpu::new(2), resume, &mut |event| {
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
    truncate(folder.path().join("run/shards/train/0000.safetensors"));
    let error = run(folder.path(), &more, true).expect_err("a damaged shard").to_string();
    assert!(error.contains("0000.safetensors is not a whole safetensors file"), "{error}");
    fs::remove_dir_all(folder.path().join("run/shards")).expect("removed");
    truncate(folder.path().join("run/checkpoint-0000002/training.safetensors"));
    let error = run(folder.path(), &more, true).expect_err("a damaged checkpoint").to_string();
    assert!(error.contains("training.safetensors is not a whole safetensors file"), "{error}");
    assert!(
        read_safetensors(&folder.path().join("run/checkpoint-0000002/model.safetensors")).is_ok()
    );
}
