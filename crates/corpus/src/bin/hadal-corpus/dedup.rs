//! `hadal corpus dedup`: who says the same, in a stream of records.

use std::io::{self, BufWriter};
use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use hadal_corpus::dedup::batch::{self, Options};
use hadal_corpus::dedup::{Measure, Rule, Store};

use crate::dropped;

/// Give every record the number of its cluster of duplicates.
///
/// Adds the field `cluster`, the number of the first record of the cluster, counted from 0, and,
/// where that is another record, `duplicate_of`, its id or, if it has none, its number.
#[derive(Args)]
pub(crate) struct Dedup {
    #[command(flatten)]
    rule: RuleArgs,
    /// Keep the first record of each cluster and drop the others.
    #[arg(long)]
    drop: bool,
    /// Cut lines of 30 characters or more that a text repeats, and add the field `repeated`, the
    /// share of its characters that were cut.
    #[arg(long)]
    within: bool,
    /// The folder of an index to compare with and to add to, the one that `serve` uses.
    #[arg(long, value_name = "FOLDER")]
    index: Option<PathBuf>,
    /// Where to write what is dropped; nowhere, if not given.
    #[arg(long, value_name = "FILE")]
    dropped: Option<PathBuf>,
}

/// When two texts are duplicates.
#[derive(Args)]
pub(crate) struct RuleArgs {
    /// What is measured.
    #[arg(long, value_enum, default_value = "containment")]
    by: By,
    /// The least likeness that makes duplicates, above 0 and up to 1.
    #[arg(long, value_name = "SHARE", default_value_t = Rule::default().threshold)]
    threshold: f32,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// The share of the smaller text that the other has as well.
    Containment,
    /// What both have, over what either has.
    Jaccard,
}

impl RuleArgs {
    pub(crate) fn rule(&self) -> anyhow::Result<Rule> {
        let threshold = self.threshold;
        ensure!(
            threshold > 0.0 && threshold <= 1.0,
            "--threshold {threshold}: should be above 0 and up to 1"
        );
        let measure = match self.by {
            By::Containment => Measure::Containment,
            By::Jaccard => Measure::Jaccard,
        };
        Ok(Rule { measure, threshold })
    }
}

impl Dedup {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let rule = self.rule.rule()?;
        let mut store = match &self.index {
            Some(folder) => Store::open(folder, rule)?,
            None => Store::in_memory(rule),
        };
        let dropped = dropped::open(self.dropped.as_deref())?;
        let options = Options { drop: self.drop, within: self.within };
        let (kept, dropped) = (BufWriter::new(io::stdout().lock()), dropped);
        let counts = batch::run(&mut store, options, io::stdin().lock(), kept, dropped)?;
        eprintln!(
            "{} kept, {} dropped as duplicates, {} lines unreadable",
            counts.n_kept, counts.n_dropped, counts.n_unreadable
        );
        Ok(())
    }
}
