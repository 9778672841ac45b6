//! The families that are understood, and what each leaves unsaid in its configuration.

use hadal_tensor::{GroupScore, Scoring};

/// The value of `model_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelType {
    /// DeepSeekMoE: multi-head attention, softmax router.
    DeepSeek,
    /// DeepSeek-V2: latent attention, softmax router, groups by their best expert.
    DeepSeekV2,
    /// DeepSeek-V3: latent attention, sigmoid router with a selection bias.
    DeepSeekV3,
    /// Llama 2 and 3: multi-head attention, dense.
    Llama,
    /// Qwen2 and Qwen2.5: as Llama, with biases on query, key and value.
    Qwen2,
    /// Qwen3: as Llama, with a norm of each query and key head.
    Qwen3,
    /// Qwen3 with a softmax router.
    Qwen3Moe,
}

impl ModelType {
    /// The word for it in `config.json`.
    pub fn name(self) -> &'static str {
        Family::of(self).name
    }

    /// The class of transformers that runs it, as `architectures` lists it.
    pub fn architecture(self) -> &'static str {
        Family::of(self).architecture
    }
}

/// What the model type alone decides.
pub(super) struct Family {
    pub(super) model_type: ModelType,
    pub(super) name: &'static str,
    pub(super) architecture: &'static str,
    pub(super) attention: AttentionFamily,
    pub(super) rotary: RotaryFamily,
    pub(super) windows: WindowFamily,
    pub(super) router: Option<&'static RouterFamily>,
}

/// Whose keys and values, and what stands between projection and rotation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AttentionFamily {
    /// From a latent.
    Latent,
    /// Of their own.
    MultiHead {
        /// Query, key and value have a bias.
        bias: bool,
        /// Each head of query and key is normalised.
        head_norm: bool,
        /// Numbers in one head where the configuration does not say; else `D / H`.
        head_dim: Option<usize>,
    },
}

/// Which numbers turn together, and what may stretch the wavelengths.
pub(super) struct RotaryFamily {
    /// Whether neighbours do; `None` leaves it to the key `rope_interleave`, true where absent.
    pub(super) interleaved: Option<bool>,
    /// The `rope_type`s that are understood.
    pub(super) stretches: &'static [&'static str],
    /// Whether YaRN is DeepSeek's: with two temperatures of its own, and changing nothing unless the
    /// longest context exceeds the original one, as in DeepSeek's inference code.
    pub(super) deepseek_yarn: bool,
}

/// Where `sliding_window` holds if there is no `layer_types`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WindowFamily {
    /// Nowhere: the key alone is refused.
    Listed,
    /// From layer `max_window_layers` on, where `use_sliding_window` is true.
    UpperLayers,
    /// In all layers, where `use_sliding_window` is true.
    AllLayers,
}

/// How a family's tokens choose experts.
pub(super) struct RouterFamily {
    /// The keys that may say how many experts there are.
    pub(super) n_experts: &'static [&'static str],
    pub(super) scoring: Scoring,
    /// The value of `scoring_func`.
    pub(super) scoring_name: &'static str,
    /// The values of `topk_method`, the first where it is absent, and how each compares groups.
    pub(super) methods: &'static [(&'static str, Option<GroupScore>)],
    pub(super) selection_bias: bool,
    /// `norm_topk_prob` where it is absent.
    pub(super) renormalise: bool,
    /// Whether `norm_topk_prob` may be true.
    pub(super) may_renormalise: bool,
}

const PLAIN: AttentionFamily =
    AttentionFamily::MultiHead { bias: false, head_norm: false, head_dim: None };
const BIASED: AttentionFamily =
    AttentionFamily::MultiHead { bias: true, head_norm: false, head_dim: None };
// Where the configuration is silent, transformers takes 128 for qwen3 and D / H for qwen3_moe.
const NORMED_OF_128: AttentionFamily =
    AttentionFamily::MultiHead { bias: false, head_norm: true, head_dim: Some(128) };
const NORMED: AttentionFamily =
    AttentionFamily::MultiHead { bias: false, head_norm: true, head_dim: None };

const DEEPSEEK_ROTARY: RotaryFamily =
    RotaryFamily { interleaved: Some(true), stretches: &["yarn", "default"], deepseek_yarn: true };
const LLAMA_ROTARY: RotaryFamily = RotaryFamily {
    interleaved: Some(false),
    stretches: &["llama3", "linear", "yarn", "default"],
    deepseek_yarn: false,
};

const SOFTMAX: RouterFamily = RouterFamily {
    // Transformers may write the second name.
    n_experts: &["n_routed_experts", "num_local_experts"],
    scoring: Scoring::Softmax,
    scoring_name: "softmax",
    methods: &[("greedy", None)],
    selection_bias: false,
    renormalise: false,
    may_renormalise: true,
};
const SOFTMAX_GROUPS: RouterFamily = RouterFamily {
    methods: &[("greedy", None), ("group_limited_greedy", Some(GroupScore::Max))],
    may_renormalise: false,
    ..SOFTMAX
};
const SIGMOID: RouterFamily = RouterFamily {
    scoring: Scoring::Sigmoid,
    scoring_name: "sigmoid",
    methods: &[("noaux_tc", Some(GroupScore::TopTwoSum))],
    selection_bias: true,
    renormalise: true,
    ..SOFTMAX
};
const QWEN_SOFTMAX: RouterFamily =
    RouterFamily { n_experts: &["num_experts", "num_local_experts"], ..SOFTMAX };

const FAMILIES: [Family; 7] = [
    Family {
        model_type: ModelType::DeepSeek,
        name: "deepseek",
        architecture: "DeepseekForCausalLM",
        attention: PLAIN,
        rotary: RotaryFamily { interleaved: Some(false), ..DEEPSEEK_ROTARY },
        windows: WindowFamily::Listed,
        router: Some(&SOFTMAX),
    },
    Family {
        model_type: ModelType::DeepSeekV2,
        name: "deepseek_v2",
        architecture: "DeepseekV2ForCausalLM",
        attention: AttentionFamily::Latent,
        rotary: DEEPSEEK_ROTARY,
        windows: WindowFamily::Listed,
        router: Some(&SOFTMAX_GROUPS),
    },
    Family {
        model_type: ModelType::DeepSeekV3,
        name: "deepseek_v3",
        architecture: "DeepseekV3ForCausalLM",
        attention: AttentionFamily::Latent,
        rotary: RotaryFamily { interleaved: None, ..DEEPSEEK_ROTARY },
        windows: WindowFamily::Listed,
        router: Some(&SIGMOID),
    },
    Family {
        model_type: ModelType::Llama,
        name: "llama",
        architecture: "LlamaForCausalLM",
        attention: PLAIN,
        rotary: LLAMA_ROTARY,
        windows: WindowFamily::Listed,
        router: None,
    },
    Family {
        model_type: ModelType::Qwen2,
        name: "qwen2",
        architecture: "Qwen2ForCausalLM",
        attention: BIASED,
        rotary: LLAMA_ROTARY,
        windows: WindowFamily::UpperLayers,
        router: None,
    },
    Family {
        model_type: ModelType::Qwen3,
        name: "qwen3",
        architecture: "Qwen3ForCausalLM",
        attention: NORMED_OF_128,
        rotary: LLAMA_ROTARY,
        windows: WindowFamily::UpperLayers,
        router: None,
    },
    Family {
        model_type: ModelType::Qwen3Moe,
        name: "qwen3_moe",
        architecture: "Qwen3MoeForCausalLM",
        attention: NORMED,
        rotary: LLAMA_ROTARY,
        windows: WindowFamily::AllLayers,
        router: Some(&QWEN_SOFTMAX),
    },
];

impl Family {
    pub(super) fn of(model_type: ModelType) -> &'static Family {
        FAMILIES
            .iter()
            .find(|family| family.model_type == model_type)
            .expect("each model type has a row in the table")
    }

    /// The family that `config.json` names.
    pub(super) fn named(name: &str) -> Option<&'static Family> {
        FAMILIES.iter().find(|family| family.name == name)
    }

    /// The names of all, as the end of a sentence.
    pub(super) fn names() -> String {
        listed(&FAMILIES.map(|family| family.name))
    }
}

/// `a, b or c`.
pub(super) fn listed(words: &[&str]) -> String {
    match words {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
