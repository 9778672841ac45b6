//! GGUF files: those that the package `gguf` wrote compute what the published folders do, and what
//! is written here comes back.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

use std::fs;
use std::path::{Path, PathBuf};

use hadal_cpu::Cpu;
use hadal_model::gguf::{TokenKind, Vocabulary, read_vocabulary, write_gguf};
use hadal_model::{Batch, Checkpoint, Decoder, parameters, read_safetensors};
use hadal_tensor::{DType, Tensor};
use tempfile::tempdir;

fn goldens() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// A vocabulary of as many tokens as the golden models have, but for the last two.
fn vocabulary() -> Vocabulary {
    let mut kinds = vec![TokenKind::Normal; 94];
    (kinds[0], kinds[1], kinds[2]) = (TokenKind::Control, TokenKind::Control, TokenKind::Added);
    Vocabulary {
        splits: "deepseek-v3".to_owned(),
        tokens: (0..94).map(|id| format!("token {id} 深")).collect(),
        kinds,
        merges: vec!["a b".to_owned(), "ab c".to_owned()],
        bos: Some(0),
        eos: Some(1),
        pad: None,
        add_bos: true,
        add_eos: false,
        chat_template: Some("{{ messages }}".to_owned()),
    }
}

fn export(case: &str, path: &Path, dtype: DType) -> Checkpoint {
    let checkpoint = Checkpoint::open(&goldens().join(case)).unwrap();
    write_gguf(path, case, &checkpoint, &vocabulary(), dtype).unwrap();
    checkpoint
}

/// The logits of the golden texts of `case`, by another checkpoint, and those that are right.
fn logits(case: &str, checkpoint: Checkpoint) -> (Vec<f32>, Vec<f32>) {
    let golden = read_safetensors(&goldens().join(case).join("golden.safetensors")).unwrap();
    let ids = &golden["input_ids"];
    let ids: Vec<Vec<u32>> = ids
        .as_slice::<i32>()
        .chunks(ids.cols())
        .map(|text| text.iter().map(|id| *id as u32).collect())
        .collect();
    let (device, weights) = (Cpu::new(2), checkpoint.weights());
    let decoder = Decoder::new(checkpoint.config, &device, 64);
    let batch = Batch::of_texts(ids.iter().map(Vec::as_slice)).unwrap();
    let hidden = decoder.forward(&device, &weights, &batch, None).unwrap().hidden;
    let found = decoder.logits(&device, &weights, &hidden).unwrap().to_f32_vec();
    (found, golden["logits"].to_f32_vec())
}

#[test]
fn files_of_the_package_gguf_compute_the_same() {
    for (case, file) in [
        ("moe_mha", "moe_mha"),
        ("v2_lite", "v2_lite-00001-of-00002"),
        ("llama3", "llama3"),
        ("qwen2", "qwen2"),
        ("qwen3_yarn", "qwen3_yarn"),
    ] {
        let checkpoint = Checkpoint::open(&goldens().join(format!("gguf/{file}.gguf"))).unwrap();
        let (found, expected) = logits(case, checkpoint);
        assert_eq!(found.len(), expected.len());
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= 1e-4, "{case}: a logit differs by {worst}");
    }
}

#[test]
fn experts_of_qwen_compute_the_same_without_a_window() {
    let folder = tempdir().unwrap();
    let golden = goldens().join("qwen3_moe");
    let config = fs::read_to_string(golden.join("config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    config["use_sliding_window"] = false.into();
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let weights = "model.safetensors";
    fs::copy(golden.join(weights), folder.path().join(weights)).unwrap();
    let published = logits("qwen3_moe", Checkpoint::open(folder.path()).unwrap()).0;
    let file = Checkpoint::open(&goldens().join("gguf/qwen3_moe.gguf")).unwrap();
    assert!(logits("qwen3_moe", file).0 == published);
}

#[test]
fn a_tensor_that_the_model_does_not_ask_for_is_refused() {
    // The model with biases, named as the family that has none.
    let mut bytes = fs::read(goldens().join("gguf/qwen2.gguf")).unwrap();
    let name = b"qwen2.";
    let mut place = 0;
    while let Some(found) = bytes[place..].windows(name.len()).position(|window| window == name) {
        place += found + name.len();
        bytes[place - 6..place - 1].copy_from_slice(b"llama");
    }
    let name = b"general.architecture";
    let place = bytes.windows(name.len()).position(|window| window == name).unwrap();
    let value = place + name.len() + 4 + 8;
    bytes[value..value + 5].copy_from_slice(b"llama");
    let folder = tempdir().unwrap();
    let path = folder.path().join("llama.gguf");
    fs::write(&path, bytes).unwrap();
    let message = Checkpoint::open(&path).err().unwrap().to_string();
    assert!(message.contains("_proj.bias`, which this model does not know"), "{message}");
}

#[test]
fn a_model_that_is_written_comes_back() {
    let folder = tempdir().unwrap();
    for case in ["v2_grouped", "v2_lite", "v2_lite_yarn", "v3", "v3_yarn"] {
        let path = folder.path().join(format!("{case}.gguf"));
        let written = export(case, &path, DType::F32);
        let read = Checkpoint::open(&path).unwrap();
        for parameter in parameters(&written.config) {
            let [written, read] =
                [&written, &read].map(|model| model.tensor(&parameter.name).unwrap().to_f32_vec());
            assert!(written == read, "{case}: {}", parameter.name);
        }
        // The document says the same in other words.
        let mut expected = written.config.clone();
        expected.json = read.config.json.clone();
        expected.initializer_range = read.config.initializer_range;
        assert_eq!(read.config, expected, "{case}");
        assert_eq!(read_vocabulary(&path).unwrap(), padded(vocabulary()), "{case}");
    }
}

/// The vocabulary with a token for every row of the embedding.
fn padded(mut vocabulary: Vocabulary) -> Vocabulary {
    vocabulary.tokens.extend(["[PAD94]".to_owned(), "[PAD95]".to_owned()]);
    vocabulary.kinds.extend([TokenKind::Unused; 2]);
    vocabulary
}

#[test]
fn matrices_are_stored_as_asked_and_the_rest_as_llama_cpp_wants_it() {
    let folder = tempdir().unwrap();
    for (dtype, matrix, narrow) in [
        (DType::F32, DType::F32, DType::F32),
        (DType::F16, DType::F16, DType::F16),
        (DType::Bf16, DType::Bf16, DType::Bf16),
        // Rows of 8 are no blocks of 32.
        (DType::Q8_0, DType::Q8_0, DType::Bf16),
    ] {
        let path = folder.path().join(format!("{}.gguf", dtype.name()));
        let written = export("v3", &path, dtype);
        let read = Checkpoint::open(&path).unwrap();
        let layer = "model.layers.1.";
        for (name, expected) in [
            ("mlp.experts.3.gate_proj.weight", matrix),
            ("mlp.experts.3.down_proj.weight", narrow),
            ("mlp.gate.weight", DType::F32),
            ("mlp.gate.e_score_correction_bias", DType::F32),
            ("input_layernorm.weight", DType::F32),
        ] {
            let name = format!("{layer}{name}");
            let found = read.tensor(&name).unwrap();
            assert_eq!(found.dtype(), expected, "{name} in {}", dtype.name());
            let (found, whole) = (found.to_f32_vec(), written.tensor(&name).unwrap().to_f32_vec());
            let largest = whole.iter().fold(0f32, |m, x| m.max(x.abs()));
            for (a, b) in found.iter().zip(&whole) {
                assert!((a - b).abs() <= largest / 200.0, "{name} in {}: {a} {b}", dtype.name());
            }
        }
    }
}

#[test]
fn experts_share_the_memory_of_the_file() {
    let checkpoint = Checkpoint::open(&goldens().join("gguf/moe_mha.gguf")).unwrap();
    let expert = |i: usize| {
        checkpoint.tensor(&format!("model.layers.1.mlp.experts.{i}.up_proj.weight")).unwrap()
    };
    let address = |tensor: &Tensor| tensor.packed_row(0).as_ptr().addr();
    assert_eq!(address(expert(1)) - address(expert(0)), expert(0).len_bytes());
}

#[test]
fn a_model_in_several_files_opens_by_its_first() {
    let refused = |path: &Path| Checkpoint::open(path).err().unwrap().to_string();
    let second = refused(&goldens().join("gguf/v2_lite-00002-of-00002.gguf"));
    assert!(second.contains("it is part 2 of 2; open the first, named …-00001-of-00002.gguf"));

    let folder = tempdir().unwrap();
    let first = fs::read(goldens().join("gguf/v2_lite-00001-of-00002.gguf")).unwrap();
    for (name, expected) in [
        ("model.gguf", "it is part 1 of 2"),
        ("model-00001-of-00002.gguf", "model-00002-of-00002.gguf"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, &first).unwrap();
        let message = refused(&path);
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn what_gguf_cannot_say_is_refused_by_name() {
    let folder = tempdir().unwrap();
    for (case, expected) in [
        ("moe_mha", "multi-head latent attention"),
        ("qwen2", "multi-head latent attention"),
        ("sliding", "in a window"),
        ("v3_yarn_mscale", "YaRN of mscale 1 and mscale_all_dim 0.5"),
    ] {
        let checkpoint = Checkpoint::open(&goldens().join(case)).unwrap();
        let path = folder.path().join("model.gguf");
        let error = write_gguf(&path, case, &checkpoint, &vocabulary(), DType::F32).unwrap_err();
        assert!(error.to_string().contains(expected), "{case}: {error}");
        assert!(!path.exists());
    }
}
