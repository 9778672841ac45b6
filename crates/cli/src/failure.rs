//! How a command fails: one sentence and an exit code.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// The command was asked for what cannot be.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// An error about what the command was asked for: `sentence` says what was wrong and what would
/// be right.
pub(crate) fn usage(sentence: impl Into<String>) -> anyhow::Error {
    Usage(sentence.into()).into()
}

/// Says why a command failed and chooses the exit code: 2 for what cannot be asked, 1 for the
/// rest. A reader that went away, as `head` does, is no failure.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if error.chain().any(is_broken_pipe) {
        return ExitCode::SUCCESS;
    }
    eprintln!("hadal: error: {}", sentence(error));
    ExitCode::from(if error.chain().any(is_usage) { 2 } else { 1 })
}

fn is_broken_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn is_usage(cause: &(dyn std::error::Error + 'static)) -> bool {
    let is_bad_value = |error| matches!(error, &hadal_engine::Error::Value { .. });
    cause.is::<Usage>() || cause.downcast_ref().is_some_and(is_bad_value)
}

/// The causes, outermost first, on one line. Some repeat their own cause at their end; it is said
/// once.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if sentence.is_empty() {
            sentence = cause;
        } else if !sentence.ends_with(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    sentence.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_chain_of_causes_is_one_line_that_repeats_nothing() {
        let error = anyhow::anyhow!("no such\nfile");
        let error = Err::<(), _>(error).context("a: no such\nfile").context("opening").unwrap_err();
        assert_eq!(sentence(&error), "opening: a: no such file");
    }
}
