//! Checkpoints that the disk damaged, recipes and documents that changed.

use std::fs;
use std::path::Path;

use hadal_train::{Event, list_checkpoints, verify_checkpoint};

use crate::workshop::{STEPS, Workshop, assert_undisturbed, edit};

/// Does `damage` to the newest checkpoint of a finished run, which then goes on from the one
/// before it; `file` is named.
fn check(file: &str, damage: impl Fn(&Path)) {
    let workshop = Workshop::new();
    workshop.run(&[], false).0.expect("it trains");
    damage(&workshop.checkpoint(STEPS).join(file));
    // Only one is kept, and it must not be the damaged one.
    let (ended, events) = workshop.run(&[("keep = 3", "keep = 1")], true);
    ended.expect("it goes on");
    let damaged = events.iter().find_map(|event| match event {
        Event::Damaged { folder, reason } => Some((folder, reason)),
        _ => None,
    });
    let (folder, reason) = damaged.expect("it is told");
    assert!(folder.ends_with("checkpoint-0000012.damaged") && folder.exists());
    assert!(reason.contains(&format!("{file} is damaged")), "{reason}");
    let first = events.iter().find_map(|event| match event {
        Event::Step(step) => Some(step.step),
        _ => None,
    });
    assert_eq!(first, Some(10), "it goes on from step 9");
    let text = fs::read_to_string(workshop.path("run/metrics.jsonl")).expect("there");
    let others: Vec<&str> = text.lines().filter(|line| !line.contains("\"damaged\"")).collect();
    assert_eq!(others.len() + 1, text.lines().count());
    fs::write(workshop.path("run/metrics.jsonl"), others.join("\n")).expect("written");
    assert_undisturbed(&workshop);
    let left = list_checkpoints(&workshop.path("run")).expect("it lists");
    assert_eq!(left, [workshop.checkpoint(STEPS)]);
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_it_taken() {
    let flip = |at: usize| move |path: &Path| edit(path, |bytes| bytes[at] ^= 1);
    check("training.safetensors", |path| edit(path, |bytes| bytes.truncate(bytes.len() - 1)));
    check("training.safetensors", |path| edit(path, |bytes| *bytes.last_mut().unwrap() ^= 128));
    check("model.safetensors", flip(5000));
    check("training.json", flip(3));
    check("config.json", |path| fs::remove_file(path).unwrap());
    check("tokenizer.json", |path| edit(path, Vec::clear));
    check("manifest.json", |path| fs::remove_file(path).unwrap());
}

#[test]
fn where_no_checkpoint_is_whole_nothing_is_touched() {
    let workshop = Workshop::new();
    workshop.run(&[], false).0.expect("it trains");
    let all = list_checkpoints(&workshop.path("run")).expect("it lists");
    assert_eq!(all.len(), 3);
    for checkpoint in &all {
        edit(&checkpoint.join("model.safetensors"), |bytes| bytes.truncate(9));
    }
    let metrics = workshop.metrics();
    let message = workshop.run(&[], true).0.expect_err("all are damaged").to_string();
    assert!(message.contains("holds no whole checkpoint to resume from: "), "{message}");
    assert!(message.contains("checkpoint-0000012/model.safetensors is damaged: it has 9 bytes"));
    assert_eq!(list_checkpoints(&workshop.path("run")).expect("it lists"), all);
    assert_eq!(workshop.metrics(), metrics);
}

#[test]
fn what_a_killed_run_left_half_written_is_removed() {
    let workshop = Workshop::new();
    workshop.run(&[], false).0.expect("it trains");
    let partial = workshop.checkpoint(12).with_extension("partial");
    fs::rename(workshop.checkpoint(12), &partial).unwrap();
    fs::remove_file(partial.join("manifest.json")).unwrap();
    fs::write(workshop.path("run/metrics.partial"), "{").unwrap();
    workshop.run(&[], true).0.expect("it goes on");
    assert!(!partial.exists());
    assert!(!workshop.path("run/metrics.partial").exists());
    verify_checkpoint(&workshop.checkpoint(12)).expect("it is whole");
    assert_undisturbed(&workshop);
}

#[test]
fn a_recipe_that_became_another_is_refused_by_its_key() {
    let workshop = Workshop::new();
    workshop.run(&[], false).0.expect("it trains");
    for (old, new, expected) in [
        ("seed = 7", "seed = 8", "`seed` was 7, and now it is 8"),
        ("hidden_size = 16", "hidden_size = 32", "`model.hidden_size` was 16"),
        ("length = 16", "length = 8", "`batch.length` was 16"),
        ("length = 16", "length = 16\naccumulation = 2", "`batch.accumulation` was 1"),
        ("train = [\"sea.txt\"]", "train = [\"a.txt\"]", "`data.train` was [\"sea.txt\"]"),
    ] {
        let message = workshop.run(&[(old, new)], true).0.expect_err(new).to_string();
        assert!(message.contains(expected), "{new}: {message}");
    }
    let free = [
        ("steps = 12", "steps = 14"),
        ("learning_rate = 0.01", "learning_rate = 0.001"),
        ("bias_update = 0.001", "bias_update = 0.002"),
        ("save_every = 3", "save_every = 5"),
        ("validation = [\"sea.txt\"]", "validation = []"),
    ];
    let (ended, _) = workshop.run(&free, true);
    assert_eq!(ended.expect("these may change").steps, 14);

    edit(&workshop.path("sea.txt"), |bytes| bytes.extend_from_slice(b"One more sentence."));
    let message = workshop.run(&[], true).0.expect_err("other documents").to_string();
    assert!(message.contains("its data.train held"), "{message}");
}

#[test]
fn fewer_documents_leave_no_shard_of_the_old_ones() {
    let workshop = Workshop::new();
    let shards = workshop.path("run/shards/train");
    fs::create_dir_all(&shards).unwrap();
    fs::write(shards.join("0007.safetensors"), "of an earlier packing").unwrap();
    workshop.run(&[], false).0.expect("it trains");
    assert!(!shards.join("0007.safetensors").exists());
    edit(&shards.join("0000.safetensors"), |bytes| bytes[200] ^= 1);
    let (ended, events) = workshop.run(&[], true);
    ended.expect("the documents are there to be packed again");
    let is_told = |event: &Event| match event {
        Event::Repacked { reason, .. } => reason.contains("0000.safetensors"),
        _ => false,
    };
    assert!(events.iter().any(is_told), "{events:?}");
}
