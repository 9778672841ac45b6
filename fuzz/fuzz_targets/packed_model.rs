//! Any bytes as the packed 8-bit weights of a small model: an error, or tensors of its shapes.
#![no_main]

use std::sync::Arc;

use hadal_model::{Checkpoint, parameters};
use hadal_tensor::HostBuffer;
use libfuzzer_sys::fuzz_target;

const CONFIG: &str = r#"{"model_type": "deepseek", "vocab_size": 32, "hidden_size": 32,
    "num_hidden_layers": 1, "num_attention_heads": 1, "first_k_dense_replace": 1,
    "intermediate_size": 32, "max_position_embeddings": 8, "tie_word_embeddings": true,
    "quantization_config": {"quant_method": "hadal", "format": "q8_0"}}"#;

fuzz_target!(|bytes: &[u8]| {
    let weights = Arc::new(HostBuffer::from_bytes(bytes));
    if let Ok(checkpoint) = Checkpoint::from_memory(CONFIG, weights) {
        for parameter in parameters(&checkpoint.config) {
            let tensor = checkpoint.tensor(&parameter.name).expect("it was checked");
            assert_eq!(tensor.to_f32_vec().len(), parameter.dims.iter().product::<usize>());
        }
    }
});
