//! `hadal train plot`: what came of runs, as charts.

mod canvas;
mod curves;
mod history;
mod routers;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use crate::failure::usage;
use crate::output::print_json;
use history::History;

/// Draw the curves and router maps of runs, as SVG and PNG.
///
/// curves.svg and curves.png show loss, bits per byte, learning rate, gradient norm, speed and
/// router balance; several runs share them. routers.svg and routers.png show, for each layer of a
/// run, how the load of each expert went over time.
#[derive(Args)]
pub(crate) struct PlotArgs {
    /// Folders of runs, each with its metrics.jsonl.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Where the charts go; into the run's folder where not given.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Print the paths of the charts as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    charts: Vec<PathBuf>,
}

pub(crate) fn run(args: PlotArgs) -> Result<()> {
    let folder = match (&args.output, &args.runs[..]) {
        (Some(folder), _) => folder,
        (None, [run]) => run,
        (None, runs) => {
            let n = runs.len();
            return Err(usage(format!("{n} runs share their charts; say by -o where these go")));
        }
    };
    let runs = args.runs.iter().zip(names(&args.runs));
    let runs: Vec<History> =
        runs.map(|(run, name)| History::read(run, name)).collect::<Result<_>>()?;
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let mut charts = save(folder, "curves", &curves::chart(&runs))?;
    for (index, run) in runs.iter().enumerate().filter(|(_, run)| !run.routers.is_empty()) {
        let name = match runs.len() {
            1 => "routers".to_owned(),
            _ => format!("routers-{}-{}", index + 1, run.name.replace('/', "-")),
        };
        charts.extend(save(folder, &name, &routers::chart(run))?);
    }
    if args.json {
        return print_json(&Report { charts });
    }
    for chart in charts {
        println!("{}", chart.display());
    }
    Ok(())
}

/// What runs are called: the ends of their folders' paths, as long as it takes to tell them apart.
fn names(runs: &[PathBuf]) -> Vec<String> {
    let parts = |run: &PathBuf| -> Vec<String> {
        let whole = run.canonicalize().unwrap_or_else(|_| run.clone());
        whole.iter().map(|part| part.to_string_lossy().into_owned()).collect()
    };
    let all: Vec<Vec<String>> = runs.iter().map(parts).collect();
    let ends = |n: usize| -> Vec<String> {
        all.iter().map(|parts| parts[parts.len().saturating_sub(n)..].join("/")).collect()
    };
    let longest = all.iter().map(Vec::len).max().unwrap_or(1);
    let are_distinct =
        |names: &Vec<String>| names.iter().enumerate().all(|(i, name)| !names[..i].contains(name));
    (1..longest).map(ends).find(are_distinct).unwrap_or_else(|| ends(longest))
}

/// Draws a chart twice, and says where.
fn save(folder: &Path, name: &str, chart: &dyn canvas::Chart) -> Result<Vec<PathBuf>> {
    let (svg, png) = (canvas::svg(chart)?, canvas::png(chart)?);
    let mut paths = Vec::new();
    for (extension, bytes) in [("svg", svg.into_bytes()), ("png", png)] {
        let path = folder.join(name).with_extension(extension);
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        paths.push(path);
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_long_as_it_takes() {
        let check = |runs: &[&str], expected: &[&str]| {
            assert_eq!(names(&runs.iter().map(PathBuf::from).collect::<Vec<_>>()), expected);
        };
        check(&["runs/sea"], &["sea"]);
        check(&["runs/sea", "runs/shore"], &["sea", "shore"]);
        check(&["runs/sea/training", "runs/shore/training"], &["sea/training", "shore/training"]);
        check(&["runs/sea", "runs/sea"], &["runs/sea", "runs/sea"]);
    }
}
