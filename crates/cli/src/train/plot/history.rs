//! What a run's metrics.jsonl tells.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// A run, in the order of its steps.
pub(crate) struct History {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
    /// Steps, and bits per byte of the validation documents.
    pub(crate) measured: Vec<(u32, f64)>,
    pub(crate) routers: Vec<Routers>,
}

#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Step {
    pub(crate) step: u32,
    pub(crate) loss: f64,
    pub(crate) gradient_norm: f64,
    pub(crate) learning_rate: f64,
    pub(crate) tokens_per_second: f64,
    pub(crate) router: Option<Health>,
}

#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Health {
    pub(crate) max_violation: f64,
}

/// Tokens that each expert was given up to a step since the one before, for each layer.
#[derive(Clone, Deserialize)]
pub(crate) struct Routers {
    pub(crate) step: u32,
    pub(crate) loads: Vec<Vec<u64>>,
}

/// The events that charts show.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    Begun {
        first_step: u32,
    },
    Step(Step),
    Evaluated {
        step: u32,
        bits_per_byte: f64,
    },
    Router(Routers),
    #[serde(other)]
    Other,
}

impl History {
    /// Reads the metrics of the run in `folder`, which is to be called `name`.
    pub(crate) fn read(folder: &Path, name: String) -> Result<History> {
        let path = folder.join("metrics.jsonl");
        let file = File::open(&path)
            .with_context(|| format!("{}: a run's folder has a metrics.jsonl", path.display()))?;
        let mut history =
            History { name, steps: Vec::new(), measured: Vec::new(), routers: Vec::new() };
        let mut lines = BufReader::new(file).lines().enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            let line = line.with_context(|| path.display().to_string())?;
            match serde_json::from_str(&line) {
                Ok(event) => history.note(event),
                // A run that is still going, or was killed, may be half-way through its last line.
                Err(_) if lines.peek().is_none() => break,
                Err(error) => bail!("{}, line {}: {error}", path.display(), index + 1),
            }
        }
        if history.steps.is_empty() {
            bail!("{} has no step to draw yet", path.display());
        }
        Ok(history)
    }

    fn note(&mut self, event: Event) {
        match event {
            // A resumed run takes steps again that it took after its last checkpoint.
            Event::Begun { first_step } => {
                self.steps.retain(|step| step.step < first_step);
                self.measured.retain(|(step, _)| *step < first_step);
                self.routers.retain(|routers| routers.step < first_step);
            }
            Event::Step(step) => self.steps.push(step),
            Event::Evaluated { step, bits_per_byte } => self.measured.push((step, bits_per_byte)),
            Event::Router(routers) => self.routers.push(routers),
            Event::Other => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str) -> Result<History> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("metrics.jsonl"), text).unwrap();
        History::read(folder.path(), "run".to_owned())
    }

    fn step(step: u32, loss: f64) -> String {
        format!(r#"{{"event":"step","step":{step},"loss":{loss},"gradient_norm":1.0,"#,)
            + r#""learning_rate":0.1,"tokens_per_second":9.0,"router":null,"new":3}"#
            + "\n"
    }

    #[test]
    fn steps_taken_again_replace_the_first_ones() {
        let text = [
            "{\"event\":\"begun\",\"first_step\":1}\n",
            &step(1, 5.0),
            &step(2, 4.0),
            "{\"event\":\"router\",\"step\":2,\"loads\":[[1,2]]}\n",
            "{\"event\":\"unheard_of\"}\n{\"event\":\"begun\",\"first_step\":2}\n",
            &step(2, 3.0),
            "{\"event\":\"evaluated\",\"step\":2,\"loss\":1.0,\"bits_per_byte\":2.0}\n",
            "{\"event\":\"st",
        ];
        let history = read(&text.concat()).unwrap();
        let losses: Vec<f64> = history.steps.iter().map(|step| step.loss).collect();
        assert_eq!(losses, [5.0, 3.0]);
        assert_eq!(history.measured, [(2, 2.0)]);
        assert!(history.routers.is_empty());
    }

    #[test]
    fn a_damaged_line_is_named_and_no_step_is_said() {
        let message = |text: &str| read(text).map(|_| ()).unwrap_err().to_string();
        assert!(message("{\"event\":\n{}\n").contains("line 1"));
        assert!(message("").contains("no step to draw"));
    }
}
