//! Any bytes as the packed weights of a small model: an error, or tensors of its shapes.
#![no_main]

use std::sync::Arc;

use hadal_model::{Checkpoint, parameters};
use hadal_tensor::{HostBuffer, Memory};
use libfuzzer_sys::fuzz_target;

const CONFIG: &str = r#"{"model_type": "deepseek", "vocab_size": 32, "hidden_size": 32,
    "num_hidden_layers": 1, "num_attention_heads": 1, "first_k_dense_replace": 1,
    "intermediate_size": 32, "max_position_embeddings": 8, "tie_word_embeddings": true,
    "quantization_config": {"quant_method": "hadal", "format": "FORMAT"}}"#;

const FORMATS: [&str; 4] = ["q8_0", "packed_4_16_min", "packed_6_16", "packed_8_32"];

fuzz_target!(|bytes: &[u8]| {
    let weights: Arc<dyn Memory> = Arc::new(HostBuffer::from_bytes(bytes));
    for format in FORMATS {
        let config = CONFIG.replace("FORMAT", format);
        let Ok(checkpoint) = Checkpoint::from_memory(&config, Arc::clone(&weights)) else {
            continue;
        };
        for parameter in parameters(&checkpoint.config) {
            let tensor = checkpoint.tensor(&parameter.name).expect("it was checked");
            assert_eq!(tensor.to_f32_vec().len(), parameter.dims.iter().product::<usize>());
        }
    }
});
