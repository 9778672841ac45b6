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
mod conversations;
mod data;
mod documents;
mod encode;
mod error;
mod evaluate;
mod fill_in_the_middle;
mod forecast;
mod gradients;
mod health;
mod initial_weights;
mod lasting;
mod manifest;
mod metrics;
mod moving_average;
mod objective;
mod optimiser;
mod pace;
mod pack;
mod packed;
mod peak;
mod recipe;
mod recompute;
pub mod run;
mod schedule;
mod shards;
mod start;
mod step;
mod synthetic;
mod tape;
pub mod tasks;
mod windows;

pub use average::average_checkpoints;
pub use batches::{Batches, SecondTargets, TrainingBatch};
pub use checkpoint::{list_checkpoints, save_model, verify_checkpoint};
pub use conversations::{Conversation, conversations};
pub use documents::{Document, documents};
pub use encode::{Encoded, encode_conversation};
pub use error::Error;
pub use evaluate::{Evaluation, evaluate, evaluate_conversations};
pub use forecast::{DataForecast, Forecast, MemoryForecast};
pub use gradients::Gradients;
pub use health::{RouterHealth, max_violation};
pub use initial_weights::weights_from;
pub use moving_average::MovingAverage;
pub use objective::ObjectiveConfig;
pub use optimiser::{Method, OptimiserConfig, TrainedWeights};
pub use pack::{DataFormat, DocumentFilter, PackReport, PackSpec, Packed, pack};
pub use peak::measured_peak;
pub use recipe::{BatchConfig, DataConfig, OutputConfig, Precision, Recipe, RouterConfig};
pub use run::{Control, Event, StepReport, Summary, train};
pub use schedule::{Schedule, Shape};
pub use shards::Shards;
pub use step::{NotFinite, StepOutcome, Trainer};
pub use synthetic::time_steps;
pub use tape::Tape;
pub use windows::{ConversationWindows, Windows};
