//! `hadal corpus extract`: pages to texts.

use std::io::{self, BufWriter};
use std::path::PathBuf;

use clap::Args;
use hadal_corpus::extract::Extract;
use hadal_corpus::lines;

use crate::dropped;

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
    let mut dropped = dropped::open(command.dropped.as_deref())?;
    let kept = BufWriter::new(io::stdout().lock());
    let counts = lines::run(&Extract, io::stdin().lock(), kept, &mut dropped)?;
    eprintln!(
        "{} kept, {} dropped, {} unreadable",
        counts.n_kept, counts.n_dropped, counts.n_unreadable
    );
    Ok(())
}
