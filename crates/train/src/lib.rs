//! Everything that writes weights: the tape, the optimiser, the data a run reads, checkpoints,
//! and the training run itself.
//!
//! This crate must never know the engine, HTTP, or how a corpus is made.
//!
//! Read [`run`] first; its verbs are *fetch, step, report*.

#![forbid(unsafe_code)]

mod average;
mod batches;
mod card;
mod checkpoint;
mod documents;
mod error;
mod evaluate;
mod forecast;
mod gradients;
mod health;
mod lasting;
mod manifest;
mod metrics;
mod objective;
mod optimiser;
mod pace;
mod peak;
mod recipe;
pub mod run;
mod schedule;
mod shards;
mod start;
mod step;
mod synthetic;
mod tape;
pub mod tasks;

pub use average::average_checkpoints;
pub use batches::{Batches, SecondTargets, TrainingBatch};
pub use checkpoint::{list_checkpoints, save_model, verify_checkpoint};
pub use documents::{Document, documents};
pub use error::Error;
pub use evaluate::{Evaluation, evaluate};
pub use forecast::{DataForecast, Forecast, MemoryForecast};
pub use gradients::Gradients;
pub use health::RouterHealth;
pub use objective::ObjectiveConfig;
pub use optimiser::{OptimiserConfig, TrainedWeights};
pub use peak::measured_peak;
pub use recipe::{BatchConfig, DataConfig, OutputConfig, Precision, Recipe, RouterConfig};
pub use run::{Control, Event, StepReport, Summary, train};
pub use schedule::Schedule;
pub use shards::{DocumentFilter, PackReport, Shards};
pub use step::{NotFinite, StepOutcome, Trainer};
pub use synthetic::time_steps;
pub use tape::Tape;
