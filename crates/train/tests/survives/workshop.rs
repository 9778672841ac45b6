//! A folder with a tiny recipe, and runs of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use hadal_cpu::Cpu;
use hadal_tensor::Differentiable;
use hadal_tokenizer::{TrainSpec, train_byte_level_bpe};
use hadal_train::{Control, Error, Event, Recipe, Summary, train};
use serde_json::Value;
use tempfile::TempDir;

const RECIPE: &str = r#"
seed = 7
tokenizer = "tokenizer"

[model]
model_type = "deepseek_v3"
vocab_size = 272
hidden_size = 16
num_hidden_layers = 2
num_attention_heads = 2
kv_lora_rank = 8
qk_nope_head_dim = 8
qk_rope_head_dim = 8
v_head_dim = 8
intermediate_size = 32
first_k_dense_replace = 1
n_routed_experts = 4
num_experts_per_tok = 2
n_shared_experts = 1
moe_intermediate_size = 16
n_group = 1
topk_group = 1
routed_scaling_factor = 1.0
max_position_embeddings = 32
tie_word_embeddings = true

[data]
train = ["sea.txt"]
validation = ["sea.txt"]

[batch]
sequences = 2
length = 16

[schedule]
steps = 12
warm_up = 4
learning_rate = 0.01

[router]
bias_update = 0.001

[output]
folder = "run"
save_every = 3
evaluate_every = 4
keep = 3
"#;

/// Steps of the recipe.
pub(crate) const STEPS: u32 = 12;

/// A folder for runs.
pub(crate) struct Workshop(TempDir);

impl Workshop {
    pub(crate) fn new() -> Workshop {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "The sea is deep, and cold, and dark. No light has been here. ".repeat(20);
        fs::write(folder.path().join("sea.txt"), &text).expect("written");
        let tokenizer = train_byte_level_bpe([text].into_iter(), &TrainSpec::new(270));
        let tokenizer_folder = folder.path().join("tokenizer");
        fs::create_dir(&tokenizer_folder).expect("made");
        tokenizer.expect("it trains").save(&tokenizer_folder).expect("saved");
        Workshop(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The checkpoint of step `step`.
    pub(crate) fn checkpoint(&self, step: u32) -> PathBuf {
        self.path(&format!("run/checkpoint-{step:07}"))
    }

    /// The recipe with some of its lines replaced.
    pub(crate) fn recipe(&self, edits: &[(&str, &str)]) -> Recipe {
        let mut text = RECIPE.to_owned();
        for (old, new) in edits {
            assert!(text.contains(old), "{old:?} is in the recipe");
            text = text.replace(old, new);
        }
        Recipe::parse(&text, &self.path("recipe.toml")).expect("it is a recipe")
    }

    /// Runs the recipe on the processor, and gives the events.
    pub(crate) fn run(
        &self,
        edits: &[(&str, &str)],
        resume: bool,
    ) -> (Result<Summary, Error>, Vec<Event>) {
        self.run_on(&Cpu::new(2), edits, resume)
    }

    /// Runs the recipe on a device, and gives the events.
    pub(crate) fn run_on(
        &self,
        device: &dyn Differentiable,
        edits: &[(&str, &str)],
        resume: bool,
    ) -> (Result<Summary, Error>, Vec<Event>) {
        let mut events = Vec::new();
        let control = Control { resume, stop: &AtomicBool::new(false) };
        let result = train(&self.recipe(edits), device, control, &mut |event| {
            events.push(event.clone());
        });
        (result, events)
    }

    /// The lines of the metrics, without what differs between two equal runs.
    pub(crate) fn metrics(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("run/metrics.jsonl")).expect("there");
        let lines = text.lines().map(|line| {
            let mut event: Value = serde_json::from_str(line).expect("a JSON line");
            let fields = event.as_object_mut().expect("an event");
            for varying in VARYING {
                fields.remove(varying);
            }
            event
        });
        lines.collect()
    }

    /// The weights and moments after the last step.
    pub(crate) fn last_weights(&self) -> Vec<u8> {
        fs::read(self.checkpoint(STEPS).join("training.safetensors")).expect("there")
    }
}

/// What differs between two equal runs: time and place.
const VARYING: [&str; 8] = [
    "tokens_per_second",
    "smoothed_tokens_per_second",
    "seconds_left",
    "mfu",
    "measured_peak",
    "folder",
    "train",
    "validation",
];

/// Asserts that a run that went through something equals one that did not.
pub(crate) fn assert_undisturbed(run: &Workshop) {
    let undisturbed = Workshop::new();
    undisturbed.run(&[], false).0.expect("it trains");
    assert_eq!(run.metrics(), undisturbed.metrics());
    assert!(run.last_weights() == undisturbed.last_weights(), "the weights differ");
}

/// What `path` holds after `change`.
pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("it is there");
    change(&mut bytes);
    fs::write(path, bytes).expect("written");
}
