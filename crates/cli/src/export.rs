//! `hadal export`: a model with its weights in another number format, as a folder or a GGUF file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use hadal_model::Size;
use hadal_model::gguf::write_gguf;
use hadal_tensor::{DType, Tensor};
use hadal_train::save_model;
use serde::Serialize;

use crate::failure::usage;
use crate::gguf;
use crate::open::Source;
use crate::output::{print_json, print_written, refuse_taken_folder};

/// Write a model with its weights in another number format, as a folder or a GGUF file.
///
/// Matrices are stored in the format asked for; norms, biases and other vectors stay as they are.
/// Every command of hadal reads every format. Transformers reads folders in bf16, f16 and f32 and
/// cannot open q8_0: export such a folder with --dtype bf16 for it. llama.cpp reads GGUF files,
/// which hold the tokenizer too, in all four.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// A Hugging Face folder or a GGUF file; the model inside hadal where not given.
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    /// The folder to make, or the GGUF file.
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// What to make.
    #[arg(long, value_enum, default_value_t = Form::Folder)]
    format: Form,
    /// How matrices are stored. q8_0 takes 8.5 bits a weight: per 32 weights of a row, 32 signed
    /// bytes and one f16 scale; routers, and matrices whose rows are not whole blocks, are bf16.
    #[arg(long, value_enum, default_value_t = Format::Bf16)]
    dtype: Format,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A Hugging Face folder.
    Folder,
    /// One file for llama.cpp and what is built on it.
    Gguf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    #[value(name = "q8_0")]
    Q8,
    Bf16,
    F16,
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
    let ExportArgs { model, output, format, dtype, json } = args;
    refuse_taken(&output, format)?;
    let source = Source::of(model.as_deref())?;
    let (checkpoint, tokenizer) = (source.checkpoint()?, source.tokenizer()?);
    let dtype = match dtype {
        Format::Q8 => DType::Q8_0,
        Format::Bf16 => DType::Bf16,
        Format::F16 => DType::F16,
        Format::F32 => DType::F32,
    };
    let path = match format {
        Form::Folder => {
            let mut tensors: Vec<(String, Tensor)> = checkpoint
                .tensors()
                .map(|(name, tensor)| (name.to_owned(), tensor.clone()))
                .collect();
            tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
            save_model(&output, &checkpoint.config, &tensors, dtype, &tokenizer)?;
            output.join("model.safetensors")
        }
        Form::Gguf => {
            let vocabulary = gguf::vocabulary(&tokenizer)?;
            write_gguf(&output, &source.name(), &checkpoint, &vocabulary, dtype)?;
            output.clone()
        }
    };
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
    print_written(&report.model, report.parameters, report.dtype, report.bytes, &output);
    Ok(())
}

/// Fails where something of the person's would be written over.
fn refuse_taken(output: &Path, format: Form) -> Result<()> {
    match format {
        Form::Folder => refuse_taken_folder(output),
        Form::Gguf if output.exists() => {
            Err(usage(format!("{} is there already; choose another name", output.display())))
        }
        Form::Gguf => Ok(()),
    }
}
