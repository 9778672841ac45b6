//! The DeepSeek family of sparse mixture-of-experts models, and beside it Llama and Qwen:
//! configuration, weight names and formats, loading and saving, and one forward pass for training
//! and inference alike.
//!
//! This crate must never know requests, gradients, schedules, or which device it runs on.
//!
//! Read [`decoder`] first; it tells the story. Legend of shapes: `T` tokens, `D` hidden, `H`
//! heads, `R` latent rank, `E` experts, `K` experts per token, `F` width of a feed-forward layer,
//! `V` vocabulary.

mod attention;
mod batch;
mod cache;
mod checkpoint;
mod config;
pub mod decoder;
mod error;
mod feed_forward;
mod flops;
pub mod gguf;
mod initialise;
mod keys;
mod latent_halves;
mod mapped;
mod pack;
mod parameter;
mod rotary;
mod safetensors_writer;
mod size;
mod stored;
mod weights;

pub use batch::Batch;
pub use cache::Cache;
pub use checkpoint::{
    Checkpoint, StaticMemory, parse_safetensors, read_safetensors, read_weights, safetensors_bytes,
    write_aside, write_safetensors,
};
pub use config::{
    AttentionConfig, Config, Llama3Config, MixtureConfig, ModelType, RopeConfig, Stretch,
    YarnConfig,
};
pub use decoder::{Decoder, Output};
pub use error::Error;
pub use feed_forward::Routed;
pub use flops::Flops;
pub use initialise::initialise;
pub use parameter::{Parameter, parameters};
pub use size::Size;
pub use stored::{convert, stored_as};
pub use weights::{
    AttentionWeights, FeedForwardWeights, HeadNorms, LatentWeights, LayerWeights, MixtureWeights,
    MultiHeadWeights, PredictLayerWeights, QkvBias, QueryWeights, ResidentWeights, SwiGluWeights,
    Take, WeightSource,
};
