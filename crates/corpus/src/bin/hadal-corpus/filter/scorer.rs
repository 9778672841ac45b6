//! A program as the scorer of borderline records.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use anyhow::{Context, Result};
use hadal_corpus::Record;
use hadal_corpus::filter::Scorer;

/// A running program that answers each record with a probability.
pub(crate) struct Program {
    pipes: Mutex<Pipes>,
    failure: Arc<Failure>,
}

struct Pipes {
    child: Child,
    records: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// The first thing that went wrong.
#[derive(Default)]
pub(crate) struct Failure(OnceLock<String>);

impl Failure {
    /// What went wrong, if anything did.
    pub(crate) fn take(&self) -> Option<String> {
        self.0.get().cloned()
    }
}

impl Program {
    /// Starts the program by the shell.
    pub(crate) fn start(command: &str) -> Result<Program> {
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting the scorer {command:?}"))?;
        let records = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("it was piped"));
        let pipes = Mutex::new(Pipes { child, records, answers });
        Ok(Program { pipes, failure: Arc::default() })
    }

    /// Where the first failure will stand.
    pub(crate) fn failure(&self) -> Arc<Failure> {
        Arc::clone(&self.failure)
    }

    fn ask(&self, record: &Record) -> Result<f32> {
        let mut pipes = self.pipes.lock().expect("no thread panics while it asks");
        let records = pipes.records.as_mut().expect("it is taken at the end alone");
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        records.write_all(&line).and_then(|()| records.flush()).context("writing to it")?;
        let mut answer = String::new();
        pipes.answers.read_line(&mut answer).context("reading from it")?;
        let answer = answer.trim();
        let p: f32 = answer.parse().with_context(|| format!("it answered {answer:?}"))?;
        anyhow::ensure!((0.0..=1.0).contains(&p), "it answered {p}");
        Ok(p)
    }
}

impl Scorer for Program {
    fn score(&self, record: &Record) -> Option<f32> {
        if self.failure.0.get().is_some() {
            return None;
        }
        match self.ask(record) {
            Ok(p) => Some(p),
            Err(error) => {
                self.failure.0.get_or_init(|| {
                    format!(
                        "the scorer failed, and the classifier decided alone from there: {error:#}; \
                         a probability from 0 to 1 a line was expected"
                    )
                });
                None
            }
        }
    }
}

impl Drop for Program {
    /// Lets the program see the end of its input, and waits for it.
    fn drop(&mut self) {
        if let Ok(pipes) = self.pipes.get_mut() {
            pipes.records.take();
            // How it ends is its own affair: every answer has been read.
            let _ = pipes.child.wait();
        }
    }
}
