//! Tiny stand-ins: a tokenizer of a few hundred tokens and models with random weights.

use std::collections::HashMap;
use std::sync::Arc;

use hadal_engine::Engine;
use hadal_model::{Config, Decoder, ResidentWeights, initialise};
use hadal_tensor::{Backend, Reference};
use hadal_tokenizer::{Tokenizer, TrainSpec, train_byte_level_bpe};
use serde_json::json;

/// Positions of every tiny engine.
pub(crate) const CAPACITY: usize = 48;

pub(crate) fn tokenizer() -> Arc<Tokenizer> {
    let texts = ["the deep sea is deep and dark", "深海很深很黑", "the hadal zone is deepest"];
    let texts = texts.map(String::from).into_iter();
    Arc::new(train_byte_level_bpe(texts, &TrainSpec::new(300)).unwrap())
}

/// A latent-attention model with experts, and a multi-head one with a sliding window. Weights are
/// large enough for the next token to depend on all before it.
pub(crate) fn configs(vocab_size: usize) -> [Config; 2] {
    let common = json!({
        "vocab_size": vocab_size, "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 48, "max_position_embeddings": 64,
        "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16,
        "n_shared_experts": 1, "first_k_dense_replace": 1, "initializer_range": 0.3,
        "bos_token_id": 0, "eos_token_id": 1,
    });
    let latent = json!({
        "model_type": "deepseek_v3", "kv_lora_rank": 16, "qk_nope_head_dim": 8,
        "qk_rope_head_dim": 8, "v_head_dim": 8,
    });
    let multi_head = json!({
        "model_type": "deepseek", "sliding_window": 6,
        "layer_types": ["sliding_attention", "full_attention"],
    });
    [latent, multi_head].map(|own| {
        let mut all = common.clone();
        all.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        Config::from_value(all).unwrap()
    })
}

pub(crate) struct Tiny {
    pub(crate) decoder: Decoder,
    pub(crate) weights: Arc<ResidentWeights>,
    pub(crate) device: Arc<dyn Backend>,
    pub(crate) tokenizer: Arc<Tokenizer>,
}

impl Tiny {
    pub(crate) fn both() -> [Tiny; 2] {
        let tokenizer = tokenizer();
        configs(tokenizer.vocab_size()).map(|config| Tiny::new(config, Arc::clone(&tokenizer)))
    }

    pub(crate) fn new(config: Config, tokenizer: Arc<Tokenizer>) -> Tiny {
        let tensors: HashMap<_, _> =
            initialise(&config, 5).into_iter().map(|(p, tensor)| (p.name, tensor)).collect();
        let mut take = |name: &str, _: &[usize]| Ok(tensors[name].clone());
        let weights = Arc::new(ResidentWeights::assemble(&config, &mut take).unwrap());
        let device: Arc<dyn Backend> = Arc::new(Reference);
        let decoder = Decoder::new(config, &*device, 64);
        Tiny { decoder, weights, device, tokenizer }
    }

    pub(crate) fn engine(&self) -> Engine {
        let weights = Arc::<ResidentWeights>::clone(&self.weights);
        let (device, tokenizer) = (Arc::clone(&self.device), Arc::clone(&self.tokenizer));
        Engine::new(self.decoder.clone(), weights, device, tokenizer, CAPACITY).unwrap()
    }
}
