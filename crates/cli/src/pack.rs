//! `hadal pack`: a model's folder in the layout that the kernels read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use hadal_model::{Size, write_aside};
use hadal_tensor::Packing;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::failure::usage;
use crate::open::Source;
use crate::output::{print_json, print_written, refuse_taken_folder};

/// Write a model's folder in the layout that this program computes with, 4 to 8 bits a weight.
///
/// Weights are rounded to nearest, lie in the file as the kernels read them, and are mapped: opening
/// the folder copies nothing. Blocks of GGUF that have these bits and groups keep their numbers.
/// Routers, norms, and matrices that are not whole blocks keep 16 or 32 bits. Other programs do not
/// read the layout; `hadal export` writes what they do.
#[derive(Args)]
pub(crate) struct PackArgs {
    /// A Hugging Face folder or a GGUF file; the model inside hadal where not given.
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    /// The folder to make.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// Bits of a weight: 4, 6 or 8.
    #[arg(long, default_value_t = 4)]
    bits: usize,
    /// Weights of a row that share a 16-bit scale: 16, 32, 64 or 128 of 4 bits, 16 or 32 of 6 bits,
    /// 32, 64 or 128 of 8 bits.
    #[arg(long, default_value_t = 32)]
    group: usize,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    model: String,
    output: &'a Path,
    format: &'static str,
    parameters: usize,
    bytes: u64,
    bits_per_parameter: f64,
}

pub(crate) fn run(args: PackArgs) -> Result<()> {
    let PackArgs { model, output, bits, group, json } = args;
    let packing = Packing::new(bits, group).ok_or_else(|| {
        usage(format!(
            "{bits} bits in groups of {group} are not a layout; those are 4 bits in groups of 16, \
             32, 64 or 128, 6 bits of 16 or 32, and 8 bits of 32, 64 or 128"
        ))
    })?;
    refuse_taken_folder(&output)?;
    let source = Source::of(model.as_deref())?;
    let (checkpoint, tokenizer) = (source.checkpoint()?, source.tokenizer()?);
    fs::create_dir_all(&output).with_context(|| output.display().to_string())?;
    let path = output.join("model.safetensors");
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} parameters")?;
    let bar = ProgressBar::new(0).with_style(style);
    checkpoint.write_packed(packing, &path, |n_done, n_all| {
        bar.set_length(n_all as u64);
        bar.set_position(n_done as u64);
    })?;
    bar.finish_and_clear();
    tokenizer.save(&output)?;
    let config = serde_json::to_string_pretty(&checkpoint.packed_config(packing).json)?;
    write_aside(&output.join("config.json"), config.as_bytes())?;
    let n_bytes = fs::metadata(&path).with_context(|| path.display().to_string())?.len();
    let parameters = Size::of(&checkpoint.config).total;
    let report = Report {
        model: source.name(),
        output: &output,
        format: packing.name(),
        parameters,
        bytes: n_bytes,
        bits_per_parameter: 8.0 * n_bytes as f64 / parameters as f64,
    };
    if json {
        return print_json(&report);
    }
    print_written(&report.model, parameters, report.format, n_bytes, &output);
    Ok(())
}
