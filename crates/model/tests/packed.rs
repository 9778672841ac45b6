//! Packed checkpoints: read where they lie, and refused by name where they are damaged.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use hadal_model::{Checkpoint, Config, initialise, write_safetensors};
use hadal_tensor::{DType, HostBuffer, Tensor, quantise_q8_0};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Value, json};
use tempfile::TempDir;

const EMBEDDING: &str = "model.embed_tokens.weight";

/// A tiny model, its embedding packed.
fn checkpoint(quantisation: &Value) -> TempDir {
    let config = Config::from_value(json!({
        "model_type": "deepseek", "vocab_size": 8, "hidden_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 1, "intermediate_size": 32, "max_position_embeddings": 16,
        "tie_word_embeddings": true, "quantization_config": quantisation
    }))
    .expect("it is sound");
    let weights: Vec<(String, Tensor)> = initialise(&config, 1)
        .into_iter()
        .map(|(p, tensor)| {
            let tensor = if p.name == EMBEDDING { pack(&tensor) } else { tensor };
            (p.name, tensor)
        })
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    write_safetensors(&folder.path().join("model.safetensors"), &weights).expect("it is written");
    fs::write(folder.path().join("config.json"), config.json.to_string()).expect("it is written");
    folder
}

fn pack(tensor: &Tensor) -> Tensor {
    let memory = Arc::new(HostBuffer::from_bytes(&quantise_q8_0(tensor.as_slice())));
    Tensor::from_memory(memory, 0, DType::Q8_0, tensor.dims())
}

fn q8_0() -> Value {
    json!({"quant_method": "hadal", "format": "q8_0"})
}

/// Gives the embedding's bytes another shape.
fn reshape(folder: &Path, dims: &[usize]) {
    let path = folder.join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let views: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            if name != EMBEDDING {
                return (name, view);
            }
            let n_bytes = dims.iter().product();
            (name, TensorView::new(Dtype::U8, dims.to_vec(), &view.data()[..n_bytes]).unwrap())
        })
        .collect();
    let bytes = safetensors::serialize(views, None::<HashMap<String, String>>).unwrap();
    fs::write(&path, bytes).unwrap();
}

#[test]
fn a_packed_matrix_is_read_as_it_was_written() {
    let folder = checkpoint(&q8_0());
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let found = checkpoint.tensor(EMBEDDING).unwrap();
    assert_eq!((found.dtype(), found.dims()), (DType::Q8_0, &[8, 64][..]));
    let weights = initialise(&checkpoint.config, 1);
    let (_, written) = weights.iter().find(|(p, _)| p.name == EMBEDDING).unwrap();
    assert_eq!(found.to_f32_vec(), pack(written).to_f32_vec());
    checkpoint.check_finite().unwrap();
}

#[test]
fn a_matrix_of_other_bytes_is_named() {
    for (dims, expected) in [
        (&[8, 68][..], "it opens"),
        (&[8, 67], "is [8, 67] bytes; a q8_0 matrix has two dimensions"),
        (&[8, 34], "is [8, 32]; the configuration asks for [8, 64]"),
        (&[4, 68], "is [4, 64]; the configuration asks for [8, 64]"),
        (&[544], "is [544] bytes"),
        (&[4, 2, 68], "is [4, 2, 68] bytes"),
    ] {
        let folder = checkpoint(&q8_0());
        reshape(folder.path(), dims);
        let message = match Checkpoint::open(folder.path()) {
            Ok(_) => "it opens".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(message.contains(expected), "{dims:?}: {message}");
        assert!(message == "it opens" || message.contains(EMBEDDING), "{dims:?}: {message}");
    }
}

#[test]
fn bytes_are_packed_only_where_the_configuration_says_so() {
    let folder = checkpoint(&Value::Null);
    let message = Checkpoint::open(folder.path()).err().unwrap().to_string();
    assert!(message.contains(EMBEDDING) && message.contains("stored as u8"), "{message}");
}

#[test]
fn other_ways_to_quantise_are_refused_by_name() {
    for (quantisation, expected) in [
        (json!({"quant_method": "fp8", "fmt": "e4m3"}), "`quantization_config.quant_method`"),
        (json!({"quant_method": "hadal"}), "`quantization_config.format` is not given"),
        (json!({"quant_method": "hadal", "format": "q9"}), "is \"q9\""),
        (json!({"quant_method": "hadal", "format": "q8_0", "bits": 8}), "bits"),
    ] {
        let config = json!({
            "model_type": "deepseek", "vocab_size": 8, "hidden_size": 64, "num_hidden_layers": 1,
            "num_attention_heads": 1, "intermediate_size": 32, "max_position_embeddings": 16,
            "quantization_config": quantisation
        });
        let message = Config::from_value(config).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
