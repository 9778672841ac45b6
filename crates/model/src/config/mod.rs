//! What `config.json` says, parsed once into facts that can only be right.

mod attention;
mod family;
mod mixture;
mod rope;
mod windows;

use std::fs;
use std::path::Path;

use hadal_tensor::{DType, Packing};
use serde_json::{Value, json};

use crate::error::{Error, at};
use crate::keys::Keys;

pub use attention::AttentionConfig;
pub use family::ModelType;
pub use mixture::MixtureConfig;
pub use rope::{Llama3Config, RopeConfig, Stretch, YarnConfig};

use family::Family;

/// A model's facts.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Family and generation.
    pub model_type: ModelType,
    /// `V`.
    pub vocab_size: usize,
    /// `D`.
    pub hidden_size: usize,
    /// Layers, dense ones included, multi-token prediction excluded.
    pub n_layers: usize,
    /// Layers at the beginning that have no experts.
    pub n_dense_layers: usize,
    /// Width of a dense layer's feed-forward.
    pub dense_width: usize,
    /// Attention.
    pub attention: AttentionConfig,
    /// Experts; none in a dense model.
    pub mixture: Option<MixtureConfig>,
    /// Positions.
    pub rope: RopeConfig,
    /// How many newest keys each layer sees; `None` sees all.
    pub windows: Vec<Option<usize>>,
    /// Longest context.
    pub max_positions: usize,
    /// In every normalisation.
    pub norm_epsilon: f32,
    /// Whether the output projection is the embedding.
    pub tied_embeddings: bool,
    /// Standard deviation of fresh weights.
    pub initializer_range: f32,
    /// First token of a text, where there is one.
    pub bos: Option<u32>,
    /// Tokens that end a text.
    pub eos: Vec<u32>,
    /// Layers after the main ones that predict the token after next (DeepSeek-V3, section 2.2), 0
    /// or 1; the main forward pass leaves them out. A checkpoint without their weights counts 0.
    pub n_predict_layers: usize,
    /// How packed matrices are stored beside plain tensors; none in a plain checkpoint.
    pub packed: Option<DType>,
    /// The document itself, as it is written beside the weights.
    pub json: Value,
}

/// The key under which published checkpoints say that their weights are quantised, and how.
const QUANTISATION: &str = "quantization_config";

/// Keys that say nothing about the forward pass.
const PASSED_OVER: &[&str] = &[
    "_name_or_path",
    "architectures",
    "auto_map",
    "aux_loss_alpha",
    "dtype",
    "ep_size",
    "output_router_logits",
    "pad_token_id",
    "pretraining_tp",
    "router_aux_loss_coef",
    "seq_aux",
    "torch_dtype",
    "transformers_version",
    "use_cache",
];

impl Config {
    /// Reads the `config.json` of a Hugging Face folder.
    ///
    /// # Errors
    /// When it cannot be read, or as [`Config::from_json`].
    pub fn read(folder: &Path) -> Result<Config, Error> {
        let path = folder.join("config.json");
        Config::from_json(&fs::read_to_string(&path).map_err(at(&path))?)
    }

    /// Parses the text of a `config.json`.
    ///
    /// # Errors
    /// Names the key that is missing, unknown, impossible, or contradicts another.
    pub fn from_json(text: &str) -> Result<Config, Error> {
        let json: Value = serde_json::from_str(text)
            .map_err(|source| Error::Json { what: "config.json".to_owned(), source })?;
        Config::from_value(json)
    }

    /// Parses a configuration that has already been read as JSON.
    ///
    /// # Errors
    /// As [`Config::from_json`].
    pub fn from_value(json: Value) -> Result<Config, Error> {
        let Value::Object(object) = json.clone() else {
            return Err(Error::BadKey {
                key: "the document".to_owned(),
                found: json.to_string().chars().take(40).collect(),
                expected: "an object".to_owned(),
            });
        };
        let mut keys = Keys::new("", object);
        let name = keys.word("model_type")?;
        let Some(family) = name.as_deref().and_then(Family::named) else {
            let found = name.map_or("not given".to_owned(), |word| format!("{word:?}"));
            return Err(keys.bad("model_type", found, Family::names()));
        };
        keys.pass_over(PASSED_OVER);
        keys.expect("hidden_act", json!("silu"))?;
        keys.expect("attention_bias", json!(false))?;
        keys.expect("mlp_bias", json!(false))?;
        keys.expect("attention_dropout", json!(0.0))?;
        keys.expect("moe_layer_freq", json!(1))?;
        keys.expect("decoder_sparse_step", json!(1))?;
        keys.expect("mlp_only_layers", json!([]))?;
        keys.expect("use_mrope", json!(false))?;

        let vocab_size = keys.size("vocab_size")?;
        let hidden_size = keys.size("hidden_size")?;
        let n_layers = keys.size("num_hidden_layers")?;
        let max_positions = keys.size("max_position_embeddings")?;
        let attention = attention::attention(&mut keys, family, hidden_size)?;
        let rope = rope::rope(&mut keys, family, max_positions)?;
        let mixture = mixture::mixture(&mut keys, family)?;
        let n_predict_layers = keys.count_or("num_nextn_predict_layers", 0)?;
        if n_predict_layers > 1 {
            let expected = "0 or 1: one token beyond the next is predicted";
            return Err(keys.bad("num_nextn_predict_layers", n_predict_layers, expected));
        }
        let n_dense_layers = match mixture {
            Some(_) => keys.count_or("first_k_dense_replace", 0)?.min(n_layers + n_predict_layers),
            None => n_layers,
        };
        let dense_width = if n_dense_layers > 0 {
            keys.size("intermediate_size")?
        } else {
            keys.size_if_given("intermediate_size")?.unwrap_or(hidden_size)
        };
        let config = Config {
            model_type: family.model_type,
            vocab_size,
            hidden_size,
            n_layers,
            n_dense_layers,
            dense_width,
            attention,
            mixture,
            rope,
            windows: windows::windows(&mut keys, family, n_layers)?,
            max_positions,
            norm_epsilon: keys.positive_if_given("rms_norm_eps")?.unwrap_or(1e-6) as f32,
            tied_embeddings: keys.flag_or("tie_word_embeddings", false)?,
            initializer_range: keys.positive_if_given("initializer_range")?.unwrap_or(0.02) as f32,
            bos: keys.token_ids("bos_token_id")?.first().copied(),
            eos: keys.token_ids("eos_token_id")?,
            n_predict_layers,
            packed: packed(&mut keys, family)?,
            json,
        };
        keys.finish(family.name)?;
        Ok(config)
    }

    /// The experts of layer `index`, unless it is dense.
    pub fn mixture_of_layer(&self, index: usize) -> Option<&MixtureConfig> {
        self.mixture.as_ref().filter(|_| index >= self.n_dense_layers)
    }

    /// The document to write beside weights whose matrices are stored as `dtype`.
    pub fn json_stored_as(&self, dtype: DType) -> Value {
        let mut json = self.json.clone();
        if let Some(object) = json.as_object_mut() {
            object.shift_remove(QUANTISATION);
        }
        if matches!(dtype, DType::Q8_0 | DType::Packed(_)) {
            json[QUANTISATION] = json!({"quant_method": "hadal", "format": dtype.name()});
        }
        json
    }

    /// What the names of the weights that predict the token after next begin with.
    pub(crate) fn predict_layer_prefix(&self) -> String {
        format!("model.layers.{}.", self.n_layers)
    }

    /// How many newest keys layer `index` sees; the layers after the main ones see all.
    pub fn window_of_layer(&self, index: usize) -> Option<usize> {
        self.windows.get(index).copied().flatten()
    }

    /// What multiplies attention scores: `1/√query_dim`, times YaRN's temperature squared.
    pub fn softmax_scale(&self) -> f32 {
        let scale = (self.attention.query_dim() as f64).powf(-0.5);
        let temperature =
            self.rope.yarn().map_or(1.0, |yarn| yarn.temperature(yarn.mscale_all_dim));
        (scale * temperature * temperature) as f32
    }
}

/// Reads `quantization_config`: of the ways to quantise, those that this program writes.
fn packed(keys: &mut Keys, family: &Family) -> Result<Option<DType>, Error> {
    let Some(mut keys) = keys.object(QUANTISATION)? else { return Ok(None) };
    let said =
        |word: Option<&String>| word.map_or("not given".to_owned(), |word| format!("{word:?}"));
    let method = keys.word("quant_method")?;
    if method.as_deref() != Some("hadal") {
        let expected = "\"hadal\", the only one that is read";
        return Err(keys.bad("quant_method", said(method.as_ref()), expected));
    }
    let name = keys.word("format")?;
    let known = name.as_deref().and_then(|name| match name {
        "q8_0" => Some(DType::Q8_0),
        name => Packing::named(name).map(DType::Packed),
    });
    let Some(format) = known else {
        let packings = Packing::ALL.map(Packing::name).join(", ");
        let expected = format!("q8_0 or one of {packings}");
        return Err(keys.bad("format", said(name.as_ref()), expected));
    };
    keys.finish(family.name)?;
    Ok(Some(format))
}
