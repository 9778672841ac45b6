//! `hadal corpus pack`: records to token shards.

use std::io::{BufWriter, stdin, stdout};
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use hadal_corpus::pack::{Encoder, LARGEST_SHARD};
use hadal_corpus::run::{PackOptions, pack};

use crate::dropped;
use crate::screen::count;

/// Write the tokens of records, shuffled, as shards that `hadal train` reads.
///
/// Records go on to standard output with the field `n_tokens`.
#[derive(Args)]
pub(crate) struct Pack {
    /// The folder of the tokenizer, of a model for example
    #[arg(long, value_name = "FOLDER")]
    tokenizer: PathBuf,
    /// The folder to write `train`, and `validation` where a share is kept apart
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// The share of the records that is kept apart to measure on, from 0 to below 1
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    validation: f64,
    /// What the order is drawn from: the same records and seed give the same shards
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Tokens after which a shard is closed
    #[arg(long, default_value_t = LARGEST_SHARD, value_name = "N")]
    shard_tokens: usize,
    /// Memory for shuffling, in MiB; what does not fit waits on disk
    #[arg(long, default_value_t = 2048, value_name = "MIB")]
    memory_mib: usize,
    /// Where dropped records go, with their reasons
    #[arg(long, value_name = "FILE")]
    dropped: Option<PathBuf>,
}

impl Pack {
    pub(crate) fn run(self) -> Result<()> {
        let Self { validation, shard_tokens, memory_mib, .. } = self;
        ensure!(
            (0.0..1.0).contains(&validation),
            "--validation {validation}: a share from 0 to below 1 was expected"
        );
        ensure!(
            (1..=LARGEST_SHARD).contains(&shard_tokens),
            "--shard-tokens {shard_tokens}: from 1 to {LARGEST_SHARD} was expected"
        );
        ensure!(memory_mib >= 64, "--memory-mib {memory_mib}: 64 is the least");
        let encoder = Encoder::open(&self.tokenizer)?;
        let options = PackOptions {
            seed: self.seed,
            validation,
            shard_tokens,
            memory_bytes: memory_mib << 20,
        };
        let kept = BufWriter::new(stdout().lock());
        let dropped = dropped::open(self.dropped.as_deref())?;
        let (counts, train, validation) =
            pack(&encoder, &options, &self.output, stdin().lock(), kept, dropped)?;
        let validation = validation.map_or(0, |report| report.n_tokens);
        eprintln!(
            "{} packed, {} dropped, {} unreadable; {} tokens to learn from, {} to measure on",
            counts.n_kept,
            counts.n_dropped,
            counts.n_unreadable,
            count(train.n_tokens as i64),
            count(validation as i64)
        );
        Ok(())
    }
}
