//! What a person sees of a run: a bar and a live summary on a terminal; elsewhere, a line a stage.

use std::cmp::Reverse;

use hadal_corpus::run::{Event, Tally};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The screen of a run.
pub(crate) struct Screen {
    bar: ProgressBar,
    stage: &'static str,
    /// Of all units of this stage that are done.
    done: Tally,
    /// Of the unit that is not.
    current: Tally,
    n_bytes_done_before: u64,
}

impl Default for Screen {
    fn default() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Screen {
            bar,
            stage: "",
            done: Tally::default(),
            current: Tally::default(),
            n_bytes_done_before: 0,
        }
    }
}

impl Screen {
    pub(crate) fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { stage, n_bytes } => self.begin(stage, *n_bytes),
            Event::Advanced { n_bytes, was_done } => {
                self.bar.inc(*n_bytes);
                if *was_done {
                    self.n_bytes_done_before += n_bytes;
                }
                add(&mut self.done, &std::mem::take(&mut self.current));
                self.bar.set_message(in_words(&self.done));
            }
            Event::Counted(tally) => {
                self.current = (*tally).clone();
                let mut all = self.done.clone();
                add(&mut all, &self.current);
                self.bar.set_message(in_words(&all));
            }
        }
    }

    fn begin(&mut self, stage: &'static str, n_bytes: u64) {
        self.end_stage();
        let template = match n_bytes {
            0 => "{prefix} {spinner} {elapsed}",
            _ => "{prefix} {bar:30} {bytes}/{total_bytes}, {eta} left\n{msg}",
        };
        self.bar.reset();
        self.bar.set_style(ProgressStyle::with_template(template).expect("the template is sound"));
        self.bar.set_length(n_bytes);
        self.bar.set_prefix(stage);
        self.bar.enable_steady_tick(std::time::Duration::from_millis(200));
        self.stage = stage;
        self.done = Tally::default();
        self.n_bytes_done_before = 0;
    }

    /// Leaves a line of the stage behind.
    fn end_stage(&mut self) {
        if self.stage.is_empty() {
            return;
        }
        let mut line = format!("{}: {:.1?}", self.stage, self.bar.elapsed());
        if self.n_bytes_done_before > 0 {
            let share = self.n_bytes_done_before as f64 / self.bar.position() as f64;
            line += &format!(", {:.0}% was done before", 100.0 * share);
        }
        if self.done != Tally::default() {
            line += &format!(", {}", in_words(&self.done));
        }
        self.bar.suspend(|| eprintln!("{line}"));
        self.stage = "";
    }

    pub(crate) fn finish(&mut self) {
        self.end_stage();
        self.bar.finish_and_clear();
    }
}

fn add(tally: &mut Tally, more: &Tally) {
    tally.n_kept += more.n_kept;
    for (step, n) in &more.dropped {
        *tally.dropped.entry(step.clone()).or_default() += n;
    }
}

fn in_words(tally: &Tally) -> String {
    let mut dropped: Vec<_> = tally.dropped.iter().collect();
    dropped.sort_by_key(|(_, n)| Reverse(**n));
    let steps: Vec<String> =
        dropped.iter().map(|(step, n)| format!("{step} {}", count(**n as i64))).collect();
    let mut line = format!("{} kept", count(tally.n_kept as i64));
    line += &format!(", {} dropped", count(tally.n_dropped() as i64));
    if !steps.is_empty() {
        line += &format!(" ({})", steps.join(", "));
    }
    line
}

/// A number with its thousands apart.
pub(crate) fn count(n: i64) -> String {
    indicatif::HumanCount(n.unsigned_abs()).to_string()
}
