//! The forward pass against Hugging Face transformers: logits, routing, and decoding.
//!
//! `goldens/make.py` made the files; `goldens/README.md` says what each case is.

use std::path::PathBuf;
use std::sync::Arc;

use hadal_cpu::Cpu;
use hadal_model::{
    Batch, Cache, Checkpoint, Config, Decoder, ResidentWeights, Routed, read_safetensors,
};
use hadal_tensor::{Backend, Reference, Tensor};

const CASES: [&str; 16] = [
    "v2_grouped",
    "v2_lite",
    "v2_lite_yarn",
    "v3",
    "v3_yarn",
    "v3_yarn_mscale",
    "sliding",
    "moe_mha",
    "llama",
    "llama3",
    "llama_linear",
    "qwen2",
    "qwen2_sliding",
    "qwen3",
    "qwen3_yarn",
    "qwen3_moe",
];

/// Greatest difference of a logit.
const TOLERANCE: f32 = 1e-4;

fn folder(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(case)
}

struct Golden {
    decoder: Decoder,
    weights: ResidentWeights,
    /// One text a row.
    texts: Vec<Vec<u32>>,
    tensors: std::collections::HashMap<String, Tensor>,
}

fn open(case: &str, device: &dyn Backend) -> Golden {
    let checkpoint = Checkpoint::open(&folder(case)).expect("the golden opens");
    let tensors = read_safetensors(&folder(case).join("golden.safetensors")).expect("it opens");
    let ids = &tensors["input_ids"];
    let texts = ids.as_slice::<i32>().chunks(ids.cols());
    Golden {
        weights: checkpoint.weights(),
        texts: texts.map(|text| text.iter().map(|id| *id as u32).collect()).collect(),
        decoder: Decoder::new(checkpoint.config, device, 64),
        tensors,
    }
}

impl Golden {
    fn logits(&self, device: &dyn Backend, batch: &Batch, cache: Option<&mut Cache>) -> Vec<f32> {
        let output = self.decoder.forward(device, &self.weights, batch, cache).expect("it runs");
        let logits = self.decoder.logits(device, &self.weights, &output.hidden).expect("it runs");
        logits.to_f32_vec()
    }
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= TOLERANCE, "{what}: a logit differs by {worst}");
}

fn devices() -> Vec<Arc<dyn Backend>> {
    vec![Arc::new(Reference), Arc::new(Cpu::new(2))]
}

#[test]
fn logits_equal_those_of_transformers() {
    for device in devices() {
        for case in CASES {
            let golden = open(case, &*device);
            let batch = Batch::of_texts(golden.texts.iter().map(Vec::as_slice)).expect("not empty");
            let found = golden.logits(&*device, &batch, None);
            let expected = golden.tensors["logits"].to_f32_vec();
            assert_close(&found, &expected, &format!("{case} on {}", device.name()));
        }
    }
}

#[test]
fn tokens_visit_the_experts_they_visit_in_transformers() {
    let device = Reference;
    for case in CASES {
        let golden = open(case, &device);
        let batch = Batch::of_texts(golden.texts.iter().map(Vec::as_slice)).expect("not empty");
        let output = golden.decoder.forward(&device, &golden.weights, &batch, None).expect("runs");
        let config = golden.decoder.config();
        assert_eq!(output.routed.len(), config.n_layers - config.n_dense_layers, "{case}");
        for (Routed { routing, .. }, layer) in output.routed.iter().zip(config.n_dense_layers..) {
            let expected = |what: &str| &golden.tensors[&format!("router.{layer}.{what}")];
            let found = by_weight(&routing.indices, &routing.weights);
            let expected = by_weight(expected("indices"), expected("weights"));
            let [found_experts, expected_experts] =
                [&found, &expected].map(|visits| visits.iter().map(|v| v.0).collect::<Vec<_>>());
            assert_eq!(found_experts, expected_experts, "{case}, layer {layer}");
            let [found, expected] =
                [found, expected].map(|visits| visits.iter().map(|v| v.1).collect::<Vec<_>>());
            assert_close(&found, &expected, &format!("{case}, layer {layer}"));
        }
    }
}

/// Each token's experts and their weights, heaviest first: transformers gives them in no order.
fn by_weight(indices: &Tensor, weights: &Tensor) -> Vec<(i32, f32)> {
    let (experts, k) = (indices.as_slice::<i32>().iter().copied(), indices.cols());
    let mut visits: Vec<_> = experts.zip(weights.as_slice::<f32>().iter().copied()).collect();
    for token in visits.chunks_mut(k) {
        token.sort_by(|a, b| b.1.total_cmp(&a.1));
    }
    visits
}

#[test]
fn decoding_through_the_cache_equals_the_whole_text_at_once() {
    for device in devices() {
        for case in CASES {
            let golden = open(case, &*device);
            let expected = golden.tensors["logits"].to_f32_vec();
            let vocab = golden.decoder.config().vocab_size;
            for (row, text) in golden.texts.iter().enumerate() {
                let expected = &expected[row * text.len() * vocab..][..text.len() * vocab];
                // A prefill longer than the absorbed path takes, then a chunk it takes, then one
                // token at a time.
                let mut found = Vec::new();
                let mut cache = Cache::new(golden.decoder.config(), &*device, text.len());
                let mut start = 0;
                for len in [11, 4].into_iter().chain(std::iter::repeat(1)).take(11) {
                    let batch = Batch::continuing(start, &text[start..start + len]).expect("some");
                    found.extend(golden.logits(&*device, &batch, Some(&mut cache)));
                    start += len;
                }
                assert_eq!((start, cache.len()), (text.len(), text.len()));
                assert_close(&found, expected, &format!("{case} row {row} on {}", device.name()));
            }
        }
    }
}

#[test]
fn a_published_configuration_means_the_same_as_that_of_transformers() {
    for case in ["v2_lite_yarn", "v3_yarn"] {
        let read = |name: &str| {
            let text = std::fs::read_to_string(folder(case).join(name)).expect("it is there");
            Config { json: serde_json::Value::Null, ..Config::from_json(&text).expect("it parses") }
        };
        assert_eq!(read("config.json"), read("config.classic.json"), "{case}");
    }
}
