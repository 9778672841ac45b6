//! Steps as filters on JSON lines: records in, records out, in the order in which they came.

use std::io::{BufRead, Read as _, Write};

use rayon::prelude::*;

use crate::{Dropped, Error, Record, Step};

/// The most bytes of one line; a longer one is dropped and never held whole.
pub const LONGEST_LINE: usize = 64 << 20;

/// Lines taken at once, to be shared over the cores.
const BATCH_LINES: usize = 1024;

/// The most bytes of lines taken at once, beside the last one.
const BATCH_BYTES: usize = 16 << 20;

/// What became of the lines of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records given on.
    pub n_kept: u64,
    /// Records dropped by the step.
    pub n_dropped: u64,
    /// Lines that were no record.
    pub n_unreadable: u64,
}

/// Sends every record of `input` through `step`: what it gives on to `kept`, what it drops to
/// `dropped`, as records with the fields `dropped_by` and `reason` added. A line that is no record
/// is dropped too, by `read`, with no more than its beginning as its text.
///
/// # Errors
/// Where a stream cannot be read or written; never for what stands in a line.
pub fn run(
    step: &dyn Step,
    input: impl BufRead,
    kept: impl Write,
    dropped: impl Write,
) -> Result<Counts, Error> {
    pass(&|record| step.apply(record).map(|record| vec![record]), input, kept, dropped)
}

/// Sends every record of `input` through `multiply`, which makes several of it, and all they are to
/// `kept`, in their order. Lines that are no records go to `dropped`, as in [`run`].
///
/// # Errors
/// Where a stream cannot be read or written; never for what stands in a line.
pub fn multiply(
    multiply: &(dyn Fn(Record) -> Vec<Record> + Sync),
    input: impl BufRead,
    kept: impl Write,
    dropped: impl Write,
) -> Result<Counts, Error> {
    pass(&|record| Ok(multiply(record)), input, kept, dropped)
}

fn pass(
    outcome: &(dyn Fn(Record) -> Result<Vec<Record>, Box<Dropped>> + Sync),
    input: impl BufRead,
    mut kept: impl Write,
    dropped: impl Write,
) -> Result<Counts, Error> {
    let mut n_kept = 0;
    let counts = sort(outcome, input, dropped, |all| {
        let mut records = all.iter().flatten();
        n_kept += all.iter().map(Vec::len).sum::<usize>() as u64;
        records.try_for_each(|record| write_kept(&mut kept, record))
    })?;
    flush(&mut kept)?;
    Ok(Counts { n_kept, ..counts })
}

/// Gives `keep` what `outcome` makes of the records of `input`, a batch at a time, in order, and writes
/// what it drops; what is kept is counted by the record it was made of.
pub(crate) fn sort<T: Send>(
    outcome: &(dyn Fn(Record) -> Result<T, Box<Dropped>> + Sync),
    mut input: impl BufRead,
    mut dropped: impl Write,
    mut keep: impl FnMut(Vec<T>) -> Result<(), Error>,
) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    each_batch(&mut input, |records| {
        let outcomes: Vec<Result<T, Box<Dropped>>> =
            records.into_par_iter().map(|record| record.and_then(outcome)).collect();
        let mut kept = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            match outcome {
                Ok(made) => kept.push(made),
                Err(drop) => {
                    match drop.is_unreadable() {
                        true => counts.n_unreadable += 1,
                        false => counts.n_dropped += 1,
                    }
                    write_dropped(&mut dropped, drop)?;
                }
            }
        }
        counts.n_kept += kept.len() as u64;
        keep(kept)
    })?;
    flush(&mut dropped)?;
    Ok(counts)
}

/// Gives `each` the records of `input`, a batch of lines at a time, in order; a line that is no
/// record as dropped by `read`.
pub(crate) fn each_batch(
    input: &mut impl BufRead,
    mut each: impl FnMut(Vec<Result<Record, Box<Dropped>>>) -> Result<(), Error>,
) -> Result<(), Error> {
    loop {
        let batch = next_batch(input)
            .map_err(|source| Error::Stream { stream: "standard input", source })?;
        if batch.is_empty() {
            return Ok(());
        }
        each(batch.into_par_iter().map(parse).collect())?;
    }
}

/// Writes a record that is given on.
///
/// # Errors
/// Where the stream cannot be written.
pub fn write_kept(output: &mut impl Write, record: &Record) -> Result<(), Error> {
    write_line(output, record).map_err(written)
}

/// Writes a record that is not, with its reason.
///
/// # Errors
/// Where the stream cannot be written.
pub fn write_dropped(output: &mut impl Write, dropped: Box<Dropped>) -> Result<(), Error> {
    write_line(output, &with_reason(*dropped)).map_err(written)
}

/// Writes whatever waits in a buffer.
///
/// # Errors
/// Where the stream cannot be written.
pub fn flush(output: &mut impl Write) -> Result<(), Error> {
    output.flush().map_err(written)
}

pub(crate) fn written(source: std::io::Error) -> Error {
    Error::Stream { stream: "standard output", source }
}

/// The bytes of a line, or a line that was too long to be held.
type Line = Result<Vec<u8>, Box<Dropped>>;

fn next_batch(input: &mut impl BufRead) -> std::io::Result<Vec<Line>> {
    let mut batch = Vec::new();
    let mut n_bytes = 0;
    while batch.len() < BATCH_LINES && n_bytes < BATCH_BYTES {
        let mut line = Vec::new();
        input.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            break;
        }
        if line.len() > LONGEST_LINE && line.last() != Some(&b'\n') {
            input.skip_until(b'\n')?;
            batch.push(Err(Dropped::unreadable(String::new(), &line, "line longer than 64 MiB")));
            continue;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        n_bytes += line.len();
        batch.push(Ok(line));
    }
    Ok(batch)
}

fn parse(line: Line) -> Result<Record, Box<Dropped>> {
    let bytes = line?;
    serde_json::from_slice(&bytes)
        .map_err(|_| Dropped::unreadable(String::new(), &bytes, "line is not a JSON record"))
}

/// The dropped record as it is written: itself, and why it was dropped.
fn with_reason(dropped: Dropped) -> Record {
    let Dropped { mut record, step, reason } = dropped;
    record.other.insert("dropped_by".to_owned(), step.into());
    record.other.insert("reason".to_owned(), reason.into());
    record
}

fn write_line(output: &mut impl Write, record: &Record) -> std::io::Result<()> {
    serde_json::to_writer(&mut *output, record)?;
    output.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::BEGINNING;

    /// Gives on records with a text.
    struct HasText;

    impl Step for HasText {
        fn name(&self) -> &str {
            "has_text"
        }

        fn apply(&self, record: Record) -> Result<Record, Box<Dropped>> {
            if record.text.is_empty() {
                return Err(Dropped::by(self.name(), record, "no text"));
            }
            Ok(record)
        }
    }

    fn check(input: &str, kept: &str, dropped: &str, counts: [u64; 3]) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let [n_kept, n_dropped, n_unreadable] = counts;
        let counts = Counts { n_kept, n_dropped, n_unreadable };
        assert_eq!(run(&HasText, input.as_bytes(), &mut out, &mut err).unwrap(), counts);
        assert_eq!(String::from_utf8(out).unwrap(), kept);
        assert_eq!(String::from_utf8(err).unwrap(), dropped);
    }

    #[test]
    fn records_pass_in_order_with_fields_that_no_step_knows() {
        check(
            "{\"text\":\"a\",\"n\":1}\n\n{\"text\":\"\"}\n{\"text\":\"b\",\"lang\":\"en\"}",
            "{\"text\":\"a\",\"n\":1}\n{\"text\":\"b\",\"lang\":\"en\"}\n",
            "{\"text\":\"\",\"dropped_by\":\"has_text\",\"reason\":\"no text\"}\n",
            [2, 1, 0],
        );
    }

    #[test]
    fn a_line_that_is_no_record_is_dropped_and_the_rest_goes_on() {
        check(
            "{\"text\":\n{\"text\":\"b\"}\n",
            "{\"text\":\"b\"}\n",
            "{\"text\":\"{\\\"text\\\":\",\"dropped_by\":\"read\",\"reason\":\"line is not a JSON record\"}\n",
            [1, 0, 1],
        );
    }

    #[test]
    fn an_endless_line_is_dropped_with_its_beginning() {
        let long = "x".repeat(LONGEST_LINE + 10);
        let input = format!("{long}\n{{\"text\":\"b\"}}\n");
        let dropped = format!(
            "{{\"text\":\"{}\",\"dropped_by\":\"read\",\"reason\":\"line longer than 64 MiB\"}}\n",
            "x".repeat(BEGINNING)
        );
        check(&input, "{\"text\":\"b\"}\n", &dropped, [1, 0, 1]);
    }
}
