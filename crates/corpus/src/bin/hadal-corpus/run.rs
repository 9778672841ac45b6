//! `hadal corpus run`: the corpus that a recipe describes.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use hadal_corpus::run::{Recipe, Summary, run};

use crate::screen::{Screen, count};

/// Make the corpus that a recipe describes, or go on where an earlier run has ended.
///
/// Writes tables of what is kept (`texts/`) and dropped (`dropped/`), token shards for `hadal train`
/// (`train/`, `validation/`) and a data card (`card.md`, `card.html`) into the folder that the recipe
/// names. A run that was ended, even by a crash, goes on; one that is whole does nothing.
#[derive(Args)]
pub(crate) struct Run {
    /// The recipe, a TOML file
    recipe: PathBuf,
    /// Print what the data card tells as JSON
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(crate) fn run(self) -> Result<()> {
        let recipe = Recipe::read(&self.recipe)?;
        let mut screen = Screen::default();
        let summary = run(&recipe, &mut |event| screen.show(&event))?;
        screen.finish();
        if self.json {
            println!("{}", serde_json::to_string(&summary)?);
        }
        eprintln!("{}", in_words(&summary));
        eprintln!("the data card is {}", recipe.output.join("card.md").display());
        Ok(())
    }
}

fn in_words(summary: &Summary) -> String {
    let mut line = format!("{} left", count(summary.n_left()));
    line += &format!(", {} dropped", count(summary.n_dropped()));
    let n_tokens = |report: &Option<hadal_corpus::pack::Report>| {
        report.as_ref().map(|report| report.n_tokens as i64)
    };
    if let Some(n) = n_tokens(&summary.train) {
        line += &format!(", {} tokens to learn from", count(n));
    }
    if let Some(n) = n_tokens(&summary.validation) {
        line += &format!(", {} to measure on", count(n));
    }
    line
}
