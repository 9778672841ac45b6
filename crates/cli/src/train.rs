//! `hadal train`: a run by its recipe, with a progress bar.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use hadal_model::Size;
use hadal_train::{Event, Recipe, StepReport, Summary};
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::DeviceArgs;

/// Train a model as a recipe describes.
#[derive(Args)]
pub(crate) struct TrainArgs {
    /// The recipe, a TOML file; paths in it are relative to its folder.
    recipe: PathBuf,
    /// Go on from the newest checkpoint in the recipe's output folder.
    #[arg(long)]
    resume: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: TrainArgs) -> anyhow::Result<()> {
    let recipe = Recipe::read(&args.recipe)?;
    let device = args.device.open()?;
    let size = Size::of(&recipe.model);
    eprintln!(
        "{} parameters, {} active for one token; {} tokens a step",
        size.total,
        size.active,
        recipe.batch.tokens()
    );
    let screen = Screen::new(recipe.schedule.steps);
    let summary = hadal_train::train(&recipe, &*device, args.resume, &mut |event| {
        screen.show(event);
    });
    screen.bar.finish_and_clear();
    let summary = summary.with_context(|| format!("training by {}", args.recipe.display()))?;
    print_summary(&summary, args.json)
}

fn print_summary(summary: &Summary, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(summary)?);
        return Ok(());
    }
    print!("{} steps, loss {:.4}", summary.steps, summary.loss);
    if let Some(bits) = summary.validation_bits_per_byte {
        print!(", {bits:.4} bits per byte of the validation documents");
    }
    println!("; the model is in {}", summary.checkpoint.display());
    Ok(())
}

/// A progress bar on a terminal; elsewhere, a line now and then.
struct Screen {
    bar: ProgressBar,
    is_terminal: bool,
    steps: u32,
}

impl Screen {
    fn new(steps: u32) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = if is_terminal { ProgressBar::new(steps.into()) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} ({eta} left)");
        bar.set_style(style.expect("the template is sound"));
        Screen { bar, is_terminal, steps }
    }

    fn say(&self, line: &str) {
        if self.is_terminal { self.bar.println(line) } else { eprintln!("{line}") }
    }

    fn show(&self, event: &Event) {
        match event {
            Event::Packed { train, validation } => {
                let validation = validation.as_ref().map_or(0, |report| report.n_tokens);
                self.say(&format!(
                    "{} documents, {} tokens to learn from, {validation} to measure on",
                    train.n_documents, train.n_tokens
                ));
            }
            Event::Repacked { folder, reason } => {
                self.say(&format!("packed {} again: {reason}", folder.display()));
            }
            Event::Windows(windows) => self.say(&format!(
                "{} windows of whole conversations; {} were longer than a window and lost their \
                 end, {} have no answer within one",
                windows.n_windows, windows.n_cut, windows.n_left_out
            )),
            Event::Begun { first_step, device, .. } => {
                self.bar.set_position(u64::from(*first_step) - 1);
                self.bar.reset_eta();
                self.say(&format!("from step {first_step} on {device}"));
            }
            Event::Step(step) => {
                self.bar.set_position(step.step.into());
                self.bar.set_message(step_line(step));
                // A log wants a hundred lines, not one for every step.
                if !self.is_terminal && step.step % (self.steps / 100).max(1) == 0 {
                    eprintln!("step {}/{}: {}", step.step, self.steps, step_line(step));
                }
            }
            Event::Evaluated { step, loss, bits_per_byte } => self.say(&format!(
                "step {step}: validation loss {loss:.4}, {bits_per_byte:.4} bits per byte"
            )),
            Event::Saved { folder, .. } => self.say(&format!("saved {}", folder.display())),
        }
    }
}

fn step_line(step: &StepReport) -> String {
    let mut line = format!(
        "loss {:.4}, gradient {:.2}, rate {:.1e}, {:.0} tokens/s",
        step.loss, step.gradient_norm, step.learning_rate, step.tokens_per_second
    );
    if let Some(router) = &step.router {
        line += &format!(", max violation {:.2}", router.max_violation);
        if router.n_dropped > 0 {
            line += &format!(", {} dropped", router.n_dropped);
        }
    }
    line
}
