//! The checks this repository runs on itself: `cargo xtask check` is all of CI.
//!
//! [`steps`] lists what is checked and in which order, [`arrows`] compares the crates with the
//! table in `ARCHITECTURE.md`, [`sources`] reads the source files for the habits a compiler does
//! not enforce, and [`readme`] finds the commands the README promises.
//!
//! This program never knows how any crate works; it sees their names, manifests and text.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::builder::PossibleValuesParser;

mod arrows;
mod readme;
mod scan;
mod sources;
mod steps;

/// The checks this repository runs on itself.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Run every step in order and stop at the first that fails.
    Check {
        /// Run these steps alone, separated by commas.
        #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(steps::names()))]
        only: Vec<String>,
        /// Leave these steps out, separated by commas.
        #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(steps::names()))]
        skip: Vec<String>,
    },
    /// Compare the crates with ARCHITECTURE.md and read the sources for our habits.
    Arrows,
    /// Name the steps of `check`.
    List,
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Check { only, skip } => steps::check(&root(), &only, &skip),
        Command::Arrows => steps::check(&root(), &["arrows".to_owned()], &[]),
        Command::List => {
            steps::list();
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository: the folder above this package.
fn root() -> PathBuf {
    // Cargo sets the variable for `cargo run` and `cargo test`; the built-in path serves a binary
    // started by hand.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().expect("a package of this workspace has a folder above it").to_owned()
}
