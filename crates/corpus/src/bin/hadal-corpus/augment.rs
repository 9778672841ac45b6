//! `hadal corpus augment`: copies of records that say the same a little differently.

use std::io::{BufWriter, stdin, stdout};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Args;
use hadal_corpus::augment::{Augmenter, Lexicon, Operation};
use hadal_corpus::filter::Segmenter;
use hadal_corpus::lines;

use crate::dropped;

#[derive(Args)]
pub(crate) struct Augment {
    /// What is done, one a copy in turn: synonym, insert, swap, delete, punctuation, keyboard, typo,
    /// homophone; eda stands for the first four, aeda for punctuation, noise for the last three.
    #[arg(long, value_delimiter = ',', default_value = "eda", value_name = "OPERATION,...")]
    operations: Vec<String>,
    /// Share of the words that are changed, from 0 to 1. The authors of EDA found 0.05 best for up to
    /// 2,000 texts and 0.1 for more.
    #[arg(long, default_value_t = 0.1)]
    alpha: f64,
    /// Copies of each record: 16 for 500 texts, 8 for 2,000, 4 for more.
    #[arg(long, default_value_t = 4)]
    copies: usize,
    /// What chance is drawn from: the same records and seed give the same copies.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A folder with WordNet's data.* and *.exc, for English synonyms.
    #[arg(long, value_name = "FOLDER")]
    wordnet: Option<PathBuf>,
    /// A lexicon of the Open Multilingual Wordnet in its tab form, for Chinese synonyms.
    #[arg(long, value_name = "FILE")]
    synonyms: Option<PathBuf>,
    /// Where lines go that are no records.
    #[arg(long, value_name = "FILE")]
    dropped: Option<PathBuf>,
}

impl Augment {
    pub(crate) fn run(self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.alpha) {
            bail!("--alpha {}: a share from 0 to 1 was expected", self.alpha);
        }
        let operations = Operation::named(&self.operations)?;
        let segmenter = Arc::new(Segmenter::default());
        let (wordnet, tab) = (self.wordnet.as_deref(), self.synonyms.as_deref());
        let lexicon = Lexicon::open(wordnet, tab, &operations, &segmenter)?;
        let augmenter = Augmenter {
            operations,
            alpha: self.alpha,
            n_copies: self.copies,
            seed: self.seed,
            lexicon,
            segmenter,
        };
        let counts = lines::multiply(
            &|record| augmenter.augment(record),
            stdin().lock(),
            BufWriter::new(stdout().lock()),
            dropped::open(self.dropped.as_deref())?,
        )?;
        eprintln!("{} written, {} unreadable", counts.n_kept, counts.n_unreadable);
        Ok(())
    }
}
