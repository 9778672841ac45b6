//! Any bytes as a safetensors file: every tensor that is given can be read to its end.
#![no_main]

use hadal_model::parse_safetensors;
use hadal_tensor::HostBuffer;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tensors) = parse_safetensors("the input", Arc::new(HostBuffer::from_bytes(bytes))) {
        for tensor in tensors.values() {
            assert!(tensor.len_bytes() <= bytes.len());
            let _ = tensor.to_f32_vec();
        }
    }
});
