//! `hadal train`: trains a model as a recipe file says.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use hadal_train::{Recipe, train};

use crate::arguments::DeviceArgs;

/// Train a model as a recipe file says.
#[derive(Args)]
pub(crate) struct TrainArgs {
    /// The recipe, a TOML file.
    recipe: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
    /// Go on from the newest checkpoint in the output folder.
    #[arg(long)]
    resume: bool,
}

pub(crate) fn run(args: TrainArgs) -> Result<()> {
    let recipe = Recipe::read(&args.recipe)?;
    let device = args.device.open()?;
    let summary = train(&recipe, &*device, args.resume, &mut |event| eprintln!("{event:?}"))?;
    eprintln!("{summary:?}");
    Ok(())
}
