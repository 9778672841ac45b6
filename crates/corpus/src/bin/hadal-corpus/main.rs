//! The program `hadal-corpus`, which `hadal corpus …` runs. Each command is a file and a filter on
//! JSON lines, from standard input to standard output.

#![forbid(unsafe_code)]

mod augment;
mod dedup;
mod dropped;
mod filter;
mod serve;

use clap::{Parser, Subcommand};

/// Raw pages and files to a corpus worth learning from.
///
/// Every command reads one JSON object a line and writes one a line, so that steps can be tried,
/// tested and piped. What a step drops goes to the file named by --dropped, with its reason.
#[derive(Parser)]
#[command(name = "hadal corpus", bin_name = "hadal corpus", version)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Dedup(dedup::Dedup),
    Serve(serve::Serve),
    /// Drops what is not worth learning from, and masks personal data.
    Filter(filter::Filter),
    /// Writes every record and copies of it that say the same a little differently.
    Augment(augment::Augment),
}

fn main() -> anyhow::Result<()> {
    match Program::parse().command {
        Command::Dedup(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Filter(filter) => filter.run(),
        Command::Augment(augment) => augment.run(),
    }
}
