//! What a run reads: windows that never cross a document, steps that do not depend on each other,
//! gaps to fill, shards that cannot lie, and weights to go on from.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use hadal_cpu::Cpu;
use hadal_model::{Checkpoint, Config, Decoder, read_safetensors};
use hadal_tensor::{Backend, Tensor};
use hadal_tokenizer::special::{ALL, FIM_BEGIN, FIM_END, FIM_HOLE};
use hadal_tokenizer::{Tokenizer, TrainSpec, train_byte_level_bpe};
use hadal_train::{
    BatchConfig, Batches, Control, DataFormat, Error, Event, OptimiserConfig, PackSpec, Packed,
    Recipe, Shards, Trainer, TrainingBatch, pack, train, weights_from,
};
use proptest::prelude::*;
use serde_json::json;

const SENTENCES: [&str; 3] = [
    "The deepest part of the sea is dark and cold.",
    "fn main() { println!(\"hello\"); }",
    "深海里有狮子鱼。",
];

fn tokenizer() -> Tokenizer {
    let texts = SENTENCES.map(String::from).into_iter();
    train_byte_level_bpe(texts, &TrainSpec::new(300)).unwrap()
}

/// Packs texts of the given lengths in characters, or conversations with such answers.
fn packed(folder: &Path, format: DataFormat, lengths: &[usize]) -> Packed {
    let lines: Vec<String> = lengths
        .iter()
        .enumerate()
        .map(|(index, length)| {
            let text: String = SENTENCES[index % 3].chars().cycle().take(*length).collect();
            match format {
                DataFormat::Text => json!({"text": text}),
                DataFormat::Chat => json!({"prompt": SENTENCES[0], "completion": text}),
                DataFormat::Tokens => panic!("tokens are not packed from records"),
            }
            .to_string()
        })
        .collect();
    let file = folder.join("data.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    let spec = PackSpec { format, ..PackSpec::default() };
    pack(&[file], &spec, &tokenizer(), &folder.join("shards")).unwrap()
}

/// Every pair of a token and its target, and every segment, must lie in one document. Documents
/// begin with the beginning of text, which is in no other place, and end with the end of text.
fn check_boundaries(batch: &TrainingBatch, ends_inside: bool) {
    let (ids, targets) = (batch.inputs.ids.as_slice::<i32>(), batch.targets.as_slice::<i32>());
    assert_eq!(ids.len(), targets.len());
    let mut next = 0;
    for segment in &*batch.inputs.segments {
        assert_eq!(segment.queries, segment.keys);
        assert_eq!(segment.queries.start, next, "segments cover the batch");
        next = segment.queries.end;
        let rows = segment.queries.clone();
        let begins = ids[rows.clone()].iter().skip(1).filter(|id| **id == 0).count();
        assert_eq!(begins, 0, "a document begins inside a segment");
        for row in rows.clone() {
            assert_eq!(batch.inputs.positions.as_slice::<i32>()[row] as usize, row - rows.start);
            assert_ne!(targets[row], 0, "a target is the beginning of another document");
            if targets[row] >= 0 && row + 1 < rows.end {
                assert_eq!(targets[row], ids[row + 1], "a target is the token after");
            }
            if ends_inside && ids[row] == 1 {
                assert_eq!(targets[row], -1, "a target follows the end of its document");
            }
        }
    }
    assert_eq!(next, ids.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nothing_crosses_a_document(
        lengths in prop::collection::vec(0usize..90, 1..40),
        length in 2usize..40,
        seed in any::<u64>(),
    ) {
        for format in [DataFormat::Text, DataFormat::Chat] {
            let folder = tempfile::tempdir().unwrap();
            let Packed { shards, .. } = packed(folder.path(), format, &lengths);
            let config = BatchConfig { sequences: 2, length, accumulation: 1, recompute: false };
            let Ok(mut batches) = Batches::of(&shards, config, seed) else { continue };
            for step in 1..=batches.n_windows() as u32 {
                for batch in batches.step(step).unwrap() {
                    // An end of turn inside a conversation is followed by the next question.
                    check_boundaries(&batch, format == DataFormat::Text);
                }
            }
        }
    }
}

fn contents(batches: &[TrainingBatch]) -> Vec<(Vec<i32>, Vec<i32>)> {
    let list = |tensor: &Tensor| tensor.as_slice::<i32>().to_vec();
    batches.iter().map(|batch| (list(&batch.inputs.ids), list(&batch.targets))).collect()
}

#[test]
fn a_step_sees_the_same_whatever_was_asked_before() {
    for format in [DataFormat::Text, DataFormat::Chat] {
        let folder = tempfile::tempdir().unwrap();
        let lengths: Vec<usize> = (0..30).map(|i| 5 + i * 7 % 40).collect();
        let Packed { shards, .. } = packed(folder.path(), format, &lengths);
        let reopened = Shards::open(&folder.path().join("shards")).unwrap();
        let config = BatchConfig { sequences: 3, length: 48, accumulation: 2, recompute: false };
        let mut in_order = Batches::of(&shards, config, 5).unwrap();
        let steps: Vec<_> = (1..=20).map(|step| contents(&in_order.step(step).unwrap())).collect();
        assert!(steps.iter().collect::<BTreeSet<_>>().len() > 10, "steps differ");
        for step in [20, 7, 1, 13] {
            let mut alone = Batches::of(&reopened, config, 5).unwrap();
            assert_eq!(contents(&alone.step(step).unwrap()), steps[step as usize - 1]);
        }
        let mut other = Batches::of(&shards, config, 6).unwrap();
        assert_ne!(contents(&other.step(1).unwrap()), steps[0], "the seed decides");
    }
}

/// The text of every document with gaps, put together again; and how many of each form there were.
fn filled(shards: &Shards, tokenizer: &Tokenizer) -> (Vec<String>, [usize; 3]) {
    let [begin, hole, end] =
        [FIM_BEGIN, FIM_HOLE, FIM_END].map(|token| tokenizer.special_id(token).unwrap() as i32);
    let decode = |ids: &[i32]| {
        let ids: Vec<u32> = ids.iter().map(|id| *id as u32).collect();
        tokenizer.decode(&ids, false).unwrap()
    };
    let mut forms = [0; 3];
    let texts = shards.documents().map(|(tokens, n_bytes)| {
        let inner = &tokens[1..tokens.len() - 1];
        let at = |id: i32| inner.iter().position(|token| *token == id);
        let text = match (at(begin), at(hole), at(end)) {
            (Some(0), Some(1), Some(end)) => {
                forms[1] += 1;
                // Prefix and middle are one after the other: the text is whole again with them.
                decode(&inner[end + 1..]) + &decode(&inner[2..end])
            }
            (Some(0), Some(hole), Some(end)) => {
                forms[0] += 1;
                [&inner[1..hole], &inner[end + 1..], &inner[hole + 1..end]].map(decode).concat()
            }
            _ => {
                forms[2] += 1;
                decode(inner)
            }
        };
        assert_eq!(text.len(), n_bytes);
        text
    });
    (texts.collect(), forms)
}

#[test]
fn texts_with_gaps_are_whole_again_when_these_are_filled() {
    let folder = tempfile::tempdir().unwrap();
    let texts: Vec<String> = (0..400).map(|i| format!("{} {i}", SENTENCES[i % 3])).collect();
    let lines: Vec<String> = texts.iter().map(|text| json!({"text": text}).to_string()).collect();
    let file = folder.path().join("data.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    let tokenizer = tokenizer();
    let packed = |name: &str, fill_in_the_middle: f64, seed: u64| {
        let spec = PackSpec { fill_in_the_middle, seed, ..PackSpec::default() };
        let files = std::slice::from_ref(&file);
        pack(files, &spec, &tokenizer, &folder.path().join(name)).unwrap()
    };
    let half = packed("half", 0.5, 3);
    let (found, [psm, spm, plain]) = filled(&half.shards, &tokenizer);
    assert_eq!(found, texts);
    assert!((150..=250).contains(&plain), "{plain} of 400 are left as they are");
    assert!(psm.abs_diff(spm) < 60, "{psm} and {spm} should be about as many");

    let tokens = |packed: &Packed| {
        packed.shards.documents().flat_map(|(tokens, _)| tokens.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(tokens(&packed("again", 0.5, 3)), tokens(&half), "the seed decides");
    assert_ne!(tokens(&packed("other", 0.5, 4)), tokens(&half), "the seed decides");
    assert_ne!(tokens(&packed("half", 0.2, 3)), tokens(&half), "the rate is part of the packing");
    assert_eq!(filled(&packed("none", 0.0, 3).shards, &tokenizer).1, [0, 0, 400]);
}

#[test]
fn a_tokenizer_without_the_tokens_for_gaps_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let special_tokens = ALL.into_iter().filter(|token| *token != FIM_HOLE).map(String::from);
    let spec = TrainSpec { special_tokens: special_tokens.collect(), ..TrainSpec::new(300) };
    let tokenizer = train_byte_level_bpe(std::iter::empty(), &spec).unwrap();
    let spec = PackSpec { fill_in_the_middle: 0.5, ..PackSpec::default() };
    let error = pack(&[], &spec, &tokenizer, folder.path()).err().unwrap().to_string();
    let expected = format!("needs the special tokens {FIM_HOLE}, which");
    assert!(error.contains(&expected) && error.contains("added_tokens"), "{error}");
}

#[test]
fn damaged_shards_are_found_and_packed_again() {
    let folder = tempfile::tempdir().unwrap();
    let shard = folder.path().join("shards/0000.safetensors");
    let report = folder.path().join("shards/report.json");
    let whole = packed(folder.path(), DataFormat::Chat, &[9; 20]);
    assert_eq!(whole.damage, None);
    let good = fs::read(&shard).unwrap();
    // A record that is written anew has another time, and would be packed again for that.
    let file = folder.path().join("data.jsonl");
    let again = || {
        let spec = PackSpec { format: DataFormat::Chat, ..PackSpec::default() };
        let files = std::slice::from_ref(&file);
        pack(files, &spec, &tokenizer(), &folder.path().join("shards")).unwrap()
    };
    assert_eq!(again().damage, None, "whole shards are taken as they are");
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        Some(bytes)
    };
    let second = folder.path().join("shards/0001.safetensors");
    let cases: [(&str, &Path, Option<Vec<u8>>); 6] = [
        ("not a whole safetensors file", &shard, Some(good[..good.len() / 2].to_vec())),
        ("not a whole safetensors file", &shard, Some(Vec::new())),
        ("not those that were written", &shard, flipped(good.len() - 300)),
        ("0000.safetensors", &shard, flipped(20)),
        ("it is missing", &shard, None),
        ("does not know it", &second, Some(good.clone())),
    ];
    for (expected, path, bytes) in cases {
        match bytes {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        let error = Shards::open(&folder.path().join("shards")).err().unwrap().to_string();
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(error.contains(expected) && error.contains(&*name), "{expected}: {error}");
        assert!(error.contains("packs the documents again"), "{error}");
        let damage = again().damage.expect("it was packed again");
        assert!(damage.contains(expected), "{damage}");
        assert_eq!(fs::read(&shard).unwrap(), good, "the same is packed");
        assert!(!second.exists());
    }
    fs::write(&report, "{").unwrap();
    assert!(Shards::open(&folder.path().join("shards")).is_err());
    again();
    assert_eq!(fs::read(&shard).unwrap(), good);
}

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
train = ["data.jsonl"]

[batch]
sequences = 4
length = 64

[schedule]
steps = 12
warm_up = 1
learning_rate = 0.01

[output]
folder = "run"
"#;

/// The same run from another model, without a model or tokenizer of its own, on conversations.
const FINE_TUNING: &str = r#"
initialise_from = "run/checkpoint-0000012"

[data]
format = "chat"
train = ["chat.jsonl"]
validation = ["chat.jsonl"]

[batch]
sequences = 4
length = 64

[schedule]
steps = 30
warm_up = 1
learning_rate = 0.01

[output]
folder = "tuned"
"#;

/// A folder with a trained model in `run`.
fn workshop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let texts: Vec<String> =
        (0..60).map(|i| json!({"text": SENTENCES[i % 3].repeat(1 + i % 2)}).to_string()).collect();
    fs::write(folder.path().join("data.jsonl"), texts.join("\n")).unwrap();
    let chats: Vec<String> = (0..40)
        .map(|i| {
            json!({"messages": [
                {"role": "user", "content": format!("How deep {}", i % 5)},
                {"role": "assistant", "content": "dark and cold"},
            ]})
        })
        .map(|chat| chat.to_string())
        .collect();
    fs::write(folder.path().join("chat.jsonl"), chats.join("\n")).unwrap();
    tokenizer().save(&folder.path().join("tokenizer")).unwrap();
    run(folder.path(), RECIPE).unwrap();
    folder
}

fn run(folder: &Path, text: &str) -> Result<Vec<Event>, Error> {
    let path = folder.join("recipe.toml");
    let mut events = Vec::new();
    let recipe = Recipe::parse(text, &path)?;
    let control = Control { resume: false, stop: &AtomicBool::new(false) };
    train(&recipe, &Cpu::new(2), control, &mut |event| events.push(event.clone()))?;
    Ok(events)
}

fn losses(events: &[Event]) -> Vec<f64> {
    let loss = |event: &Event| match event {
        Event::Step(step) => Some(step.loss),
        _ => None,
    };
    events.iter().filter_map(loss).collect()
}

/// The mean loss of a checkpoint, as it is saved, on batches.
fn loss_of(checkpoint: &Path, batches: &[TrainingBatch]) -> f64 {
    let device = Cpu::new(2);
    let checkpoint = Checkpoint::open(checkpoint).unwrap();
    let weights = checkpoint.weights();
    let decoder = Decoder::new(checkpoint.config, &device, 64);
    let (mut nats, mut n_targets) = (0.0, 0);
    for batch in batches {
        let output = decoder.forward(&device, &weights, &batch.inputs, None).unwrap();
        let logits = decoder.logits(&device, &weights, &output.hidden).unwrap();
        let losses = device.cross_entropy(&logits, &batch.targets);
        nats += losses.as_slice::<f32>().iter().map(|x| f64::from(*x)).sum::<f64>();
        n_targets += batch.n_targets;
    }
    nats / n_targets as f64
}

#[test]
fn fine_tuning_goes_on_from_our_own_checkpoint() {
    let folder = workshop();
    let events = run(folder.path(), FINE_TUNING).unwrap();
    let losses = losses(&events);
    let shards = Shards::open(&folder.path().join("tuned/shards/train")).unwrap();
    let config = BatchConfig { sequences: 4, length: 64, accumulation: 1, recompute: false };
    let first = Batches::of(&shards, config, 0).unwrap().step(1).unwrap();
    let expected = loss_of(&folder.path().join("run/checkpoint-0000012"), &first);
    assert!((losses[0] - expected).abs() < 1e-4, "{}, not {expected}", losses[0]);
    assert!(losses[29] < losses[0] * 0.2, "it learns the answer: {losses:?}");
    let windows = events.iter().find_map(|event| match event {
        Event::Windows(windows) => Some(*windows),
        _ => None,
    });
    assert_eq!(windows.unwrap().n_cut, 0);
    let measured = events.iter().find_map(|event| match event {
        Event::Evaluated { loss, .. } => Some(*loss),
        _ => None,
    });
    assert!(measured.unwrap() < losses[0], "the answers are measured");
}

#[test]
fn the_first_step_from_a_checkpoint_of_transformers_loses_what_it_loses_there() {
    let goldens = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../model/tests/goldens");
    for case in ["v3", "v2_lite", "moe_mha"] {
        let folder = goldens.join(case);
        let config = Config::read(&folder).unwrap();
        let golden = read_safetensors(&folder.join("golden.safetensors")).unwrap();
        let ids = &golden["input_ids"];
        let rows = ids.as_slice::<i32>().chunks(ids.cols()).map(|row| (row, Vec::new()));
        let batch = TrainingBatch::of_windows(rows).unwrap();
        let device = Cpu::new(2);
        let weights = weights_from(&folder, &config, 0).unwrap();
        let mut trainer = Trainer::begin(&device, config, weights, ids.cols());
        let outcome = trainer.step(&[batch], (1, 1e-3), &OptimiserConfig::default(), 0.0);
        let (found, expected) = (outcome.unwrap().unwrap().loss, golden["loss"].to_f32_vec()[0]);
        assert!((found - f64::from(expected)).abs() < 1e-4, "{case}: {found}, not {expected}");
    }
}

#[test]
fn another_models_weights_must_fit() {
    let folder = workshop();
    let from = "tokenizer = \"tokenizer\"\ninitialise_from = \"run/checkpoint-0000012\"";
    let cases = [
        ("hidden_size = 32", "hidden_size = 64", "`model.embed_tokens.weight` is [320, 32]"),
        ("num_hidden_layers = 2", "num_hidden_layers = 3", "it has no `model.layers.2."),
        ("num_hidden_layers = 2", "num_hidden_layers = 1", "which the recipe's model has not"),
        ("tie_word_embeddings = true", "tie_word_embeddings = false", "it has no `lm_head.weight`"),
    ];
    for (old, new, expected) in cases {
        let text = RECIPE.replace("tokenizer = \"tokenizer\"", from).replace(old, new);
        let text = text.replace("folder = \"run\"", "folder = \"other\"");
        let error = run(folder.path(), &text).expect_err(new).to_string();
        assert!(error.contains(expected), "{new}: {error}");
    }
    for (old, expected) in [
        ("initialise_from = \"run/checkpoint-0000012\"", "neither [model] nor `initialise_from`"),
        ("checkpoint-0000012", "config.json"),
    ] {
        let text = FINE_TUNING.replace(old, if old.contains('=') { "" } else { "gone" });
        let error = run(folder.path(), &text).expect_err(old).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let gaps =
        FINE_TUNING.replace("format = \"chat\"", "format = \"chat\"\nfill_in_the_middle = 0.5");
    let error = run(folder.path(), &gaps).err().unwrap().to_string();
    assert!(error.contains("`data.fill_in_the_middle` is 0.5"), "{error}");
}
