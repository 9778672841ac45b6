//! The program `hadal-corpus`, which `hadal corpus …` runs. Each command is a file and a filter on
//! JSON lines, from standard input to standard output.

#![forbid(unsafe_code)]

mod extract;
mod read;

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
    Extract(extract::Command),
    Read(read::Command),
}

fn main() -> anyhow::Result<()> {
    match Program::parse().command {
        Command::Extract(command) => extract::run(&command),
        Command::Read(command) => read::run(&command),
    }
}
