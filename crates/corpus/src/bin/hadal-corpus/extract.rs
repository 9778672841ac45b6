//! `hadal corpus extract`: pages to texts.

use std::path::PathBuf;

use clap::Args;
use hadal_corpus::extract::Extract;

use crate::through;

/// Extract the main text of web pages, with title, date and language.
///
/// Reads records with the field html (and url, where it is known) and writes them with text, title,
/// date and lang instead. A record without html keeps its text.
#[derive(Args)]
pub(crate) struct Command {
    /// Where dropped records go, with their reasons; they are counted but not kept without it
    #[arg(long, value_name = "FILE")]
    dropped: Option<PathBuf>,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    through::run(&Extract, command.dropped.as_deref())
}
