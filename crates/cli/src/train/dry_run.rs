//! `hadal train --dry-run`: what a run will ask for, and whether the machine has it.

use anyhow::Result;
use hadal_tensor::{DType, Differentiable};
use hadal_train::{Forecast, MemoryForecast, Recipe, measured_peak, time_steps};
use serde::Serialize;

use crate::failure::usage;
use crate::machine;
use crate::output::{bytes, count, duration, print_json, print_now};

/// The share of the measured peak that a training step is taken to reach where timing two would
/// take too long.
const EFFICIENCY: f64 = 0.3;

/// Two steps are timed where they are expected to take no longer than this each.
const PATIENCE_SECONDS: f64 = 20.0;

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    forecast: Forecast,
    device: String,
    /// Floating-point operations per second.
    measured_peak: f64,
    seconds_per_step: f64,
    /// Of all steps, without measuring and saving.
    seconds: f64,
    timed_by: TimedBy,
    available_memory_bytes: Option<usize>,
    free_disk_bytes: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum TimedBy {
    TwoSteps,
    MeasuredPeak,
}

pub(crate) fn run(recipe: &Recipe, device: &dyn Differentiable, json: bool) -> Result<()> {
    let forecast = Forecast::of(recipe)?;
    let available_memory_bytes = machine::available_memory();
    let free_disk_bytes = machine::free_disk(&recipe.output.folder);
    check(&forecast, available_memory_bytes, free_disk_bytes)?;
    let measured_peak = measured_peak(device, DType::F32);
    let expected = forecast.flops_per_step / measured_peak / EFFICIENCY;
    let (seconds_per_step, timed_by) = if expected > PATIENCE_SECONDS {
        (expected, TimedBy::MeasuredPeak)
    } else {
        // The first step allocates; the best of the two after it is the least disturbed.
        let seconds = time_steps(device, &recipe.model, recipe.batch, &recipe.optimiser, 3)?;
        (seconds[1].min(seconds[2]), TimedBy::TwoSteps)
    };
    let report = Report {
        forecast,
        device: device.name(),
        measured_peak,
        seconds_per_step,
        seconds: seconds_per_step * f64::from(recipe.schedule.steps),
        timed_by,
        available_memory_bytes,
        free_disk_bytes,
    };
    if json { print_json(&report) } else { Ok(print_now(&text(&report, recipe))?) }
}

/// Refuses what will not fit.
fn check(forecast: &Forecast, memory: Option<usize>, disk: Option<usize>) -> Result<()> {
    let needed = forecast.memory.total;
    if let Some(memory) = memory.filter(|memory| *memory < needed) {
        return Err(usage(format!(
            "this run needs about {} of memory and {} are available; a smaller model, \
             batch.sequences or batch.length would need less",
            bytes(needed),
            bytes(memory)
        )));
    }
    let needed = forecast.disk_bytes;
    match disk.filter(|disk| *disk < needed) {
        None => Ok(()),
        Some(disk) => Err(usage(format!(
            "this run writes up to {} at once and the disk has {} free; fewer checkpoints \
             (output.keep) would need less",
            bytes(needed),
            bytes(disk)
        ))),
    }
}

fn text(report: &Report, recipe: &Recipe) -> String {
    let forecast = &report.forecast;
    let steps = recipe.schedule.steps;
    let fits = |free: Option<usize>, what: &str| {
        free.map_or(String::new(), |free| format!(" ({} {what})", bytes(free)))
    };
    let about = if forecast.data.is_estimate { "about " } else { "" };
    let how = match report.timed_by {
        TimedBy::TwoSteps => "by two steps on made-up tokens".to_owned(),
        TimedBy::MeasuredPeak => {
            format!("at {:.0}% of the measured peak, if it reaches that", EFFICIENCY * 100.0)
        }
    };
    let flops = |flops: f64| format!("{}FLOP", count(flops as usize));
    let share = forecast.flops_per_step / report.seconds_per_step / report.measured_peak * 100.0;
    [
        ("parameters", {
            let [total, active] = [forecast.parameters, forecast.active_parameters].map(count);
            format!("{total}, {active} active for one token")
        }),
        ("memory", {
            let available = fits(report.available_memory_bytes, "available");
            format!("{}{available}", bytes(forecast.memory.total))
        }),
        ("", parts(&forecast.memory)),
        ("tokens", {
            let [step, all] = [forecast.tokens_per_step, forecast.tokens].map(count);
            format!("{step} a step, {all} in {steps} steps")
        }),
        ("data", {
            let (tokens, passes) = (count(forecast.data.tokens), forecast.passes);
            format!("{about}{tokens} tokens, seen {passes:.2} times")
        }),
        ("arithmetic", {
            let [step, all] = [forecast.flops_per_step, forecast.flops].map(flops);
            format!("{step} a step, {all} in all")
        }),
        ("device", format!("{}, measured peak {}/s", report.device, flops(report.measured_peak))),
        ("time", {
            let (step, all) = (report.seconds_per_step, duration(report.seconds));
            format!("{all}: {step:.3} s a step, {how}")
        }),
        ("speed", {
            let speed = forecast.tokens_per_step as f64 / report.seconds_per_step;
            format!("{speed:.0} tokens/s, {share:.0}% of the measured peak")
        }),
        ("disk", {
            let (checkpoint, all) = (bytes(forecast.checkpoint_bytes), bytes(forecast.disk_bytes));
            let free = fits(report.free_disk_bytes, "free");
            format!("{checkpoint} a checkpoint, {all} at once{free}")
        }),
    ]
    .map(|(what, value)| format!("{what:<12}{value}\n"))
    .concat()
}

fn parts(memory: &MemoryForecast) -> String {
    [
        ("weights", memory.weights),
        ("gradients", memory.gradients),
        ("moments", memory.moments),
        ("activations", memory.activations),
        ("workspace", memory.workspace),
        ("logits", memory.logits),
        ("evaluation", memory.evaluation),
        ("saving", memory.saving),
    ]
    .map(|(what, n)| format!("{what} {}", bytes(n)))
    .join(", ")
}
