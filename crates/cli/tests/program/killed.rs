//! A training run that is killed, again and again, or asked to stop.

#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hadal_model::Checkpoint;
use hadal_train::{list_checkpoints, verify_checkpoint};
use serde_json::Value;

use crate::harness::{VOCAB_SIZE, write_tiny};

const RECIPE: &str = r#"
tokenizer = "tokenizer"

[model]
model_type = "deepseek_v3"
vocab_size = VOCABULARY
hidden_size = 64
num_hidden_layers = 1
num_attention_heads = 2
kv_lora_rank = 16
qk_nope_head_dim = 16
qk_rope_head_dim = 8
v_head_dim = 16
intermediate_size = 128
max_position_embeddings = 32

[data]
train = ["text.txt"]

[batch]
sequences = 2
length = 16
accumulation = ACCUMULATION

[schedule]
steps = STEPS
warm_up = 1
learning_rate = 0.001

[output]
folder = "OUTPUT"
save_every = SAVE_EVERY
"#;

/// Kills of all runs together.
const KILLS: usize = 50;
/// Steps of a run that is killed.
const STEPS: u32 = 40;

/// A folder with all that a recipe needs.
fn workshop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_tiny(&folder.path().join("tokenizer"), |_| ());
    let text = "The sea is deep, and cold, and dark. ".repeat(40);
    fs::write(folder.path().join("text.txt"), text).unwrap();
    folder
}

/// Writes a recipe into a workshop; gives its path.
fn write_recipe(folder: &Path, name: &str, values: [(&str, u32); 3]) -> PathBuf {
    let vocabulary = VOCAB_SIZE.to_string();
    let mut text = RECIPE.replace("VOCABULARY", &vocabulary).replace("OUTPUT", name);
    for (key, value) in values {
        text = text.replace(key, &value.to_string());
    }
    let path = folder.join(format!("{name}.toml"));
    fs::write(&path, text).unwrap();
    path
}

fn start(recipe: &Path, resume: bool) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hadal"));
    command.arg("train").arg(recipe).args(["--threads", "1"]);
    command.args(resume.then_some("--resume"));
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Losses as they are printed, step by step.
fn losses(run: &Path) -> Vec<(u64, String)> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let steps = events.filter(|event| event["event"] == "step");
    steps.map(|step| (step["step"].as_u64().unwrap(), step["loss"].to_string())).collect()
}

fn partial(run: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(run) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_partial = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("checkpoint-") && name.ends_with(".partial")
    };
    paths.filter(is_partial).collect()
}

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as f64 / (1_u64 << 31) as f64
    }
}

#[test]
fn a_run_that_is_killed_fifty_times_equals_one_that_is_not() {
    let folder = workshop();
    let values = [("STEPS", STEPS), ("ACCUMULATION", 1), ("SAVE_EVERY", 1)];
    let recipe = write_recipe(folder.path(), "undisturbed", values);
    let began = Instant::now();
    let output = start(&recipe, false).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let whole_run = began.elapsed();
    let expected = losses(&folder.path().join("undisturbed"));
    assert_eq!(expected.len(), STEPS as usize);

    let (mut n_kills, mut n_in_writing, mut n_runs) = (0, 0, 0);
    let mut numbers = Numbers(1);
    while n_kills < KILLS {
        n_runs += 1;
        let name = format!("killed-{n_runs}");
        let recipe = write_recipe(folder.path(), &name, values);
        let run = folder.path().join(name);
        loop {
            let has_checkpoint = list_checkpoints(&run).is_ok_and(|all| !all.is_empty());
            let mut child = start(&recipe, has_checkpoint);
            sleep(whole_run.mul_f64(numbers.next() / 5.0));
            if numbers.next() < 0.5 {
                wait_for_writing(&run, &mut child);
                sleep(Duration::from_secs_f64(numbers.next() * 0.004));
            }
            let is_done = n_kills == KILLS || child.try_wait().unwrap().is_some();
            if !is_done {
                child.kill().unwrap();
            }
            let output = child.wait_with_output().unwrap();
            if is_done {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                break;
            }
            n_kills += 1;
            let left = partial(&run);
            assert!(left.len() <= 1, "{left:?}");
            n_in_writing += left.len();
            for checkpoint in list_checkpoints(&run).unwrap_or_default() {
                verify_checkpoint(&checkpoint).unwrap();
                Checkpoint::open(&checkpoint).unwrap();
            }
        }
        assert_eq!(losses(&run), expected, "run {n_runs}");
        assert!(partial(&run).is_empty());
    }
    println!("{n_kills} kills in {n_runs} runs, {n_in_writing} of them in checkpoint writing");
    assert!(n_in_writing >= 5, "{n_in_writing} of {n_kills} kills fell into checkpoint writing");
}

/// Waits until the run writes, or removes, a checkpoint; not for ever.
fn wait_for_writing(run: &Path, child: &mut Child) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(500)
        && partial(run).is_empty()
        && child.try_wait().unwrap().is_none()
    {
        sleep(Duration::from_micros(200));
    }
}

/// Starts a run, and sends it signals once it has begun; gives its exit code and what it said.
fn signalled(recipe: &Path, signals: &[&str]) -> (Option<i32>, String) {
    let mut child = start(recipe, false);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let begun = lines.find(|line| line.starts_with("from step 1 on "));
    assert!(begun.is_some(), "the run begins");
    for signal in signals {
        sleep(Duration::from_millis(200));
        let sent =
            Command::new("kill").args([signal, child.id().to_string().as_str()]).status().unwrap();
        assert!(sent.success());
    }
    let said = lines.collect::<Vec<_>>().join("\n");
    (child.wait().unwrap().code(), said)
}

#[test]
fn a_signal_lets_the_run_save_and_a_second_does_not() {
    let folder = workshop();
    for signal in ["-TERM", "-INT"] {
        let values = [("STEPS", 1_000_000), ("ACCUMULATION", 1), ("SAVE_EVERY", 1_000_000)];
        let name = format!("signalled{signal}");
        let (code, said) = signalled(&write_recipe(folder.path(), &name, values), &[signal]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("stopped after step "), "{said}");
        assert!(said.ends_with(" is whole: go on with --resume"), "{said}");
        let run = folder.path().join(name);
        let [checkpoint] = &list_checkpoints(&run).unwrap()[..] else { panic!("one checkpoint") };
        verify_checkpoint(checkpoint).unwrap();
        let (last, _) = losses(&run).pop().unwrap();
        assert!(checkpoint.ends_with(format!("checkpoint-{last:07}")), "{last}");
    }
    // A step that lasts for minutes.
    let values = [("STEPS", 2), ("ACCUMULATION", 60_000), ("SAVE_EVERY", 1)];
    let recipe = write_recipe(folder.path(), "twice", values);
    let (code, said) = signalled(&recipe, &["-INT", "-INT"]);
    assert_eq!(code, Some(130), "{said}");
    assert!(list_checkpoints(&folder.path().join("twice")).unwrap().is_empty());
}
