//! `hadal corpus read`: files of any kind to records.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use hadal_corpus::read::{self, Outcome};
use hadal_corpus::{Error, lines};

use crate::dropped;

/// Read files of any kind as records, one a line.
///
/// WARC, WET and ARC, pages, texts, Markdown and JSON lines; packed with gzip or Zstandard,
/// and in zip archives. A folder stands for all files in it, - for standard input. What cannot be
/// read is dropped with its reason, and the rest goes on.
#[derive(Args)]
pub(crate) struct Command {
    /// Files and folders, or - for standard input
    #[arg(value_name = "PATH", required_unless_present = "list")]
    paths: Vec<PathBuf>,
    /// A file of more paths, one a line
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Where dropped records go, with their reasons; they are counted but not kept without it
    #[arg(long, value_name = "FILE")]
    dropped: Option<PathBuf>,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    let mut dropped = dropped::open(command.dropped.as_deref())?;
    let mut kept = BufWriter::new(io::stdout().lock());
    let (mut n_kept, mut n_dropped) = (0_u64, 0_u64);
    let mut emit = |outcome: Outcome| match outcome {
        Ok(record) => {
            n_kept += 1;
            lines::write_kept(&mut kept, &record)
        }
        Err(drop) => {
            n_dropped += 1;
            lines::write_dropped(&mut dropped, drop)
        }
    };
    for path in &command.paths {
        read_one(path, &mut emit)?;
    }
    if let Some(list) = &command.list {
        let file = File::open(list).with_context(|| format!("cannot read {}", list.display()))?;
        for line in BufReader::new(file).lines() {
            let line = line.with_context(|| format!("cannot read {}", list.display()))?;
            if !line.trim().is_empty() {
                read_one(Path::new(line.trim()), &mut emit)?;
            }
        }
    }
    lines::flush(&mut kept)?;
    lines::flush(&mut dropped)?;
    eprintln!("{n_kept} read, {n_dropped} dropped");
    Ok(())
}

fn read_one(path: &Path, emit: &mut read::Emit<'_>) -> Result<(), Error> {
    if path == Path::new("-") {
        return read::read_stream("-", io::stdin().lock(), emit);
    }
    read::read(path, emit)
}
