//! What a person sees of a run: a progress bar on a terminal; elsewhere, a line now and then.

use std::io::IsTerminal;

use hadal_train::{Event, StepReport};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{count, duration};

pub(crate) struct Screen {
    bar: ProgressBar,
    is_terminal: bool,
    steps: u32,
}

impl Screen {
    pub(crate) fn new(steps: u32) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = if is_terminal { ProgressBar::new(steps.into()) } else { ProgressBar::hidden() };
        // Two lines: one does not hold all of it on a narrow terminal.
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {prefix}\n{msg}");
        bar.set_style(style.expect("the template is sound"));
        Screen { bar, is_terminal, steps }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: &str) {
        if self.is_terminal { self.bar.println(line) } else { eprintln!("{line}") }
    }

    pub(crate) fn show(&self, event: &Event) {
        match event {
            Event::Packed { train, validation } => {
                let validation = validation.as_ref().map_or(0, |report| report.n_tokens);
                self.say(&format!(
                    "{} documents, {} tokens to learn from, {validation} to measure on",
                    train.n_documents, train.n_tokens
                ));
            }
            Event::Damaged { folder, reason } => self.say(&format!(
                "{reason}; the run goes on from the checkpoint before it, and this one is now {}",
                folder.display()
            )),
            Event::Repacked { folder, reason } => {
                self.say(&format!("packed {} again: {reason}", folder.display()));
            }
            Event::Windows(windows) => self.say(&format!(
                "{} windows of whole conversations; {} were longer than a window and lost their \
                 end, {} have no answer within one",
                windows.n_windows, windows.n_cut, windows.n_left_out
            )),
            Event::Begun { first_step, device, measured_peak, .. } => {
                self.bar.set_position(u64::from(*first_step) - 1);
                let peak = count(*measured_peak as usize);
                self.say(&format!(
                    "from step {first_step} on {device}, measured peak {peak}FLOP/s"
                ));
            }
            Event::Step(step) => {
                self.bar.set_position(step.step.into());
                self.bar.set_prefix(pace(step));
                self.bar.set_message(learning(step));
                // A log wants a hundred lines, not one for every step.
                if !self.is_terminal && step.step % (self.steps / 100).max(1) == 0 {
                    let (learning, pace) = (learning(step), pace(step));
                    eprintln!("step {}/{}: {learning}; {pace}", step.step, self.steps);
                }
            }
            Event::Evaluated { step, loss, bits_per_byte } => self.say(&format!(
                "step {step}: validation loss {loss:.4}, {bits_per_byte:.4} bits per byte"
            )),
            Event::Router { step, max_violation, .. } => self.say(&format!(
                "step {step}: max violation {max_violation:.2} over all steps since the last measurement"
            )),
            Event::Saved { folder, .. } => self.say(&format!("saved {}", folder.display())),
        }
    }
}

/// How fast it goes.
fn pace(step: &StepReport) -> String {
    format!(
        "{:.0} tokens/s, {:.0}% of the measured peak, {} left",
        step.smoothed_tokens_per_second,
        step.mfu * 100.0,
        duration(step.seconds_left)
    )
}

/// How well it learns.
fn learning(step: &StepReport) -> String {
    let mut line = format!(
        "loss {:.4}, gradient {:.2}, rate {:.1e}",
        step.loss, step.gradient_norm, step.learning_rate
    );
    if let Some(loss) = step.multi_token_loss {
        line += &format!(", token after next {loss:.4}");
    }
    if let Some(router) = &step.router {
        line += &format!(", max violation {:.2}", router.max_violation);
        line += &format!(", entropy {:.3}, {} dropped", router.entropy, router.n_dropped);
    }
    line
}
