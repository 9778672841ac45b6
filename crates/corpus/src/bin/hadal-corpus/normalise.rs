//! `hadal corpus normalise`: one form for times, quantities and places, and its undoing.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use hadal_corpus::Step;
use hadal_corpus::normalise::{Lang, Normalise, Undo, parse_reference};

use crate::through;

/// Rewrites expressions of time and quantity into one form; `spans` keeps what stood where.
///
/// A record may name its own language (`lang`) and reference (`reference`, a date and time), from
/// which `today` and `next year` are counted.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Put back what `normalise` had rewritten.
    #[arg(long)]
    undo: bool,
    /// Language of records that name none: en or zh.
    #[arg(long, default_value = "en")]
    lang: String,
    /// Reference of records that name none, such as 2016-11-07T16:12:00; without one, what counts
    /// from it stays as it was.
    #[arg(long)]
    reference: Option<String>,
    /// Make full-width letters and digits half-width as well.
    #[arg(long)]
    half_width: bool,
    /// Rewrite places to their codes, such as CN-440305 and US-CA; found they are in any case.
    #[arg(long)]
    places: bool,
    /// Where dropped records go, with their reasons; without it they are only counted.
    #[arg(long)]
    dropped: Option<PathBuf>,
}

/// Runs the command on standard input.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Some(lang) = Lang::from_code(&arguments.lang) else {
        bail!("--lang {}: there are rules for en and zh", arguments.lang);
    };
    let reference = match &arguments.reference {
        None => None,
        Some(text) => match parse_reference(text) {
            None => bail!("--reference {text}: not a date and time such as 2016-11-07T16:12:00"),
            told => told,
        },
    };
    let step: Box<dyn Step> = if arguments.undo {
        Box::new(Undo)
    } else {
        Box::new(Normalise {
            lang,
            reference,
            half_width: arguments.half_width,
            places: arguments.places,
        })
    };
    through::run(&*step, arguments.dropped.as_deref())
}
