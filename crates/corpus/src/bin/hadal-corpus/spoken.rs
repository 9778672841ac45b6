//! `hadal corpus spoken`: written text to spoken, and back.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use hadal_corpus::spoken::{Conventions, Direction, Lang, Options, Spoken};

use crate::through;

/// Rewrites texts as they are read aloud, or what was said as it is written.
///
/// A record may name its own language (`lang`).
#[derive(Args)]
pub(crate) struct Arguments {
    /// What the texts become.
    #[arg(long)]
    to: To,
    /// Language of records that name none: en or zh.
    #[arg(long, default_value = "en")]
    lang: String,
    /// Whose conventions hold where two are in use.
    #[arg(long, default_value = "nemo")]
    conventions: Style,
    /// Leave white space as it is around what is rewritten.
    #[arg(long)]
    keep_spacing: bool,
    /// Where dropped records go, with their reasons; without it they are only counted.
    #[arg(long)]
    dropped: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum To {
    /// `$20` to `twenty dollars`.
    Spoken,
    /// `twenty dollars` to `$20`.
    Written,
}

#[derive(Clone, Copy, ValueEnum)]
enum Style {
    /// Those of NeMo-text-processing.
    Nemo,
    /// Those of WeTextProcessing.
    Wetext,
}

/// Runs the command on standard input.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Some(lang) = Lang::from_code(&arguments.lang) else {
        bail!("--lang {}: there are rules for en and zh", arguments.lang);
    };
    let direction = match arguments.to {
        To::Spoken => Direction::ToSpoken,
        To::Written => Direction::ToWritten,
    };
    let conventions = match arguments.conventions {
        Style::Nemo => Conventions::Nemo,
        Style::Wetext => Conventions::WeText,
    };
    let keep_spacing = arguments.keep_spacing;
    let options = Options { conventions, keep_spacing, ..Options::new(lang, direction) };
    through::run(&Spoken { options }, arguments.dropped.as_deref())
}
