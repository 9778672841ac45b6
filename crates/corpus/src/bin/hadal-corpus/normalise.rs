//! `hadal corpus normalise`: one form for times, quantities and places, and its undoing.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use hadal_corpus::Step;
use hadal_corpus::filter::Steps;
use hadal_corpus::normalise::{
    Chinese, Lang, Normalise, Undo, UnicodeForm, Unify, parse_reference,
};

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
    /// Bring texts to a normal form of Unicode first; what stood there is not kept.
    #[arg(long, value_enum)]
    unicode: Option<Form>,
    /// Write Chinese in one way first; what stood there is not kept.
    #[arg(long, value_enum)]
    chinese: Option<Script>,
    /// Where dropped records go, with their reasons; without it they are only counted.
    #[arg(long)]
    dropped: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// Composed.
    Nfc,
    /// Composed, and what only looks different made the same.
    Nfkc,
}

#[derive(Clone, Copy, ValueEnum)]
enum Script {
    /// As on the mainland and in Singapore.
    Simplified,
    /// As in Taiwan and Hong Kong.
    Traditional,
}

impl Arguments {
    fn unify(&self) -> Unify {
        Unify {
            form: self.unicode.map(|form| match form {
                Form::Nfc => UnicodeForm::Nfc,
                Form::Nfkc => UnicodeForm::Nfkc,
            }),
            chinese: self.chinese.map(|script| match script {
                Script::Simplified => Chinese::Simplified,
                Script::Traditional => Chinese::Traditional,
            }),
        }
    }
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
        let &Arguments { half_width, places, .. } = arguments;
        let normalise = Normalise { lang, reference, half_width, places };
        Box::new(Steps(vec![Box::new(arguments.unify()), Box::new(normalise)]))
    };
    through::run(&*step, arguments.dropped.as_deref())
}
