//! `hadal export`: a model's folder with its weights in another number format.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use hadal_model::Size;
use hadal_tensor::{DType, Tensor};
use hadal_train::save_model;
use serde::Serialize;

use crate::failure::usage;
use crate::open::Source;
use crate::output::{bytes, count, print_json};

/// Write a model's folder with its weights in another number format.
///
/// Matrices are stored in the format asked for; norms, biases and other vectors stay as they are.
/// Every command of hadal reads every format. Transformers reads bf16 and f32 and cannot open
/// q8_0: export such a folder with --dtype bf16 for it.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// A Hugging Face folder; the model inside hadal where not given.
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    /// The folder to make.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// How matrices are stored. q8_0 takes 8.5 bits a weight: per 32 weights of a row, 32 signed
    /// bytes and one f16 scale; routers, and matrices whose rows are not whole blocks, are bf16.
    #[arg(long, value_enum)]
    dtype: Format,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    #[value(name = "q8_0")]
    Q8,
    Bf16,
    F32,
}

#[derive(Serialize)]
struct Report<'a> {
    model: String,
    output: &'a Path,
    dtype: &'static str,
    parameters: usize,
    bytes: u64,
}

pub(crate) fn run(args: ExportArgs) -> Result<()> {
    let ExportArgs { model, output, dtype, json } = args;
    let is_taken =
        output.is_file() || fs::read_dir(&output).is_ok_and(|mut entries| entries.next().is_some());
    if is_taken {
        let output = output.display();
        return Err(usage(format!("{output} is not empty; choose a folder that is, or is new")));
    }
    let source = Source::of(model.as_deref())?;
    let (checkpoint, tokenizer) = (source.checkpoint()?, source.tokenizer()?);
    let mut tensors: Vec<(String, Tensor)> =
        checkpoint.tensors().map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let dtype = match dtype {
        Format::Q8 => DType::Q8_0,
        Format::Bf16 => DType::Bf16,
        Format::F32 => DType::F32,
    };
    save_model(&output, &checkpoint.config, &tensors, dtype, &tokenizer)?;
    let path = output.join("model.safetensors");
    let report = Report {
        model: source.name(),
        output: &output,
        dtype: dtype.name(),
        parameters: Size::of(&checkpoint.config).total,
        bytes: fs::metadata(&path).with_context(|| path.display().to_string())?.len(),
    };
    if json {
        return print_json(&report);
    }
    println!(
        "{}: {} parameters in {}, {}; the model is in {}",
        report.model,
        count(report.parameters),
        report.dtype,
        bytes(report.bytes as usize),
        output.display()
    );
    Ok(())
}
