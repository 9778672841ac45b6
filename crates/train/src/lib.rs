//! Everything that writes weights: the tape, the optimiser, the data a run reads, checkpoints,
//! and the training run itself.
//!
//! This crate must never know the engine, HTTP, or how a corpus is made.
//!
//! Read [`run`] first; its verbs are *fetch, step, report*.

#![forbid(unsafe_code)]

mod batches;
mod checkpoint;
mod documents;
mod error;
mod evaluate;
mod gradients;
mod optimiser;
mod recipe;
pub mod run;
mod schedule;
mod shards;
mod step;
mod tape;

pub use batches::{Batches, TrainingBatch};
pub use checkpoint::{list_checkpoints, save_model};
pub use documents::{Document, documents};
pub use error::Error;
pub use evaluate::{Evaluation, evaluate};
pub use gradients::Gradients;
pub use optimiser::{Method, OptimiserConfig, TrainedWeights};
pub use recipe::{BatchConfig, DataConfig, OutputConfig, Recipe, RouterConfig};
pub use run::{Event, RouterHealth, StepReport, Summary, train};
pub use schedule::{Schedule, Shape};
pub use shards::{DocumentFilter, PackReport, Shards};
pub use step::{NotFinite, StepOutcome, Trainer};
pub use tape::Tape;
