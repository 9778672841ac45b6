//! The architectures that are read: what each one's metadata says as a `config.json`, and in which
//! order it has the rows of queries and keys.

use serde_json::{Value, json};

use super::error::GgufError;
use super::metadata::Metadata;
use super::{deepseek, dense};

/// One architecture of GGUF.
pub(super) struct Architecture {
    /// The value of `general.architecture`, and what its keys begin with.
    pub(super) name: &'static str,
    /// The configuration that its metadata says.
    pub(super) config: fn(&Keys<'_, '_>) -> Result<Value, GgufError>,
    /// Whether the converter reordered the rows of queries and keys to neighbouring pairs.
    pub(super) has_pairs: bool,
}

const ARCHITECTURES: [Architecture; 6] = [
    Architecture { name: "deepseek2", config: deepseek::latent, has_pairs: false },
    Architecture { name: "deepseek", config: deepseek::multi_head, has_pairs: true },
    Architecture { name: "llama", config: dense::llama, has_pairs: true },
    Architecture { name: "qwen2", config: dense::qwen2, has_pairs: false },
    Architecture { name: "qwen3", config: dense::qwen3, has_pairs: false },
    Architecture { name: "qwen3moe", config: dense::qwen3_moe, has_pairs: false },
];

impl Architecture {
    /// The architecture that a file says it has.
    pub(super) fn of(metadata: &Metadata<'_>) -> Result<&'static Architecture, GgufError> {
        const KEY: &str = "general.architecture";
        let Some(found) = metadata.text(KEY)? else {
            return Err(GgufError::MissingKey { key: KEY.to_owned(), expected: "a text" });
        };
        ARCHITECTURES.iter().find(|known| known.name == found).ok_or_else(|| {
            GgufError::Architecture {
                found: found.to_owned(),
                known: ARCHITECTURES.iter().map(|known| known.name).collect::<Vec<_>>().join(", "),
            }
        })
    }
}

/// The metadata, asked by the keys of one architecture.
pub(super) struct Keys<'m, 'a> {
    pub(super) metadata: &'m Metadata<'a>,
    pub(super) architecture: &'static str,
    /// Whether there is no output projection beside the embedding.
    pub(super) is_tied: bool,
    /// Rows of the embedding.
    pub(super) vocab_size: usize,
    /// Tensors in all.
    pub(super) n_tensors: usize,
    /// What the frequency of each rotary pair is divided by, where a tensor says so.
    pub(super) rope_divisors: Option<Vec<f32>>,
}

impl Keys<'_, '_> {
    /// The whole name of a key.
    pub(super) fn name(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture)
    }

    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, GgufError> {
        self.metadata.count(&self.name(key))
    }

    pub(super) fn required(&self, key: &str) -> Result<u64, GgufError> {
        self.metadata.required_count(&self.name(key))
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, GgufError> {
        self.metadata.number(&self.name(key))
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.metadata.flag(&self.name(key))
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, GgufError> {
        self.metadata.text(&self.name(key))
    }

    /// The error for a key with a value that cannot be.
    pub(super) fn bad(&self, key: &str, found: impl ToString, expected: &str) -> GgufError {
        GgufError::BadKey {
            key: self.name(key),
            found: found.to_string(),
            expected: expected.to_owned(),
        }
    }

    /// What every architecture says alike.
    pub(super) fn common(&self, model_type: &str) -> Result<Value, GgufError> {
        let n_predict_layers = self.count("nextn_predict_layers")?.unwrap_or(0);
        let n_blocks = self.required("block_count")?;
        // Every layer has a tensor at least, and what is made for each layer is then bounded.
        if n_blocks > self.n_tensors as u64 {
            let expected = format!("at most the file's {} tensors", self.n_tensors);
            return Err(self.bad("block_count", n_blocks, &expected));
        }
        let Some(n_layers) = n_blocks.checked_sub(n_predict_layers) else {
            return Err(self.bad("block_count", n_blocks, "more than nextn_predict_layers"));
        };
        let token = |name: &str| self.metadata.token(&format!("tokenizer.ggml.{name}_token_id"));
        let eos = [token("eos")?, token("eot")?].into_iter().flatten();
        let mut eos: Vec<u32> = eos.collect();
        eos.dedup();
        Ok(json!({
            "model_type": model_type,
            "vocab_size": self.vocab_size,
            "hidden_size": self.required("embedding_length")?,
            "num_hidden_layers": n_layers,
            "num_nextn_predict_layers": n_predict_layers,
            "num_attention_heads": self.required("attention.head_count")?,
            "intermediate_size": self.count("feed_forward_length")?.filter(|width| *width > 0),
            "max_position_embeddings": self.required("context_length")?,
            "rms_norm_eps": self.number("attention.layer_norm_rms_epsilon")?,
            "rope_theta": self.number("rope.freq_base")?,
            "tie_word_embeddings": self.is_tied,
            "bos_token_id": token("bos")?,
            "eos_token_id": eos,
        }))
    }
}

/// Puts the keys of the second document into the first, and takes out those that say nothing.
pub(super) fn joined(mut first: Value, second: Value) -> Value {
    if let (Value::Object(first), Value::Object(second)) = (&mut first, second) {
        first.extend(second);
        first.retain(|_, value| !value.is_null());
    }
    first
}
