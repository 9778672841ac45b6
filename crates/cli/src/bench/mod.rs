//! `hadal bench`: how fast this machine works.

mod peer;
mod probe;
mod train;

use clap::Subcommand;

/// Measure how fast this machine works.
#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    Train(train::BenchTrainArgs),
}

pub(crate) fn run(command: BenchCommand) -> anyhow::Result<()> {
    match command {
        BenchCommand::Train(args) => train::run(args),
    }
}
