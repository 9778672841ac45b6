//! `hadal corpus spoken`: written text to spoken, and back.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use hadal_corpus::spoken::{Chinese, Conventions, Direction, Lang, Options, Spoken};

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
    #[command(flatten)]
    chinese: ChineseArguments,
    /// Where dropped records go, with their reasons; without it they are only counted.
    #[arg(long)]
    dropped: Option<PathBuf>,
}

/// Choices that hold for Chinese alone.
#[derive(Args)]
struct ChineseArguments {
    /// To written: leave numbers that count nothing in words, 五十五.
    #[arg(long)]
    keep_standalone_numbers: bool,
    /// To written: leave numbers of one digit in words, 九天.
    #[arg(long)]
    keep_single_digits: bool,
    /// Make letters, digits and marks of full width half-width.
    #[arg(long)]
    half_width: bool,
    /// Leave out 呃 and 啊.
    #[arg(long)]
    without_interjections: bool,
    /// Leave out 儿 where it is no syllable of its own.
    #[arg(long)]
    without_erhua: bool,
    /// Leave out marks of punctuation.
    #[arg(long)]
    without_punctuation: bool,
    /// To spoken: mark letters that Chinese does not know, `<oov>の</oov>`.
    #[arg(long)]
    tag_unknown: bool,
}

impl ChineseArguments {
    fn choices(&self) -> Chinese {
        Chinese {
            standalone_numbers: !self.keep_standalone_numbers,
            single_digits: !self.keep_single_digits,
            half_width: self.half_width,
            without_interjections: self.without_interjections,
            without_erhua: self.without_erhua,
            without_punctuation: self.without_punctuation,
            tag_unknown: self.tag_unknown,
        }
    }
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
    let chinese = arguments.chinese.choices();
    let options = Options { conventions, keep_spacing, chinese, ..Options::new(lang, direction) };
    through::run(&Spoken { options }, arguments.dropped.as_deref())
}
