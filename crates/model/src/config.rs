//! What `config.json` says, parsed once into facts that can only be right.

use std::fs;
use std::path::Path;

use hadal_tensor::{DType, GroupLimit, GroupScore, Packing, RotaryLayout, RouterSpec, Scoring};
use serde_json::{Value, json};

use crate::error::{Error, at};
use crate::keys::Keys;

/// The generations of the family that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelType {
    /// DeepSeekMoE: multi-head attention, softmax router.
    DeepSeek,
    /// DeepSeek-V2: latent attention, softmax router, groups by their best expert.
    DeepSeekV2,
    /// DeepSeek-V3: latent attention, sigmoid router with a selection bias.
    DeepSeekV3,
}

impl ModelType {
    /// The value of `model_type`.
    pub fn name(self) -> &'static str {
        match self {
            ModelType::DeepSeek => "deepseek",
            ModelType::DeepSeekV2 => "deepseek_v2",
            ModelType::DeepSeekV3 => "deepseek_v3",
        }
    }
}

/// Sizes of the attention of every layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionConfig {
    /// Multi-head attention, where several query heads may share keys and values.
    MultiHead {
        /// Query heads.
        n_heads: usize,
        /// Key and value heads.
        n_kv_heads: usize,
        /// Numbers in one head.
        head_dim: usize,
    },
    /// Multi-head latent attention (DeepSeek-V2, section 2.1).
    Latent {
        /// Heads.
        n_heads: usize,
        /// Rank of the query's bottleneck; none in the Lite models.
        q_rank: Option<usize>,
        /// Rank of the cached latent.
        kv_rank: usize,
        /// Query and key numbers of a head without position.
        nope: usize,
        /// Query and key numbers of a head with position.
        rope: usize,
        /// Value numbers of a head.
        value: usize,
    },
}

impl AttentionConfig {
    /// Query heads.
    pub fn n_heads(self) -> usize {
        match self {
            AttentionConfig::MultiHead { n_heads, .. }
            | AttentionConfig::Latent { n_heads, .. } => n_heads,
        }
    }

    /// Numbers of a query head.
    pub fn query_dim(self) -> usize {
        match self {
            AttentionConfig::MultiHead { head_dim, .. } => head_dim,
            AttentionConfig::Latent { nope, rope, .. } => nope + rope,
        }
    }

    /// Numbers of a query head that carry position.
    pub fn rotary_dim(self) -> usize {
        match self {
            AttentionConfig::MultiHead { head_dim, .. } => head_dim,
            AttentionConfig::Latent { rope, .. } => rope,
        }
    }
}

/// The mixture of experts of every layer after the dense ones.
#[derive(Clone, Debug, PartialEq)]
pub struct MixtureConfig {
    /// How tokens choose experts.
    pub router: RouterSpec,
    /// Whether a bias per expert takes part in the choice.
    pub selection_bias: bool,
    /// Width of one expert.
    pub expert_width: usize,
    /// Experts that every token visits, stored as one wide one.
    pub n_shared: usize,
}

/// Rotary position embedding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RopeConfig {
    /// Base of the wavelengths.
    pub theta: f64,
    /// Which numbers form a pair.
    pub layout: RotaryLayout,
    /// Stretching to longer contexts.
    pub yarn: Option<YarnConfig>,
}

/// YaRN (Peng et al. 2023) with DeepSeek's two temperatures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct YarnConfig {
    /// How many times longer the context becomes.
    pub factor: f64,
    /// Positions of the original context.
    pub original_positions: usize,
    /// Dimensions that turn more often than this in the original context stay as they are.
    pub beta_fast: f64,
    /// Dimensions that turn less often than this are interpolated fully.
    pub beta_slow: f64,
    /// Temperature of cosines and sines, above that of [`YarnConfig::mscale_all_dim`].
    pub mscale: f64,
    /// Temperature of the whole softmax, squared there; 0 for none.
    pub mscale_all_dim: f64,
}

/// A model's facts.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Generation.
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
    "num_local_experts",
    "output_router_logits",
    "pad_token_id",
    "pretraining_tp",
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
        let model_type = match keys.word("model_type")?.as_deref() {
            Some("deepseek") => ModelType::DeepSeek,
            Some("deepseek_v2") => ModelType::DeepSeekV2,
            Some("deepseek_v3") => ModelType::DeepSeekV3,
            found => {
                let found = found.map_or("not given".to_owned(), |word| format!("{word:?}"));
                return Err(keys.bad("model_type", found, "deepseek, deepseek_v2 or deepseek_v3"));
            }
        };
        keys.pass_over(PASSED_OVER);
        keys.expect("hidden_act", json!("silu"))?;
        keys.expect("attention_bias", json!(false))?;
        keys.expect("mlp_bias", json!(false))?;
        keys.expect("attention_dropout", json!(0.0))?;
        keys.expect("moe_layer_freq", json!(1))?;

        let vocab_size = keys.size("vocab_size")?;
        let hidden_size = keys.size("hidden_size")?;
        let n_layers = keys.size("num_hidden_layers")?;
        let max_positions = keys.size("max_position_embeddings")?;
        let attention = attention(&mut keys, model_type, hidden_size)?;
        let rope = rope(&mut keys, model_type, max_positions)?;
        let mixture = mixture(&mut keys, model_type)?;
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
            model_type,
            vocab_size,
            hidden_size,
            n_layers,
            n_dense_layers,
            dense_width,
            attention,
            mixture,
            rope,
            windows: windows(&mut keys, n_layers)?,
            max_positions,
            norm_epsilon: keys.positive_if_given("rms_norm_eps")?.unwrap_or(1e-6) as f32,
            tied_embeddings: keys.flag_or("tie_word_embeddings", false)?,
            initializer_range: keys.positive_if_given("initializer_range")?.unwrap_or(0.02) as f32,
            bos: keys.token_ids("bos_token_id")?.first().copied(),
            eos: keys.token_ids("eos_token_id")?,
            n_predict_layers,
            packed: packed(&mut keys, model_type)?,
            json,
        };
        keys.finish(model_type.name())?;
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
        let temperature = self.rope.yarn.map_or(1.0, |yarn| yarn.temperature(yarn.mscale_all_dim));
        (scale * temperature * temperature) as f32
    }
}

impl YarnConfig {
    /// `0.1 · mscale · ln(factor) + 1`.
    pub(crate) fn temperature(&self, mscale: f64) -> f64 {
        if self.factor <= 1.0 { 1.0 } else { 0.1 * mscale * self.factor.ln() + 1.0 }
    }
}

fn attention(
    keys: &mut Keys,
    model_type: ModelType,
    hidden_size: usize,
) -> Result<AttentionConfig, Error> {
    let n_heads = keys.size("num_attention_heads")?;
    let n_kv_heads = keys.size_if_given("num_key_value_heads")?.unwrap_or(n_heads);
    let head_dim = keys.size_if_given("head_dim")?;
    if model_type == ModelType::DeepSeek {
        if !n_heads.is_multiple_of(n_kv_heads) {
            let expected = format!("a divisor of num_attention_heads, {n_heads}");
            return Err(keys.bad("num_key_value_heads", n_kv_heads, expected));
        }
        if head_dim.is_none() && !hidden_size.is_multiple_of(n_heads) {
            let expected = format!("a multiple of num_attention_heads, {n_heads}");
            return Err(keys.bad("hidden_size", hidden_size, expected));
        }
        let head_dim = head_dim.unwrap_or(hidden_size / n_heads);
        if !head_dim.is_multiple_of(2) {
            return Err(keys.bad("head_dim", head_dim, "an even number, for its rotary pairs"));
        }
        return Ok(AttentionConfig::MultiHead { n_heads, n_kv_heads, head_dim });
    }
    if n_kv_heads != n_heads {
        let expected = format!("num_attention_heads, {n_heads}: latent attention shares no heads");
        return Err(keys.bad("num_key_value_heads", n_kv_heads, expected));
    }
    let nope = keys.size("qk_nope_head_dim")?;
    let rope = keys.size("qk_rope_head_dim")?;
    if !rope.is_multiple_of(2) {
        return Err(keys.bad("qk_rope_head_dim", rope, "an even number, for its rotary pairs"));
    }
    // Transformers writes the rotary dims as `head_dim`; some publishers the whole head's.
    if let Some(head_dim) = head_dim.filter(|dim| ![rope, nope + rope].contains(dim)) {
        let expected = format!("qk_rope_head_dim, {rope}");
        return Err(keys.bad("head_dim", head_dim, expected));
    }
    if let Some(dim) = keys.size_if_given("qk_head_dim")?.filter(|dim| *dim != nope + rope) {
        let expected = format!("qk_nope_head_dim + qk_rope_head_dim, {}", nope + rope);
        return Err(keys.bad("qk_head_dim", dim, expected));
    }
    Ok(AttentionConfig::Latent {
        n_heads,
        q_rank: keys.size_if_given("q_lora_rank")?,
        kv_rank: keys.size("kv_lora_rank")?,
        nope,
        rope,
        value: keys.size("v_head_dim")?,
    })
}

/// Reads `rope_theta` with `rope_scaling`, or the newer `rope_parameters`.
fn rope(keys: &mut Keys, model_type: ModelType, max_positions: usize) -> Result<RopeConfig, Error> {
    let interleaved = match model_type {
        ModelType::DeepSeek => false,
        ModelType::DeepSeekV2 => true,
        ModelType::DeepSeekV3 => keys.flag_or("rope_interleave", true)?,
    };
    let outer_theta = keys.positive_if_given("rope_theta")?;
    let (theta, yarn) = match (keys.object("rope_parameters")?, keys.object("rope_scaling")?) {
        (Some(_), Some(_)) => {
            return Err(keys.bad("rope_scaling", "given", "absent where rope_parameters is given"));
        }
        (Some(mut inner), None) => {
            let theta = inner.positive_if_given("rope_theta")?;
            (outer_theta.or(theta), scaling(inner, model_type)?)
        }
        (None, Some(inner)) => (outer_theta, scaling(inner, model_type)?),
        (None, None) => (outer_theta, None),
    };
    Ok(RopeConfig {
        theta: theta.unwrap_or(10_000.0),
        layout: if interleaved { RotaryLayout::Interleaved } else { RotaryLayout::HalfSplit },
        // As in DeepSeek's inference code: within the original context nothing is stretched.
        yarn: yarn.filter(|yarn| max_positions > yarn.original_positions),
    })
}

fn scaling(mut keys: Keys, model_type: ModelType) -> Result<Option<YarnConfig>, Error> {
    let kind = [keys.word("rope_type")?, keys.word("type")?].into_iter().flatten().next();
    let yarn = match kind.as_deref() {
        None | Some("default") => None,
        Some("yarn") => Some(YarnConfig {
            factor: keys.positive("factor")?,
            original_positions: keys.size("original_max_position_embeddings")?,
            beta_fast: keys.positive_if_given("beta_fast")?.unwrap_or(32.0),
            beta_slow: keys.positive_if_given("beta_slow")?.unwrap_or(1.0),
            mscale: keys.number_or("mscale", 1.0)?,
            mscale_all_dim: keys.number_or("mscale_all_dim", 0.0)?,
        }),
        Some(other) => return Err(keys.bad("type", format!("{other:?}"), "yarn or default")),
    };
    keys.finish(model_type.name())?;
    Ok(yarn)
}

fn mixture(keys: &mut Keys, model_type: ModelType) -> Result<Option<MixtureConfig>, Error> {
    let Some(n_experts) = keys.size_if_given("n_routed_experts")? else { return Ok(None) };
    let n_active = keys.size("num_experts_per_tok")?;
    if n_active > n_experts {
        let expected = format!("at most n_routed_experts, {n_experts}");
        return Err(keys.bad("num_experts_per_tok", n_active, expected));
    }
    let v3 = model_type == ModelType::DeepSeekV3;
    let (scoring, default_method) = match model_type {
        ModelType::DeepSeek | ModelType::DeepSeekV2 => (Scoring::Softmax, "greedy"),
        ModelType::DeepSeekV3 => (Scoring::Sigmoid, "noaux_tc"),
    };
    let scoring_word = if v3 { "sigmoid" } else { "softmax" };
    keys.expect("scoring_func", json!(scoring_word))?;
    let method = keys.word("topk_method")?.unwrap_or_else(|| default_method.to_owned());
    let score = match (model_type, method.as_str()) {
        (ModelType::DeepSeek | ModelType::DeepSeekV2, "greedy") => None,
        (ModelType::DeepSeekV2, "group_limited_greedy") => Some(GroupScore::Max),
        (ModelType::DeepSeekV3, "noaux_tc") => Some(GroupScore::TopTwoSum),
        _ => {
            let expected = match model_type {
                ModelType::DeepSeek => "greedy",
                ModelType::DeepSeekV2 => "greedy or group_limited_greedy",
                ModelType::DeepSeekV3 => "noaux_tc",
            };
            return Err(keys.bad("topk_method", format!("{method:?}"), expected));
        }
    };
    let groups = groups(keys, score, n_experts, n_active)?;
    let renormalise = keys.flag_or("norm_topk_prob", v3)?;
    let scale = keys.positive_if_given("routed_scaling_factor")?.unwrap_or(1.0) as f32;
    if model_type == ModelType::DeepSeekV2 && renormalise {
        let expected = "false: a V2 router does not renormalise";
        return Err(keys.bad("norm_topk_prob", true, expected));
    }
    let capacity_factor = keys.positive_if_given("capacity_factor")?.map(|factor| factor as f32);
    Ok(Some(MixtureConfig {
        router: RouterSpec {
            n_experts,
            n_active,
            scoring,
            groups,
            renormalise,
            scale,
            capacity_factor,
        },
        selection_bias: v3,
        expert_width: keys.size("moe_intermediate_size")?,
        n_shared: keys.count_or("n_shared_experts", 0)?,
    }))
}

/// The restriction to the best groups, where it restricts anything.
fn groups(
    keys: &mut Keys,
    score: Option<GroupScore>,
    n_experts: usize,
    n_active: usize,
) -> Result<Option<GroupLimit>, Error> {
    let n_groups = keys.size_if_given("n_group")?.unwrap_or(1);
    let n_kept = keys.size_if_given("topk_group")?.unwrap_or(n_groups);
    let Some(score) = score else { return Ok(None) };
    if !n_experts.is_multiple_of(n_groups) {
        return Err(keys.bad("n_group", n_groups, format!("a divisor of {n_experts} experts")));
    }
    if n_kept > n_groups {
        return Err(keys.bad("topk_group", n_kept, format!("at most n_group, {n_groups}")));
    }
    if n_kept * (n_experts / n_groups) < n_active {
        let expected = format!("enough groups to choose {n_active} experts from");
        return Err(keys.bad("topk_group", n_kept, expected));
    }
    if score == GroupScore::TopTwoSum && n_groups > 1 && n_experts / n_groups < 2 {
        return Err(keys.bad("n_group", n_groups, "groups of at least two experts"));
    }
    Ok((n_kept < n_groups).then_some(GroupLimit { n_groups, n_kept, score }))
}

/// Reads `quantization_config`: of the ways to quantise, those that this program writes.
fn packed(keys: &mut Keys, model_type: ModelType) -> Result<Option<DType>, Error> {
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
        let expected = "\"q8_0\", or \"packed_B_G\" with 4 or 8 bits and groups of 32, 64 or 128";
        return Err(keys.bad("format", said(name.as_ref()), expected));
    };
    keys.finish(model_type.name())?;
    Ok(Some(format))
}

/// Reads `layer_types` and `sliding_window`, as transformers writes them.
fn windows(keys: &mut Keys, n_layers: usize) -> Result<Vec<Option<usize>>, Error> {
    let window = keys.size_if_given("sliding_window")?;
    let Some(types) = keys.words("layer_types")? else {
        return match window {
            None => Ok(vec![None; n_layers]),
            Some(window) => Err(keys.bad(
                "sliding_window",
                window,
                "layer_types beside it, which says the layers it holds for",
            )),
        };
    };
    if types.len() != n_layers {
        let expected = format!("one entry for each of the {n_layers} layers");
        return Err(keys.bad("layer_types", format!("{} entries", types.len()), expected));
    }
    types
        .iter()
        .map(|kind| match (kind.as_str(), window) {
            ("full_attention", _) => Ok(None),
            ("sliding_attention", Some(window)) => Ok(Some(window)),
            ("sliding_attention", None) => Err(Error::MissingKey {
                key: "sliding_window".to_owned(),
                expected: "the number of keys that the sliding layers see".to_owned(),
            }),
            (other, _) => {
                let expected = "full_attention or sliding_attention";
                Err(keys.bad("layer_types", format!("{other:?}"), expected))
            }
        })
        .collect()
}
