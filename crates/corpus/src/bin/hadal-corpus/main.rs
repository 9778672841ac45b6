//! The program `hadal-corpus`, which `hadal corpus …` runs. Each command is a file; all but `run` and
//! `inspect` are filters on JSON lines, from standard input to standard output.

#![forbid(unsafe_code)]

mod augment;
mod dedup;
mod dropped;
mod extract;
mod filter;
mod inspect;
mod normalise;
mod pack;
mod read;
mod run;
mod screen;
mod serve;
mod spoken;
mod through;

use clap::{Parser, Subcommand};

/// Raw pages and files to a corpus worth learning from.
///
/// `run` makes a corpus as a recipe describes it, and `inspect` shows what came of it. Every other
/// command is one of its steps as a filter: it reads one JSON object a line and writes one a line, so
/// that steps can be tried, tested and piped. What a step drops goes to the file named by --dropped,
/// with its reason.
#[derive(Parser)]
#[command(name = "hadal corpus", bin_name = "hadal corpus", version)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Inspect(inspect::Inspect),
    Read(read::Command),
    Extract(extract::Command),
    /// Drop what is not worth learning from, and mask personal data.
    Filter(filter::Filter),
    Dedup(dedup::Dedup),
    Serve(serve::Serve),
    Normalise(normalise::Arguments),
    Spoken(spoken::Arguments),
    /// Write every record and copies of it that say the same a little differently.
    Augment(augment::Augment),
    Pack(pack::Pack),
}

fn main() -> anyhow::Result<()> {
    match Program::parse().command {
        Command::Run(command) => command.run(),
        Command::Inspect(inspect) => inspect.run(),
        Command::Read(command) => read::run(&command),
        Command::Extract(command) => extract::run(&command),
        Command::Filter(filter) => filter.run(),
        Command::Dedup(dedup) => dedup.run(),
        Command::Serve(serve) => serve.run(),
        Command::Normalise(arguments) => normalise::run(&arguments),
        Command::Spoken(arguments) => spoken::run(&arguments),
        Command::Augment(augment) => augment.run(),
        Command::Pack(pack) => pack.run(),
    }
}
