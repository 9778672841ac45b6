//! `hadal bench train`: tokens per second of training steps, alternating with a peer's.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use hadal_model::{Config, Flops, Size};
use hadal_tensor::{DType, Differentiable};
use hadal_train::{BatchConfig, OptimiserConfig, Precision, Recipe, measured_peak, time_steps};
use serde::Serialize;

use super::peer;
use super::probe::MemoryProbe;
use crate::arguments::DeviceArgs;
use crate::failure::usage;
use crate::machine;
use crate::output::{bytes, count, print_json, print_now};

/// The model that is measured where none is given: a mixture of 16.5 million parameters.
const DEFAULT_MODEL: &str = include_str!("../../../../benches/peers/configs/moe-16m.json");

/// Steps before those that count: they allocate memory.
const WARM_UP: u32 = 2;

/// Measure training steps on made-up tokens.
///
/// Each round takes its steps on fresh weights, two more to warm up, and counts the median step.
/// With --peer, a round of the other program follows each of ours, so that both meet the same
/// disturbances; the peer is any command that prints `tokens_per_second N`. For PyTorch's:
///
///   hadal bench train --peer "python benches/peers/torch_train.py --bf16"
///
///   hadal bench train --model-config benches/peers/configs/moe-100m.json \
///       --peer "python benches/peers/torch_train.py --shape 100m --bf16"
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct BenchTrainArgs {
    /// A recipe whose model, batch and optimiser are measured.
    recipe: Option<PathBuf>,
    /// A config.json whose model is measured.
    #[arg(long, value_name = "FILE", conflicts_with = "recipe")]
    model_config: Option<PathBuf>,
    /// Windows in a step; those of the recipe, or else 8.
    #[arg(long, value_name = "N", conflicts_with = "recipe")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    sequences: Option<u16>,
    /// Tokens in a window; those of the recipe, or else 256.
    #[arg(long, value_name = "N", conflicts_with = "recipe")]
    #[arg(value_parser = clap::value_parser!(u32).range(2..))]
    length: Option<u32>,
    /// How matrices are multiplied; as the recipe says, or else bf16 where the processor can.
    #[arg(long, value_enum, conflicts_with = "recipe")]
    precision: Option<PrecisionKind>,
    /// Keep only the input of each layer, and compute its activations again.
    #[arg(long, conflicts_with = "recipe")]
    recompute: bool,
    /// Rounds.
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Steps of a round that count.
    #[arg(long, value_name = "N", default_value_t = 8)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    steps: u16,
    /// A command to alternate with, which prints `tokens_per_second N`.
    #[arg(long, value_name = "COMMAND")]
    peer: Option<String>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PrecisionKind {
    F32,
    Bf16,
}

/// What a round does.
struct Work {
    precision: Precision,
    model: Config,
    batch: BatchConfig,
    optimiser: OptimiserConfig,
}

#[derive(Serialize)]
struct Report {
    parameters: usize,
    active_parameters: usize,
    tokens_per_step: usize,
    device: String,
    /// Bytes per second of an addition of large tensors.
    memory_bandwidth: f64,
    /// Floating-point operations per second of the device's best product.
    measured_peak: f64,
    hadal: Side,
    /// The model's floating-point operations per second at the median, over the measured peak.
    mfu: f64,
    peer: Option<Peer>,
}

#[derive(Serialize)]
struct Peer {
    command: String,
    #[serde(flatten)]
    side: Side,
    /// Our median over the peer's.
    ratio: f64,
}

/// One program's rounds.
#[derive(Serialize)]
struct Side {
    /// In tokens per second, in the order they were run.
    rounds: Vec<f64>,
    median: f64,
    least: f64,
    greatest: f64,
    peak_memory_bytes: Option<usize>,
}

pub(crate) fn run(args: BenchTrainArgs) -> Result<()> {
    let work = work(&args)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut peer_memory = None;
    for round in 1..=args.rounds {
        // A device of its own, so that no round finds the memory of the one before.
        let device = args.device.open_for(work.precision)?;
        ours.push(round_of(&work, &*device, args.steps)?);
        drop(device);
        let mut line = format!("round {round}: hadal {:.0}", ours[ours.len() - 1]);
        if let Some(command) = &args.peer {
            let run = peer::run(command)?;
            line += &format!(", peer {:.0}", run.tokens_per_second);
            theirs.push(run.tokens_per_second);
            peer_memory = peer_memory.max(run.peak_memory_bytes);
        }
        eprintln!("{line} tokens/s");
    }
    // The probe's own memory is not the training's.
    let hadal = Side::of(ours, machine::peak_memory("self"));
    let device = args.device.open_for(work.precision)?;
    let measured_peak = measured_peak(&*device, DType::F32);
    let peer = args.peer.map(|command| {
        let side = Side::of(theirs, peer_memory);
        Peer { command, ratio: hadal.median / side.median, side }
    });
    let size = Size::of(&work.model);
    let flops = Flops::per_token(&work.model, work.batch.length).training();
    let report = Report {
        parameters: size.total,
        active_parameters: size.active,
        tokens_per_step: work.batch.tokens(),
        device: device.name(),
        memory_bandwidth: MemoryProbe::new(args.device.n_threads()).bandwidth(),
        measured_peak,
        mfu: hadal.median * flops / measured_peak,
        hadal,
        peer,
    };
    if args.json { print_json(&report) } else { Ok(print_now(&text(&report))?) }
}

fn work(args: &BenchTrainArgs) -> Result<Work> {
    if let Some(path) = &args.recipe {
        let recipe = Recipe::read(path)?;
        let Recipe { precision, model, batch, optimiser, .. } = recipe;
        return Ok(Work { precision, model, batch, optimiser });
    }
    let json = match &args.model_config {
        None => DEFAULT_MODEL.to_owned(),
        Some(path) => {
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?
        }
    };
    let model = Config::from_json(&json)?;
    let length = args.length.map_or(256.min(model.max_positions), |length| length as usize);
    if length > model.max_positions {
        let most = model.max_positions;
        return Err(usage(format!("--length is {length}; this model takes up to {most}")));
    }
    let sequences = args.sequences.map_or(8, usize::from);
    let batch = BatchConfig { sequences, length, accumulation: 1, recompute: args.recompute };
    let precision = match args.precision {
        Some(PrecisionKind::F32) => Precision::F32,
        Some(PrecisionKind::Bf16) | None => Precision::Bf16,
    };
    Ok(Work { precision, model, batch, optimiser: OptimiserConfig::default() })
}

/// Tokens per second of the median step.
fn round_of(work: &Work, device: &dyn Differentiable, steps: u16) -> Result<f64> {
    let n_steps = WARM_UP + u32::from(steps);
    let seconds = time_steps(device, &work.model, work.batch, &work.optimiser, n_steps)?;
    Ok(work.batch.tokens() as f64 / median(&seconds[WARM_UP as usize..]))
}

impl Side {
    fn of(rounds: Vec<f64>, peak_memory_bytes: Option<usize>) -> Side {
        Side {
            median: median(&rounds),
            least: rounds.iter().copied().fold(f64::INFINITY, f64::min),
            greatest: rounds.iter().copied().fold(0.0, f64::max),
            rounds,
            peak_memory_bytes,
        }
    }

    fn text(&self) -> String {
        let Side { median, least, greatest, .. } = self;
        let memory = self.peak_memory_bytes.map_or(String::new(), |n| format!(", {}", bytes(n)));
        format!("{median:.0} tokens/s ({least:.0} to {greatest:.0}){memory}")
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

fn text(report: &Report) -> String {
    let [total, active] = [report.parameters, report.active_parameters].map(count);
    let mut lines = vec![
        ("model", format!("{total} parameters, {active} active for one token")),
        ("step", format!("{} tokens", report.tokens_per_step)),
        ("device", report.device.clone()),
        ("memory", format!("{}/s read", bytes(report.memory_bandwidth as usize))),
        ("peak", format!("{}FLOP/s measured", count(report.measured_peak as usize))),
        (
            "hadal",
            format!("{}, {:.0}% of the measured peak", report.hadal.text(), report.mfu * 100.0),
        ),
    ];
    if let Some(peer) = &report.peer {
        lines.push(("peer", peer.side.text()));
        lines.push(("ratio", format!("{:.2}", peer.ratio)));
    }
    lines.iter().map(|(what, value)| format!("{what:<8}{value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_keeps_its_median_and_spread() {
        let side = Side::of(vec![3.0, 1.0, 10.0], None);
        assert_eq!((side.median, side.least, side.greatest), (3.0, 1.0, 10.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn the_models_are_those_of_the_peer() {
        let size = |json: &str| Size::of(&Config::from_json(json).unwrap()).total;
        // What torch_train.py counts; it has no selection bias, which is 64 numbers in 7 layers.
        assert_eq!(size(DEFAULT_MODEL), 16_533_760);
        let large = include_str!("../../../../benches/peers/configs/moe-100m.json");
        assert_eq!(size(large), 103_785_984 + 64 * 7);
    }
}
