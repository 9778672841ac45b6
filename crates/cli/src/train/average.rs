//! `hadal train average`: the mean of several checkpoints.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

/// Make a model of the mean weights of several checkpoints, as a folder that every command reads.
///
/// The mean of the last checkpoints of a run often predicts better than the last alone. Their
/// configurations must be the same; the tokenizer is that of the first.
#[derive(Args)]
pub(crate) struct AverageArgs {
    /// Folders of checkpoints, two or more.
    #[arg(required = true, num_args = 2.., value_name = "CHECKPOINT")]
    checkpoints: Vec<PathBuf>,
    /// The folder to write.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

pub(crate) fn run(args: &AverageArgs) -> Result<()> {
    hadal_train::average_checkpoints(&args.checkpoints, &args.output)
        .with_context(|| format!("averaging into {}", args.output.display()))?;
    println!("the mean of {} models is in {}", args.checkpoints.len(), args.output.display());
    Ok(())
}
