//! `hadal bench`: how fast this machine works.

mod inference;
mod peer;
mod probe;
mod train;

use clap::{Args, Subcommand};

/// Measure how fast a model reads prompts and writes answers, or learns.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    command: Option<BenchCommand>,
    #[command(flatten)]
    inference: inference::BenchInferenceArgs,
}

#[derive(Subcommand)]
enum BenchCommand {
    Train(train::BenchTrainArgs),
}

pub(crate) fn run(args: BenchArgs) -> anyhow::Result<()> {
    match args.command {
        Some(BenchCommand::Train(args)) => train::run(args),
        None => inference::run(args.inference),
    }
}
