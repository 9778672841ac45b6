//! `hadal corpus`: runs `hadal-corpus`, a program of its own, so that building this one stays short.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::{Context as _, Result, bail};
use clap::Args;

/// Make a corpus: read, extract, filter, de-duplicate, normalise, augment.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct CorpusArgs {
    /// What to do; `hadal corpus --help` lists it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

pub(crate) fn run(args: CorpusArgs) -> Result<()> {
    let program = program()?;
    let status = Command::new(&program).args(args.rest).status();
    end_as(status.with_context(|| format!("cannot run {}", program.display()))?)
}

/// Ends as the other program did; it has said why.
fn end_as(status: ExitStatus) -> Result<()> {
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => bail!("hadal-corpus was ended by a signal"),
    }
}

/// Beside this program, or on the path.
fn program() -> Result<PathBuf> {
    let name = format!("hadal-corpus{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe().ok().map(|own| own.with_file_name(&name));
    let on_path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = env::split_paths(&on_path).map(|at| at.join(&name)).collect();
    let found = beside.into_iter().chain(on_path).find(|path| path.is_file());
    found.with_context(|| {
        format!(
            "{name} is neither beside hadal nor on the path; \
             `cargo build --release -p hadal-corpus` builds it"
        )
    })
}
