//! `hadal logits`: the scores of every next token, to compare with another implementation.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use hadal_model::{Batch, write_safetensors};
use hadal_tensor::Tensor;

use crate::arguments::ModelArgs;
use crate::failure::usage;
use crate::open::Model;

/// Write the scores of every next token to a file.
///
/// Weights are used as they are stored and activations are never rounded to 8 bits, as they are in
/// other commands where weights are, so that the scores can be held beside another implementation's.
#[derive(Args)]
pub(crate) struct LogitsArgs {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    input: Input,
    /// The safetensors file to write: `ids` (i32, one a token) and `logits` (f32, a row a token).
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Input {
    /// A text; the tokens that the model expects around it are added.
    #[arg(long)]
    text: Option<String>,
    /// Token ids, separated by commas or spaces.
    #[arg(long, value_name = "1,2,3")]
    ids: Option<String>,
    /// A file of token ids, separated by commas, spaces or line ends.
    #[arg(long, value_name = "FILE")]
    ids_file: Option<PathBuf>,
}

pub(crate) fn run(args: LogitsArgs) -> Result<()> {
    let given = match (&args.input.ids, &args.input.ids_file) {
        (Some(ids), _) => Some(parse_ids(ids)?),
        (None, Some(path)) => {
            let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
            Some(parse_ids(&text)?)
        }
        (None, None) => None,
    };
    let model = Model::open_as_stored(&args.model)?;
    let ids = match (given, &args.input.text) {
        (Some(ids), _) => ids,
        (None, text) => model.source.tokenizer()?.encode(text.as_deref().unwrap_or(""), true)?,
    };
    let (device, weights) = (&*model.device, &*model.weights);
    let decoder = model.decoder(ids.len());
    let batch = Batch::of_texts([&ids[..]])?;
    let output = decoder.forward(device, weights, &batch, None)?;
    let logits = device.download(&decoder.logits(device, weights, &output.hidden)?);
    let tensors = [("ids".to_owned(), batch.ids), ("logits".to_owned(), logits)];
    write_safetensors(&args.output, &tensors)?;
    let [(_, ids), (_, logits)] = &tensors;
    eprintln!("wrote ids {} and logits {}", shape(ids), shape(logits));
    Ok(())
}

fn shape(tensor: &Tensor) -> String {
    format!("{} {:?}", tensor.dtype().name(), tensor.dims())
}

/// Reads ids separated by commas or white space, with or without brackets around them.
pub(crate) fn parse_ids(text: &str) -> Result<Vec<u32>> {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let ids: Vec<u32> = inner
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .map(|word| {
            // The model's own ids are signed.
            let id = word.parse().ok().filter(|id| i32::try_from(*id).is_ok());
            id.ok_or_else(|| usage(format!("{word:?} is not a token id, a whole number from 0")))
        })
        .collect::<Result<_>>()?;
    if ids.is_empty() { Err(usage("there are no token ids; give at least one")) } else { Ok(ids) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_people_and_programs_write_them() {
        for text in ["1,2,3", " 1 2\n3 ", "[1, 2, 3]", "1,,2,\t3,"] {
            assert_eq!(parse_ids(text).unwrap(), [1, 2, 3], "{text}");
        }
        for (text, expected) in [
            ("", "no token ids"),
            ("1,two", "\"two\" is not a token id"),
            ("-1", "\"-1\" is not a token id"),
            ("4294967295", "is not a token id"),
        ] {
            let message = parse_ids(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
