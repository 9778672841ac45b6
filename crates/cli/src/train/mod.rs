//! `hadal train`: a run by its recipe, what it will ask for, and charts of what came of it.

mod average;
mod dry_run;
mod plot;
mod screen;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use hadal_model::Size;
use hadal_train::{Control, Recipe, Summary};
use serde::Serialize;

use crate::arguments::DeviceArgs;
use crate::failure::usage;
use crate::interruption::{PanicPlace, stop_on_signal};
use crate::machine;
use crate::output::{bytes, count};
use screen::Screen;

/// Train a model as a recipe describes, or draw what came of runs.
///
/// The run's folder, which the recipe names, then explains itself: README.md says what run it is
/// and how to go on, recipe.toml is the recipe, metrics.jsonl has a line for every step, and each
/// checkpoint is a folder that the other commands read. While it trains it shows tokens per
/// second, the share of the device's measured peak, loss, gradient norm, learning rate, and the
/// routers' health: the greatest load over the mean, the entropy of the loads (1 is uniform), and
/// assignments dropped.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct TrainArgs {
    #[command(subcommand)]
    command: Option<TrainCommand>,
    /// The recipe, a TOML file; paths in it are relative to its folder.
    #[arg(required = true)]
    recipe: Option<PathBuf>,
    /// Go on from the newest checkpoint in the recipe's output folder.
    #[arg(long, conflicts_with = "dry_run")]
    resume: bool,
    /// Write nothing: say what the run will ask for in memory, time and disk, and whether it fits.
    #[arg(long)]
    dry_run: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(Subcommand)]
enum TrainCommand {
    Average(average::AverageArgs),
    Plot(plot::PlotArgs),
}

pub(crate) fn run(args: TrainArgs) -> anyhow::Result<()> {
    match args.command {
        Some(TrainCommand::Average(args)) => return average::run(&args),
        Some(TrainCommand::Plot(args)) => return plot::run(args),
        None => {}
    }
    let path = args.recipe.ok_or_else(|| usage("train needs a recipe, a TOML file"))?;
    let recipe = Recipe::read(&path)?;
    let device = args.device.open_for(recipe.precision)?;
    if args.dry_run {
        return dry_run::run(&recipe, &*device, args.json);
    }
    let size = Size::of(&recipe.model);
    eprintln!(
        "{} parameters, {} active for one token; {} tokens a step",
        count(size.total),
        count(size.active),
        recipe.batch.tokens()
    );
    let screen = Screen::new(recipe.schedule.steps);
    let stop = stop_on_signal();
    let control = Control { resume: args.resume, stop: &stop };
    let panic_place = PanicPlace::note();
    let summary = hadal_train::train(&recipe, &*device, control, &mut |event| {
        screen.show(event);
    });
    screen.finish();
    let summary = panic_place.explain(summary);
    let summary = summary.with_context(|| format!("training by {}", path.display()))?;
    let peak_memory_bytes = machine::peak_memory("self");
    print_report(&Report { summary, peak_memory_bytes }, args.json)
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    summary: Summary,
    /// Where the system tells.
    peak_memory_bytes: Option<usize>,
}

fn print_report(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    let summary = &report.summary;
    print!("{} steps, loss {:.4}", summary.steps, summary.loss);
    if let Some(bits) = summary.validation_bits_per_byte {
        print!(", {bits:.4} bits per byte of the validation documents");
    }
    if let Some(peak) = report.peak_memory_bytes {
        print!(", at most {} of memory", bytes(peak));
    }
    println!("; the model is in {}", summary.checkpoint.display());
    Ok(())
}
