//! The mean of checkpoints.

use std::fs;

use hadal_model::{Checkpoint, read_safetensors};
use hadal_train::average_checkpoints;
use half::bf16;

use crate::workshop::{Workshop, edit};

#[test]
fn the_mean_is_that_of_the_f32_weights() {
    let workshop = Workshop::new();
    workshop.run(&[], false).0.expect("it trains");
    let folders = [6, 9, 12].map(|step| workshop.checkpoint(step));
    let out = workshop.path("mean");
    average_checkpoints(&folders, &out).expect("they belong together");
    let mean = Checkpoint::open(&out).expect("it opens");
    let sources = folders
        .each_ref()
        .map(|folder| read_safetensors(&folder.join("training.safetensors")).expect("it opens"));
    for (name, is_matrix) in [("model.embed_tokens.weight", true), ("model.norm.weight", false)] {
        let values = sources.each_ref().map(|source| source[name].to_f32_vec());
        let found = mean.tensor(name).expect("it is there").to_f32_vec();
        assert_eq!(found.len(), values[0].len());
        for (i, found) in found.into_iter().enumerate() {
            let sum: f64 = values.iter().map(|values| f64::from(values[i])).sum();
            let expected = (sum / 3.0) as f32;
            let expected = if is_matrix { bf16::from_f32(expected).to_f32() } else { expected };
            assert_eq!(found, expected, "{name}, value {i}");
        }
    }
    let again = average_checkpoints(&folders, &out).expect_err("it is there").to_string();
    assert!(again.contains("mean"), "{again}");
}

#[test]
fn what_does_not_belong_together_is_named() {
    let (one, other) = (Workshop::new(), Workshop::new());
    let steps = ("steps = 12", "steps = 4");
    one.run(&[steps], false).0.expect("it trains");
    other.run(&[steps, ("vocab_size = 272", "vocab_size = 288")], false).0.expect("it trains");
    let folders = [one.checkpoint(4), other.checkpoint(4)];
    let out = one.path("mean");
    let message = average_checkpoints(&folders, &out).expect_err("shapes differ").to_string();
    let expected = "`model.embed_tokens.weight` is [288, 16] here and [272, 16] there";
    assert!(message.contains(expected), "{message}");
    edit(&one.checkpoint(4).join("training.safetensors"), |bytes| bytes[5000] ^= 1);
    let message = average_checkpoints(&folders[..1], &out).expect_err("damaged").to_string();
    assert!(message.contains("training.safetensors is damaged"), "{message}");
    assert!(!out.exists());

    // A folder that is no checkpoint of a run gives the weights of its model.
    for name in ["training.safetensors", "training.json", "manifest.json"] {
        fs::remove_file(folders[1].join(name)).expect("removed");
    }
    average_checkpoints(&folders[1..], &out).expect("it is a model");
    let model = |folder: &std::path::Path| fs::read(folder.join("model.safetensors"));
    assert_eq!(model(&out).expect("there"), model(&folders[1]).expect("there"));
}
