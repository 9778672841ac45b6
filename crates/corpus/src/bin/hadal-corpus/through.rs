//! Standard input through a step to standard output, as every filter does.

use std::io::{BufWriter, stdin, stdout};
use std::path::Path;

use anyhow::Result;
use hadal_corpus::{Step, lines};

use crate::dropped;

/// Sends records through `step`, what it drops to the file named, and says how many there were.
pub(crate) fn run(step: &dyn Step, dropped: Option<&Path>) -> Result<()> {
    let kept = BufWriter::new(stdout().lock());
    let counts = lines::run(step, stdin().lock(), kept, dropped::open(dropped)?)?;
    eprintln!(
        "{} kept, {} dropped, {} unreadable",
        counts.n_kept, counts.n_dropped, counts.n_unreadable
    );
    Ok(())
}
