//! `hadal corpus extract`: pages to texts.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use hadal_corpus::extract::Extract;
use hadal_corpus::lines;

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
    let mut dropped: Box<dyn Write> = match &command.dropped {
        Some(path) => Box::new(BufWriter::new(
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?,
        )),
        None => Box::new(io::sink()),
    };
    let kept = BufWriter::new(io::stdout().lock());
    let counts = lines::run(&Extract, io::stdin().lock(), kept, &mut dropped)?;
    eprintln!(
        "{} kept, {} dropped, {} unreadable",
        counts.n_kept, counts.n_dropped, counts.n_unreadable
    );
    Ok(())
}
