//! `hadal inspect`: what a model is.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use hadal_model::{AttentionConfig, Config, Size, parameters};
use hadal_tensor::{DType, Scoring};
use serde::Serialize;

use crate::arguments::ModelArgs;
use crate::open::Model;
use crate::output::{bytes, count, print_json, print_now};
use crate::topology::Topology;

/// Say what a model is: sizes, memory, layers; and where a text goes in it.
#[derive(Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// Show which experts this text visits, layer by layer.
    #[arg(long)]
    text: Option<String>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    name: String,
    model_type: &'static str,
    vocab_size: usize,
    hidden_size: usize,
    max_positions: usize,
    layers: usize,
    dense_layers: usize,
    attention: Attention,
    experts: Option<Experts>,
    parameters: Parameters,
    /// Parameters by the format they are stored in.
    stored: BTreeMap<&'static str, usize>,
    /// Bytes of the weights in each format.
    weight_bytes: WeightBytes,
    cache_bytes_per_position: usize,
    topology: Option<Topology>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Attention {
    Latent {
        heads: usize,
        query_rank: Option<usize>,
        latent_rank: usize,
        query_dim: usize,
        rotary_dim: usize,
        value_dim: usize,
    },
    MultiHead {
        heads: usize,
        key_value_heads: usize,
        head_dim: usize,
        bias: bool,
        head_norm: bool,
    },
}

#[derive(Serialize)]
struct Experts {
    routed: usize,
    active: usize,
    shared: usize,
    width: usize,
    scoring: &'static str,
    selection_bias: bool,
}

#[derive(Serialize)]
struct Parameters {
    total: usize,
    active: usize,
    routed: usize,
    embedding: usize,
    predict_layer: usize,
}

#[derive(Serialize)]
struct WeightBytes {
    f32: usize,
    bf16: usize,
    q8_0: usize,
}

pub(crate) fn run(args: InspectArgs) -> Result<()> {
    let model = Model::open(&args.model)?;
    let topology = args.text.map(|text| Topology::of(&model, &text)).transpose()?;
    let report = Report { topology, ..report(&model) };
    if args.json {
        return print_json(&report);
    }
    print_now(&text(&report))?;
    if let Some(topology) = &report.topology {
        print_now(&topology.tables())?;
    }
    Ok(())
}

fn report(model: &Model) -> Report {
    let config = model.config();
    let size = Size::of(config);
    let mut stored = BTreeMap::new();
    for parameter in parameters(config) {
        let tensor = model.checkpoint.tensor(&parameter.name);
        let tensor = tensor.expect("the tensors were checked on opening");
        *stored.entry(tensor.dtype().name()).or_default() += tensor.len();
    }
    Report {
        name: model.source.name(),
        model_type: config.model_type.name(),
        vocab_size: config.vocab_size,
        hidden_size: config.hidden_size,
        max_positions: config.max_positions,
        layers: config.n_layers,
        dense_layers: config.n_dense_layers,
        attention: attention(config),
        experts: experts(config),
        parameters: Parameters {
            total: size.total,
            active: size.active,
            routed: size.routed,
            embedding: size.embedding,
            predict_layer: size.predict_layer,
        },
        stored,
        weight_bytes: WeightBytes {
            f32: size.bytes(DType::F32),
            bf16: size.bytes(DType::Bf16),
            q8_0: size.bytes(DType::Q8_0),
        },
        cache_bytes_per_position: size.cache_bytes_per_position,
        topology: None,
    }
}

fn attention(config: &Config) -> Attention {
    match config.attention {
        AttentionConfig::Latent { n_heads, q_rank, kv_rank, nope, rope, value } => {
            Attention::Latent {
                heads: n_heads,
                query_rank: q_rank,
                latent_rank: kv_rank,
                query_dim: nope + rope,
                rotary_dim: rope,
                value_dim: value,
            }
        }
        AttentionConfig::MultiHead { n_heads, n_kv_heads, head_dim, bias, head_norm } => {
            Attention::MultiHead {
                heads: n_heads,
                key_value_heads: n_kv_heads,
                head_dim,
                bias,
                head_norm,
            }
        }
    }
}

fn experts(config: &Config) -> Option<Experts> {
    config.mixture.as_ref().map(|mixture| Experts {
        routed: mixture.router.n_experts,
        active: mixture.router.n_active,
        shared: mixture.n_shared,
        width: mixture.expert_width,
        scoring: match mixture.router.scoring {
            Scoring::Softmax => "softmax",
            Scoring::Sigmoid => "sigmoid",
        },
        selection_bias: mixture.selection_bias,
    })
}

/// The report as a person reads it.
fn text(report: &Report) -> String {
    let Report { parameters, weight_bytes, .. } = report;
    let attention = match &report.attention {
        Attention::Latent { heads, query_rank, latent_rank, query_dim, rotary_dim, value_dim } => {
            let query = query_rank.map_or(String::new(), |rank| format!(", query rank {rank}"));
            format!(
                "latent: {heads} heads, latent rank {latent_rank}{query}; keys of {query_dim} of \
                 which {rotary_dim} rotary, values of {value_dim}"
            )
        }
        Attention::MultiHead { heads, key_value_heads, head_dim, bias, head_norm } => {
            let bias = if *bias { "; with biases" } else { "" };
            let norm = if *head_norm { "; queries and keys normalised" } else { "" };
            format!("{heads} heads of {head_dim}, {key_value_heads} of keys and values{bias}{norm}")
        }
    };
    let experts = report.experts.as_ref().map_or("none".to_owned(), |experts| {
        let bias = if experts.selection_bias { " with a selection bias" } else { "" };
        format!(
            "{} routed, {} of them active, and {} shared; width {}; {} router{bias}",
            experts.routed, experts.active, experts.shared, experts.width, experts.scoring
        )
    });
    let stored: Vec<String> =
        report.stored.iter().map(|(name, n)| format!("{} in {name}", count(*n))).collect();
    let lines = [
        ("model", format!("{} ({})", report.name, report.model_type)),
        (
            "parameters",
            format!(
                "{} in all, {} active for one token; {} in routed experts, {} in the embedding",
                count(parameters.total),
                count(parameters.active),
                count(parameters.routed),
                count(parameters.embedding),
            ),
        ),
        ("stored", stored.join(", ")),
        (
            "memory",
            format!(
                "weights {} in f32, {} in bf16, {} in q8_0",
                bytes(weight_bytes.f32),
                bytes(weight_bytes.bf16),
                bytes(weight_bytes.q8_0),
            ),
        ),
        (
            "cache",
            format!(
                "{} a position, {} at the longest context of {}",
                bytes(report.cache_bytes_per_position),
                bytes(report.cache_bytes_per_position * report.max_positions),
                report.max_positions,
            ),
        ),
        ("layers", format!("{}, of which {} dense", report.layers, report.dense_layers)),
        ("hidden", format!("{}, vocabulary {}", report.hidden_size, report.vocab_size)),
        ("attention", attention),
        ("experts", experts),
    ];
    lines.map(|(name, value)| format!("{name:<12}{value}\n")).concat()
}
