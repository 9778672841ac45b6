//! What the GGUF file of a model holds: the keys and tensors that llama.cpp asks for.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use hadal_tensor::{DType, RotaryLayout, Scoring, Tensor};

use super::deepseek::{LOG_MULTIPLIER, SIGMOID, SOFTMAX};
use super::error::GgufError;
use super::in_file;
use super::names::{LatentHalf, in_gguf, in_stack};
use super::vocabulary::{MODEL, TokenKind, Vocabulary};
use super::writer::{Front, Outgoing, write};
use crate::checkpoint::{Checkpoint, write_aside_with};
use crate::config::{AttentionConfig, Config, MixtureConfig};
use crate::error::Error;
use crate::latent_halves::LatentSizes;
use crate::parameter::parameters;

/// The architecture that is written.
const ARCHITECTURE: &str = "deepseek2";

/// Writes a model with its tokenizer as one GGUF file, aside first and renamed into place. Matrices
/// are stored as `dtype`, which is plain or `q8_0`; what llama.cpp computes with in f32 (norms,
/// routers, biases) as f32, and matrices whose rows are not whole blocks as bf16.
///
/// # Errors
/// When the model has no form in GGUF, or the file cannot be written.
///
/// # Panics
/// When a tensor lies where the host cannot read.
pub fn write_gguf(
    path: &Path,
    name: &str,
    checkpoint: &Checkpoint,
    vocabulary: &Vocabulary,
    dtype: DType,
) -> Result<(), Error> {
    let config = &checkpoint.config;
    let latent = expressible(config).map_err(in_file(path))?;
    let mut front = Front::default();
    put_general(&mut front, name, dtype);
    put_sizes(&mut front, config, latent);
    put_positions(&mut front, config).map_err(in_file(path))?;
    if let Some(mixture) = &config.mixture {
        put_mixture(&mut front, mixture);
    }
    put_vocabulary(&mut front, config, vocabulary).map_err(in_file(path))?;
    let tensors = tensors(checkpoint, latent, dtype);
    write_aside_with(path, |file| {
        let mut file = BufWriter::with_capacity(1 << 20, file);
        write(&front, &tensors, &mut file)?;
        file.flush()
    })
}

/// The sizes of the projection from the latent; fails for a model that the architecture has no
/// keys for.
fn expressible(config: &Config) -> Result<LatentSizes, GgufError> {
    let cannot = |what: &str| Err(GgufError::NotExpressible { what: what.to_owned() });
    let AttentionConfig::Latent { n_heads, kv_rank, nope, value, .. } = config.attention else {
        return cannot("attention other than multi-head latent attention, as it is written here");
    };
    if config.windows.iter().any(Option::is_some) {
        return cannot("latent attention in a window");
    }
    if config.rope.layout != RotaryLayout::Interleaved {
        return cannot("rotary pairs that are not neighbours in latent attention");
    }
    Ok(LatentSizes { n_heads, nope, value, rank: kv_rank })
}

fn put_general(front: &mut Front, name: &str, dtype: DType) {
    front.text("general.architecture", ARCHITECTURE);
    front.text("general.type", "model");
    front.text("general.name", name);
    front.count("general.quantization_version", 2);
    let file_type = match dtype {
        DType::F16 => 1,
        DType::Q8_0 => 7,
        DType::Bf16 => 32,
        _ => 0,
    };
    front.count("general.file_type", file_type);
}

fn key(name: &str) -> String {
    format!("{ARCHITECTURE}.{name}")
}

fn put_sizes(front: &mut Front, config: &Config, latent: LatentSizes) {
    let rope = config.attention.rotary_dim();
    let AttentionConfig::Latent { q_rank, .. } = config.attention else {
        unreachable!("it was checked to be latent attention")
    };
    let sizes = [
        ("block_count", config.n_layers + config.n_predict_layers),
        ("vocab_size", config.vocab_size),
        ("context_length", config.max_positions),
        ("embedding_length", config.hidden_size),
        ("feed_forward_length", config.dense_width),
        ("attention.head_count", latent.n_heads),
        // Readers keep the latent alone: one key and value for all heads.
        ("attention.head_count_kv", 1),
        ("attention.kv_lora_rank", latent.rank),
        ("attention.key_length", latent.rank + rope),
        ("attention.value_length", latent.rank),
        ("attention.key_length_mla", latent.nope + rope),
        ("attention.value_length_mla", latent.value),
        ("rope.dimension_count", rope),
        ("leading_dense_block_count", config.n_dense_layers),
    ];
    for (name, size) in sizes {
        front.count(&key(name), size as u32);
    }
    if let Some(rank) = q_rank {
        front.count(&key("attention.q_lora_rank"), rank as u32);
    }
    if config.n_predict_layers > 0 {
        front.count(&key("nextn_predict_layers"), config.n_predict_layers as u32);
    }
    front.number(&key("attention.layer_norm_rms_epsilon"), config.norm_epsilon);
    // Asked for even where there are no experts.
    let (width, n_shared) = config
        .mixture
        .as_ref()
        .map_or((config.dense_width, 0), |mixture| (mixture.expert_width, mixture.n_shared));
    front.count(&key("expert_feed_forward_length"), width as u32);
    front.count(&key("expert_shared_count"), n_shared as u32);
}

fn put_positions(front: &mut Front, config: &Config) -> Result<(), GgufError> {
    front.number(&key("rope.freq_base"), config.rope.theta as f32);
    let Some(yarn) = config.rope.yarn() else { return Ok(()) };
    if yarn.mscale_all_dim == 0.0 || yarn.mscale != yarn.mscale_all_dim {
        let (mscale, all) = (yarn.mscale, yarn.mscale_all_dim);
        let what = format!("YaRN of mscale {mscale} and mscale_all_dim {all}: they must be equal");
        return Err(GgufError::NotExpressible { what });
    }
    front.text(&key("rope.scaling.type"), "yarn");
    front.number(&key("rope.scaling.factor"), yarn.factor as f32);
    let original = yarn.original_positions as u32;
    front.count(&key("rope.scaling.original_context_length"), original);
    let all_dim = yarn.mscale_all_dim as f32;
    front.number(&key("rope.scaling.yarn_log_multiplier"), LOG_MULTIPLIER * all_dim);
    front.number(&key("rope.scaling.yarn_beta_fast"), yarn.beta_fast as f32);
    front.number(&key("rope.scaling.yarn_beta_slow"), yarn.beta_slow as f32);
    Ok(())
}

fn put_mixture(front: &mut Front, mixture: &MixtureConfig) {
    let router = &mixture.router;
    front.count(&key("expert_count"), router.n_experts as u32);
    front.count(&key("expert_used_count"), router.n_active as u32);
    if let Some(groups) = router.groups {
        front.count(&key("expert_group_count"), groups.n_groups as u32);
        front.count(&key("expert_group_used_count"), groups.n_kept as u32);
    }
    let scoring = match router.scoring {
        Scoring::Softmax => SOFTMAX,
        Scoring::Sigmoid => SIGMOID,
    };
    front.count(&key("expert_gating_func"), scoring as u32);
    front.flag(&key("expert_weights_norm"), router.renormalise);
    front.number(&key("expert_weights_scale"), router.scale);
}

fn put_vocabulary(
    front: &mut Front,
    config: &Config,
    vocabulary: &Vocabulary,
) -> Result<(), GgufError> {
    let (n_tokens, n_rows) = (vocabulary.tokens.len(), config.vocab_size);
    if n_tokens > n_rows {
        let what = format!("{n_tokens} tokens and an embedding of {n_rows}");
        return Err(GgufError::NotExpressible { what });
    }
    // Every row of the embedding has a token; those of no use are called so.
    let mut tokens = vocabulary.tokens.clone();
    tokens.extend((n_tokens..n_rows).map(|id| format!("[PAD{id}]")));
    let kinds = (0..n_rows).map(|id| vocabulary.kinds.get(id).unwrap_or(&TokenKind::Unused).id());
    front.text("tokenizer.ggml.model", MODEL);
    front.text("tokenizer.ggml.pre", &vocabulary.splits);
    front.texts("tokenizer.ggml.tokens", &tokens);
    front.integers("tokenizer.ggml.token_type", kinds);
    front.texts("tokenizer.ggml.merges", &vocabulary.merges);
    for (name, id) in
        [("bos", vocabulary.bos), ("eos", vocabulary.eos), ("padding", vocabulary.pad)]
    {
        if let Some(id) = id {
            front.count(&format!("tokenizer.ggml.{name}_token_id"), id);
        }
    }
    front.flag("tokenizer.ggml.add_bos_token", vocabulary.add_bos);
    front.flag("tokenizer.ggml.add_eos_token", vocabulary.add_eos);
    if let Some(template) = &vocabulary.chat_template {
        front.text("tokenizer.chat_template", template);
    }
    Ok(())
}

/// The tensors of a model as the file has them, in the order of the forward pass.
fn tensors(checkpoint: &Checkpoint, latent: LatentSizes, dtype: DType) -> Vec<Outgoing> {
    let mut outgoing: Vec<Outgoing> = Vec::new();
    let mut stacks: BTreeMap<String, Vec<(usize, Tensor)>> = BTreeMap::new();
    for parameter in parameters(&checkpoint.config) {
        let name = parameter.name;
        let tensor =
            checkpoint.tensor(&name).expect("a checkpoint has its configuration's").clone();
        if let Some((stack, expert)) = in_stack(&name) {
            stacks.entry(stack).or_default().push((expert, tensor));
        } else if name.ends_with("self_attn.kv_b_proj.weight") {
            let gguf = in_gguf(&name).expect("the projection from the latent has a name");
            let prefix = gguf.strip_suffix("attn_kv_b.weight").expect("it is named so");
            for half in LatentHalf::BOTH {
                outgoing.push(latent_half(
                    format!("{prefix}{}", half.name()),
                    half,
                    latent,
                    &tensor,
                    dtype,
                ));
            }
        } else {
            let gguf = in_gguf(&name).expect("every tensor of a model that is written has a name");
            let dims = tensor.dims().to_vec();
            let stored = stored_as(&name, &dims, dtype);
            let rows = Box::new(move || vec![tensor.clone()]);
            outgoing.push(Outgoing { name: gguf, dtype: stored, dims, rows });
        }
    }
    outgoing.extend(stacks.into_iter().map(|(name, mut experts)| {
        experts.sort_by_key(|(expert, _)| *expert);
        let experts: Vec<Tensor> = experts.into_iter().map(|(_, tensor)| tensor).collect();
        let dims = [&[experts.len()], experts[0].dims()].concat();
        let stored = stored_as(&name, &dims, dtype);
        Outgoing { name, dtype: stored, dims, rows: Box::new(move || experts.clone()) }
    }));
    outgoing
}

fn latent_half(
    name: String,
    half: LatentHalf,
    latent: LatentSizes,
    whole: &Tensor,
    dtype: DType,
) -> Outgoing {
    let whole = whole.clone();
    let (dims, rows): (_, Box<dyn Fn() -> Vec<Tensor>>) = match half {
        LatentHalf::Key => (latent.key_dims(), Box::new(move || vec![latent.keys(&whole)])),
        LatentHalf::Value => (latent.value_dims(), Box::new(move || latent.values(&whole))),
    };
    Outgoing { dtype: stored_as(&name, &dims, dtype), name, dims: dims.to_vec(), rows }
}

/// The format of one tensor, by its published or stacked name.
fn stored_as(name: &str, dims: &[usize], dtype: DType) -> DType {
    let cols = dims.last().copied().unwrap_or(1);
    if dims.len() < 2 || name.ends_with("mlp.gate.weight") {
        DType::F32
    } else if !cols.is_multiple_of(dtype.block_len()) {
        DType::Bf16
    } else {
        dtype
    }
}
