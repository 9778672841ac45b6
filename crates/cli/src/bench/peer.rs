//! Another program that does the same work, and says how fast it was.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::machine;

/// What a peer's run came to.
pub(crate) struct PeerRun {
    pub(crate) tokens_per_second: f64,
    /// The most bytes that one of its processes held, where the system tells.
    pub(crate) peak_memory_bytes: Option<usize>,
}

/// Memory is looked at this often. The system keeps the peak itself, so only what a process
/// reaches between its last look and its end is missed.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a line of the system's shell that prints `tokens_per_second N`.
pub(crate) fn run(line: &str) -> Result<PeerRun> {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.args([flag, line]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting {shell}"))?;
    let mut stdout = child.stdout.take().expect("it was asked for");
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let peak_memory_bytes = watch(&mut child)?;
    let status = child.wait()?;
    let text = reader.join().map_err(|_| anyhow!("reading the peer's output failed"))??;
    if !status.success() {
        bail!("the peer `{line}` ended with {status}");
    }
    Ok(PeerRun { tokens_per_second: figure(&text, line)?, peak_memory_bytes })
}

/// Waits for the end, and keeps the greatest peak of it and what it started.
fn watch(child: &mut Child) -> Result<Option<usize>> {
    let mut most = None;
    while child.try_wait()?.is_none() {
        most = most.max(peak_of_tree(&child.id().to_string()));
        thread::sleep(LOOK);
    }
    Ok(most)
}

fn peak_of_tree(process: &str) -> Option<usize> {
    let own = machine::peak_memory(process);
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let children = children.unwrap_or_default();
    children.split_whitespace().map(peak_of_tree).fold(own, Option::max)
}

/// The last `tokens_per_second N` of what a peer printed.
fn figure(text: &str, line: &str) -> Result<f64> {
    let of = |line: &'_ str| line.trim().strip_prefix("tokens_per_second ")?.trim().parse().ok();
    let figure = text.lines().rev().find_map(of);
    figure.filter(|n: &f64| n.is_finite() && *n > 0.0).with_context(|| {
        let printed: String = text.trim().chars().take(80).collect();
        format!("the peer `{line}` printed {printed:?}; expected a line `tokens_per_second N`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_figure_counts_and_none_is_an_error() {
        let text = "loading\ntokens_per_second 12\ntokens_per_second 345.5\n";
        assert_eq!(figure(text, "peer").unwrap(), 345.5);
        for text in ["", "tokens_per_second", "tokens_per_second fast", "tokens_per_second 0"] {
            let error = figure(text, "peer").unwrap_err().to_string();
            assert!(error.contains("expected a line `tokens_per_second N`"), "{error}");
        }
    }
}
