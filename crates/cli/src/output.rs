//! How results are written.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::failure::usage;

/// Writes one JSON document, and nothing else, to standard output.
pub(crate) fn print_json(document: &impl Serialize) -> Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer_pretty(&mut stdout, document).map_err(io::Error::from)?;
    writeln!(stdout)?;
    Ok(())
}

/// Writes text to standard output at once. A terminal gets no control characters: a model's text
/// should not move the cursor or rename the window.
pub(crate) fn print_now(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if stdout.is_terminal() {
        let is_control = |c: char| c.is_control() && c != '\n' && c != '\t';
        let harmless = text.replace(is_control, "\u{fffd}");
        stdout.write_all(harmless.as_bytes())?;
    } else {
        stdout.write_all(text.as_bytes())?;
    }
    stdout.flush()
}

/// Fails where a folder to be made holds something already.
pub(crate) fn refuse_taken_folder(folder: &Path) -> Result<()> {
    let is_taken =
        folder.is_file() || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_taken {
        let folder = folder.display();
        return Err(usage(format!("{folder} is not empty; choose a folder that is, or is new")));
    }
    Ok(())
}

/// Says what model was written, how, and where to.
pub(crate) fn print_written(
    model: &str,
    n_parameters: usize,
    format: &str,
    n_bytes: u64,
    output: &Path,
) {
    println!(
        "{model}: {} parameters in {format}, {}; the model is in {}",
        count(n_parameters),
        bytes(n_bytes as usize),
        output.display()
    );
}

/// A count with a unit a person reads: `16.5 M`.
pub(crate) fn count(n: usize) -> String {
    let (scaled, unit) = scale(n);
    if unit.is_empty() { n.to_string() } else { format!("{scaled} {unit}") }
}

/// A number of bytes in powers of a thousand: `33.1 MB`.
pub(crate) fn bytes(n: usize) -> String {
    let (scaled, unit) = scale(n);
    format!("{scaled} {unit}B")
}

/// A time a person reads: `1 h 05 min`, `4 min 10 s`, `3.2 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Three digits, and the letter for how often a thousand was divided out.
fn scale(n: usize) -> (String, &'static str) {
    let mut x = n as f64;
    let mut units = ["", "k", "M", "G", "T", "P", "E"].into_iter();
    let mut unit = "";
    for next in units.by_ref() {
        unit = next;
        if x < 999.5 {
            break;
        }
        x /= 1000.0;
    }
    let n_decimals = if unit.is_empty() || x >= 99.95 {
        0
    } else if x >= 9.995 {
        1
    } else {
        2
    };
    (format!("{x:.n_decimals$}"), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_keep_three_digits() {
        for (n, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.00 k"),
            (16_512_345, "16.5 M"),
            (999_600, "1.00 M"),
            (671_000_000_000, "671 G"),
        ] {
            assert_eq!(count(n), expected);
        }
        assert_eq!(bytes(33_100_000), "33.1 MB");
        assert_eq!(bytes(12), "12 B");
    }

    #[test]
    fn times_have_the_units_a_person_would_say() {
        for (seconds, expected) in
            [(0.34, "0.3 s"), (59.2, "59 s"), (250.4, "4 min 10 s"), (3900.0, "1 h 05 min")]
        {
            assert_eq!(duration(seconds), expected);
        }
    }
}
