//! Any bytes as a GGUF file: an error, or a model whose tensors can be read to their ends.
#![no_main]

use std::sync::Arc;

use hadal_model::gguf::parse_vocabulary;
use hadal_model::{Checkpoint, parameters};
use hadal_tensor::HostBuffer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let memory = Arc::new(HostBuffer::from_bytes(bytes));
    if let Ok(vocabulary) = parse_vocabulary("the input", &*memory) {
        assert_eq!(vocabulary.tokens.len(), vocabulary.kinds.len());
    }
    if let Ok(checkpoint) = Checkpoint::from_gguf("the input", memory) {
        for parameter in parameters(&checkpoint.config) {
            let tensor = checkpoint.tensor(&parameter.name).expect("it was checked");
            assert_eq!(tensor.to_f32_vec().len(), parameter.dims.iter().product::<usize>());
        }
    }
});
