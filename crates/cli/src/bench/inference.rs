//! `hadal bench`: tokens per second of prompts and of answers, beside what the memory allows.

use std::time::Instant;

use anyhow::Result;
use clap::Args;
use hadal_model::{Batch, Cache, Config, Decoder, Parameter, Size, parameters};
use hadal_tensor::Backend;
use serde::Serialize;

use super::probe::MemoryProbe;
use crate::arguments::ModelArgs;
use crate::open::Model;
use crate::output::{bytes, count, print_json, print_now};

/// Prompt tokens that are computed at once, as when a model is used.
const CHUNK_LEN: usize = 512;

/// Measure how fast a model reads prompts and writes answers.
///
/// Each round reads the prompt and then writes for every batch and depth, with a probe of the memory
/// before and after. Medians of the rounds are shown, with the least and the greatest. The bytes of a
/// token are those of the weights and the cache that it needs; with several sequences, of as many
/// experts as sequences visit that choose them evenly.
#[derive(Args)]
pub(crate) struct BenchInferenceArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// Tokens of the prompt.
    #[arg(long, value_name = "N", default_value_t = 512)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    prompt: u32,
    /// Tokens that are written.
    #[arg(long, value_name = "N", default_value_t = 128)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    generate: u32,
    /// Sequences that are written at once; a list with commas.
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    batch: Vec<u16>,
    /// Tokens that stand before what is written; a list with commas.
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "0")]
    depth: Vec<u32>,
    /// Rounds.
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    model: String,
    device: String,
    parameters: usize,
    active_parameters: usize,
    weight_bytes: usize,
    prefill: Prefill,
    /// The first of `decodes`.
    decode: Decode,
    decodes: Vec<Decode>,
}

#[derive(Serialize)]
struct Prefill {
    prompt: usize,
    #[serde(flatten)]
    speed: Speed,
}

#[derive(Clone, Serialize)]
struct Decode {
    batch: usize,
    depth: usize,
    generated: usize,
    #[serde(flatten)]
    speed: Speed,
    bytes_per_token: f64,
    /// Of the bandwidth that the probe found.
    roofline_share: f64,
}

/// What the rounds came to.
#[derive(Clone, Serialize)]
struct Speed {
    /// Median.
    tokens_per_second: f64,
    least: f64,
    greatest: f64,
    /// Bytes per second, the median of the probes before and after.
    probe: f64,
    probe_least: f64,
    probe_greatest: f64,
}

/// The figures of the rounds.
#[derive(Clone, Default)]
struct Rounds {
    speeds: Vec<f64>,
    probes: Vec<f64>,
}

impl Rounds {
    fn summary(mut self) -> Speed {
        self.speeds.sort_by(f64::total_cmp);
        self.probes.sort_by(f64::total_cmp);
        let median = |values: &[f64]| values[values.len() / 2];
        Speed {
            tokens_per_second: median(&self.speeds),
            least: self.speeds[0],
            greatest: self.speeds[self.speeds.len() - 1],
            probe: median(&self.probes),
            probe_least: self.probes[0],
            probe_greatest: self.probes[self.probes.len() - 1],
        }
    }
}

pub(crate) fn run(args: BenchInferenceArgs) -> Result<()> {
    let model = Model::open(&args.model)?;
    let (n_prompt, n_generated) = (args.prompt as usize, args.generate as usize);
    let settings: Vec<(usize, usize)> = (args.depth.iter())
        .flat_map(|depth| args.batch.iter().map(|batch| (usize::from(*batch), *depth as usize)))
        .collect();
    let longest = settings.iter().map(|(_, depth)| depth + n_generated).max().unwrap_or(0);
    model.context(Some(longest.max(n_prompt)), longest)?;
    let decoder = model.decoder(longest.max(n_prompt));
    let bench = Bench { model: &model, decoder, n_generated };

    let probe = MemoryProbe::new(args.model.device.n_threads());
    let mut prefill = Rounds::default();
    let mut decodes = vec![Rounds::default(); settings.len()];
    // A warm-up, for what is only slow the first time: pages that nobody has touched.
    bench.prefill(CHUNK_LEN.min(n_prompt))?;
    for (batch, depth) in &settings {
        bench.decode(*batch, *depth)?;
    }
    for round in 1..=args.rounds {
        eprint!("\rround {round} of {}", args.rounds);
        prefill.probes.push(probe.bandwidth());
        prefill.speeds.push(bench.prefill(n_prompt)?);
        prefill.probes.push(probe.bandwidth());
        for (rounds, (batch, depth)) in decodes.iter_mut().zip(&settings) {
            rounds.probes.push(probe.bandwidth());
            rounds.speeds.push(bench.decode(*batch, *depth)?);
            rounds.probes.push(probe.bandwidth());
        }
    }
    eprintln!();
    let decodes: Vec<Decode> = (decodes.into_iter().zip(&settings))
        .map(|(rounds, (batch, depth))| {
            let speed = rounds.summary();
            let bytes_per_token = bench.bytes_per_token(*batch, depth + n_generated / 2);
            Decode {
                batch: *batch,
                depth: *depth,
                generated: n_generated,
                roofline_share: bytes_per_token * speed.tokens_per_second / speed.probe,
                bytes_per_token,
                speed,
            }
        })
        .collect();
    let size = Size::of(model.config());
    let report = Report {
        model: model.source.name(),
        device: model.device.name(),
        parameters: size.total,
        active_parameters: size.active,
        weight_bytes: model.checkpoint.tensors().map(|(_, tensor)| tensor.len_bytes()).sum(),
        prefill: Prefill { prompt: n_prompt, speed: prefill.summary() },
        decode: decodes[0].clone(),
        decodes,
    };
    if args.json { print_json(&report) } else { Ok(print_now(&text(&report))?) }
}

struct Bench<'a> {
    model: &'a Model,
    decoder: Decoder,
    n_generated: usize,
}

impl Bench<'_> {
    fn config(&self) -> &Config {
        self.model.config()
    }

    fn device(&self) -> &dyn Backend {
        &*self.model.device
    }

    /// Some token for a place in a text.
    fn id(&self, place: usize) -> u32 {
        (place * 7919 % self.config().vocab_size) as u32
    }

    /// Tokens per second of reading a prompt.
    fn prefill(&self, n_prompt: usize) -> Result<f64> {
        let (device, weights) = (self.device(), &*self.model.weights);
        let ids: Vec<u32> = (0..n_prompt).map(|place| self.id(place)).collect();
        let mut cache = Cache::new(self.config(), device, n_prompt);
        let start = Instant::now();
        let mut n_before = 0;
        for chunk in ids.chunks(CHUNK_LEN) {
            let batch = Batch::continuing(n_before, chunk)?;
            let output = self.decoder.forward(device, weights, &batch, Some(&mut cache))?;
            n_before += chunk.len();
            if n_before == n_prompt {
                let last = output.hidden.row_range(chunk.len() - 1..chunk.len());
                self.decoder.logits(device, weights, &last)?;
            }
        }
        Ok(n_prompt as f64 / start.elapsed().as_secs_f64())
    }

    /// Tokens per second of writing, over all sequences. What stands before them is not computed,
    /// and what is written not chosen: they take their time whatever they are.
    fn decode(&self, n_sequences: usize, depth: usize) -> Result<f64> {
        let (device, weights) = (self.device(), &*self.model.weights);
        let capacity = depth + self.n_generated;
        let mut cache = Cache::of_sequences(self.config(), device, n_sequences, capacity);
        let start = Instant::now();
        for n_before in depth..capacity {
            let first = n_before * n_sequences;
            let tokens: Vec<_> = (0..n_sequences)
                .map(|sequence| (sequence, n_before, self.id(first + sequence)))
                .collect();
            let batch = Batch::next_tokens(capacity, &tokens)?;
            let output = self.decoder.forward(device, weights, &batch, Some(&mut cache))?;
            let logits = self.decoder.logits(device, weights, &output.hidden)?;
            device.download(&logits);
        }
        Ok((n_sequences * self.n_generated) as f64 / start.elapsed().as_secs_f64())
    }

    /// Bytes of weights and cache that are read for one token of `n_sequences` at once, each with
    /// `n_before` before it.
    fn bytes_per_token(&self, n_sequences: usize, n_before: usize) -> f64 {
        let config = self.config();
        let visited = config.mixture.as_ref().map_or(1.0, |mixture| {
            let share = mixture.router.n_active as f64 / mixture.router.n_experts as f64;
            1.0 - (1.0 - share).powi(n_sequences as i32)
        });
        let weight_bytes = |parameter: &Parameter| {
            let tensor = self.model.checkpoint.tensor(&parameter.name);
            tensor.map_or(0, hadal_tensor::Tensor::len_bytes) as f64
        };
        let of_weights: f64 = parameters(config)
            .iter()
            .filter(|parameter| !parameter.is_of_predict_layer(config))
            .filter(|parameter| config.tied_embeddings || !parameter.is_embedding())
            .map(|p| {
                let visited = if p.is_routed_expert() { visited } else { 1.0 };
                weight_bytes(p) * visited * p.share_in_decoding(config)
            })
            .sum();
        let of_cache = n_before * Cache::bytes_per_position(config);
        of_weights / n_sequences as f64 + of_cache as f64
    }
}

fn text(report: &Report) -> String {
    let gigabytes = |bytes_per_second: f64| bytes_per_second / 1e9;
    let mut text = format!(
        "{}: {} parameters, {} active, {} of weights\n{}\n",
        report.model,
        count(report.parameters),
        count(report.active_parameters),
        bytes(report.weight_bytes),
        report.device
    );
    let speed = |speed: &Speed| {
        format!(
            "{:.1} tokens/s ({:.1} to {:.1}); memory {:.1} GB/s ({:.1} to {:.1})",
            speed.tokens_per_second,
            speed.least,
            speed.greatest,
            gigabytes(speed.probe),
            gigabytes(speed.probe_least),
            gigabytes(speed.probe_greatest)
        )
    };
    let Prefill { prompt, speed: of_prompt } = &report.prefill;
    text += &format!("prompt of {prompt}: {}\n", speed(of_prompt));
    for decode in &report.decodes {
        text += &format!(
            "{} at once after {}: {}, {} a token, {:.0} % of what it allows\n",
            decode.batch,
            decode.depth,
            speed(&decode.speed),
            bytes(decode.bytes_per_token as usize),
            100.0 * decode.roofline_share
        );
    }
    text
}
