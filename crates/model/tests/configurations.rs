//! Configurations that cannot be, each refused by a sentence that names the key.

use hadal_model::Config;
use serde_json::{Value, json};

/// A sound V3 configuration with one key replaced (or removed by null).
fn v3_with(key: &str, value: Value) -> String {
    let mut config = json!({
        "model_type": "deepseek_v3", "vocab_size": 64, "hidden_size": 32,
        "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 4,
        "q_lora_rank": 16, "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4,
        "v_head_dim": 8, "n_routed_experts": 8, "n_shared_experts": 1, "num_experts_per_tok": 2,
        "moe_intermediate_size": 16, "first_k_dense_replace": 1, "intermediate_size": 64,
        "n_group": 4, "topk_group": 2, "routed_scaling_factor": 2.5, "rope_theta": 10000,
        "max_position_embeddings": 128
    });
    config[key] = value;
    config.to_string()
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let yarn = json!({"type": "yarn", "factor": 4, "original_max_position_embeddings": 32});
    let mut misspelt = yarn.clone();
    misspelt["betafast"] = json!(3);
    let cases = [
        ("model_type", json!("gpt2"), "`model_type` is \"gpt2\""),
        ("model_type", json!("gpt2"), "llama, qwen2, qwen3 or qwen3_moe"),
        ("norm_topk_prob", json!(3), "true or false"),
        ("hidden_size", json!(null), "no `hidden_size`"),
        ("hidden_size", json!(-3), "`hidden_size` is -3"),
        ("hidden_size", json!(3.5), "`hidden_size` is 3.5"),
        ("hidden_size", json!(1u64 << 60), "`hidden_size` is"),
        ("hiden_size", json!(3), "did you mean `hidden_size`?"),
        ("hidden_act", json!("gelu"), "`hidden_act` is \"gelu\""),
        ("attention_bias", json!(true), "`attention_bias` is true"),
        ("num_key_value_heads", json!(2), "latent attention shares no heads"),
        ("qk_rope_head_dim", json!(3), "an even number"),
        ("qk_head_dim", json!(13), "qk_nope_head_dim + qk_rope_head_dim, 12"),
        ("head_dim", json!(7), "`head_dim` is 7"),
        ("num_experts_per_tok", json!(9), "at most n_routed_experts, 8"),
        ("num_experts_per_tok", json!(5), "enough groups to choose 5 experts from"),
        ("n_group", json!(3), "a divisor of 8 experts"),
        ("n_group", json!(8), "groups of at least two experts"),
        ("topk_group", json!(5), "at most n_group, 4"),
        ("topk_method", json!("greedy"), "expected noaux_tc"),
        ("scoring_func", json!("softmax"), "`scoring_func` is \"softmax\""),
        ("capacity_factor", json!(0), "`capacity_factor` is 0"),
        ("moe_layer_freq", json!(2), "`moe_layer_freq` is 2"),
        ("num_nextn_predict_layers", json!(2), "expected 0 or 1"),
        ("rms_norm_eps", json!("tiny"), "a number greater than 0"),
        ("rope_scaling", json!({"type": "linear", "factor": 2}), "yarn or default"),
        ("rope_scaling", json!({"type": "yarn", "factor": 2}), "original_max_position_embeddings"),
        ("rope_scaling", misspelt, "did you mean `beta_fast`?"),
        ("sliding_window", json!(16), "layer_types"),
        ("layer_types", json!(["full_attention"]), "one entry for each of the 3 layers"),
        (
            "layer_types",
            json!(["full_attention", "sliding_attention", "full_attention"]),
            "no `sliding_window`",
        ),
        (
            "quantization_config",
            json!({"quant_method": "fp8"}),
            "`quantization_config.quant_method`",
        ),
    ];
    Config::from_json(&v3_with("rope_scaling", yarn)).expect("the sound configuration is sound");
    for (key, value, expected) in cases {
        let message = match Config::from_json(&v3_with(key, value.clone())) {
            Ok(_) => panic!("{key} = {value} was taken"),
            Err(error) => error.to_string(),
        };
        assert!(message.contains(expected), "{key} = {value}: {message}");
    }
}

/// A sound configuration of a family with multi-head attention, and further keys.
fn plain(model_type: &str, keys: Value) -> Value {
    let mut config = json!({
        "model_type": model_type, "vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 4,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 64,
        "rope_theta": 500_000, "max_position_embeddings": 128
    });
    for (key, value) in keys.as_object().expect("keys are an object") {
        config[key] = value.clone();
    }
    config
}

#[test]
fn other_families_refuse_what_they_cannot_be() {
    let llama3 = json!({
        "rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4,
        "original_max_position_embeddings": 32
    });
    let cases = [
        ("llama", json!({"attention_bias": true}), "`attention_bias` is true; expected false"),
        ("llama", json!({"mlp_bias": true}), "`mlp_bias` is true; expected false"),
        ("llama", json!({"num_key_value_heads": 3}), "a divisor of num_attention_heads, 4"),
        ("llama", json!({"head_dim": 9}), "an even number"),
        ("llama", json!({"hidden_size": 34}), "a multiple of num_attention_heads, 4"),
        ("llama", json!({"n_routed_experts": 8}), "which a llama model does not know"),
        ("llama", json!({"sliding_window": 8}), "layer_types beside it"),
        ("llama", json!({"rope_scaling": llama3}), "more than low_freq_factor, 4"),
        (
            "llama",
            json!({"rope_scaling": {"type": "dynamic", "factor": 2}}),
            "\"dynamic\"; expected llama3, linear, yarn or default",
        ),
        ("llama", json!({"rope_scaling": {"type": "linear"}}), "no `rope_scaling.factor`"),
        (
            "qwen3",
            json!({"rope_scaling": {
                "type": "yarn", "factor": 2, "original_max_position_embeddings": 64, "mscale": 1
            }}),
            "`rope_scaling.mscale`, which a qwen3 model does not know",
        ),
        ("qwen2", json!({"use_sliding_window": "no"}), "`use_sliding_window` is \"no\""),
        ("qwen2", json!({"use_mrope": true}), "`use_mrope` is true"),
        ("qwen3_moe", json!({"num_experts": 8}), "no `num_experts_per_tok`"),
        (
            "qwen3_moe",
            json!({"num_experts": 8, "num_experts_per_tok": 9}),
            "at most num_experts, 8",
        ),
        ("qwen3_moe", json!({"decoder_sparse_step": 2}), "`decoder_sparse_step` is 2"),
        ("qwen3_moe", json!({"mlp_only_layers": [0]}), "`mlp_only_layers` is [0]"),
    ];
    for (model_type, keys, expected) in cases {
        let message = match Config::from_value(plain(model_type, keys.clone())) {
            Ok(_) => panic!("{model_type} with {keys} was taken"),
            Err(error) => error.to_string(),
        };
        assert!(message.contains(expected), "{model_type} with {keys}: {message}");
    }
}

#[test]
fn windows_slide_where_they_do_in_transformers() {
    let used = json!({"use_sliding_window": true, "sliding_window": 8, "max_window_layers": 3});
    let unused = json!({"use_sliding_window": false, "sliding_window": 8, "max_window_layers": 3});
    let far = json!({"use_sliding_window": true, "sliding_window": 8});
    let (none, all) = ([None; 4], [Some(8); 4]);
    for (model_type, keys, expected) in [
        ("qwen2", &used, [None, None, None, Some(8)]),
        ("qwen2", &unused, none),
        ("qwen3", &far, none),
        ("qwen3_moe", &far, all),
        ("qwen3_moe", &unused, none),
    ] {
        let config = Config::from_value(plain(model_type, keys.clone())).expect("it is sound");
        assert_eq!(config.windows, expected, "{model_type} with {keys}");
    }
}

#[test]
fn heads_may_have_another_size_than_their_share_of_the_hidden_state() {
    for (model_type, keys, expected) in [
        ("llama", json!({}), 8),
        ("llama", json!({"head_dim": 16}), 16),
        ("qwen3", json!({}), 128),
        ("qwen3", json!({"head_dim": 6}), 6),
        ("qwen3_moe", json!({}), 8),
    ] {
        let config = Config::from_value(plain(model_type, keys)).expect("it is sound");
        assert_eq!(config.attention.query_dim(), expected, "{model_type}");
    }
}

#[test]
fn what_is_not_an_object_is_refused() {
    for text in ["", "[]", "{", "nul", "{\"model_type\": 3}", "{\"a\": 1e999}"] {
        assert!(Config::from_json(text).is_err(), "{text:?} was taken");
    }
}
