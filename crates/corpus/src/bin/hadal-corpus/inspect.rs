//! `hadal corpus inspect`: what was kept and what was dropped, side by side.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use hadal_corpus::run::{Samples, Wanted, inspect};
use hadal_corpus::{Dropped, Record, lines};

/// Show records that a run kept and records that it dropped, side by side.
#[derive(Args)]
pub(crate) struct Inspect {
    /// The folder that `run` wrote
    folder: PathBuf,
    /// How many of each
    #[arg(short, default_value_t = 5, value_name = "N")]
    n: usize,
    /// What chance is drawn from: another seed shows others
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Only records of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only what this step dropped
    #[arg(long, value_name = "NAME")]
    step: Option<String>,
    /// Only what was dropped for a reason that contains this
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Characters of each text that are shown
    #[arg(long, default_value_t = 600, value_name = "N")]
    characters: usize,
    /// Print the records whole, as JSON lines
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(crate) fn run(self) -> Result<()> {
        let wanted = Wanted {
            n: self.n,
            seed: self.seed,
            source: self.source.clone(),
            step: self.step.clone(),
            reason: self.reason.clone(),
        };
        let samples = inspect(&self.folder, &wanted)?;
        if self.json {
            return print_json(samples);
        }
        if samples.kept.is_empty() && samples.dropped.is_empty() {
            bail!("no record of {} is such", self.folder.display());
        }
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::DynamicFullWidth);
        table.set_header(["kept", "dropped"]);
        for row in 0..samples.kept.len().max(samples.dropped.len()) {
            let kept = samples.kept.get(row).map(|record| self.cell(record, None));
            let dropped =
                samples.dropped.get(row).map(|dropped| self.cell(&dropped.record, Some(dropped)));
            table.add_row([kept.unwrap_or_default(), dropped.unwrap_or_default()]);
        }
        println!("{table}");
        Ok(())
    }

    fn cell(&self, record: &Record, dropped: Option<&Dropped>) -> String {
        let mut cell = String::new();
        if let Some(Dropped { step, reason, .. }) = dropped {
            cell += &format!("[{step}: {reason}]\n");
        }
        cell += record.url.as_deref().unwrap_or(&record.id);
        cell.push('\n');
        let text = match (record.text.is_empty(), &record.html) {
            (true, Some(html)) => html,
            _ => &record.text,
        };
        let shown: String = text.chars().take(self.characters).collect();
        let is_cut = shown.len() < text.len();
        // What a page holds must not move the cursor of a terminal.
        cell.extend(shown.chars().filter(|c| *c == '\n' || !c.is_control()));
        cell + if is_cut { "…" } else { "" }
    }
}

fn print_json(samples: Samples) -> Result<()> {
    let mut output = std::io::stdout().lock();
    samples.kept.iter().try_for_each(|record| lines::write_kept(&mut output, record))?;
    for dropped in samples.dropped {
        lines::write_dropped(&mut output, Box::new(dropped))?;
    }
    Ok(())
}
