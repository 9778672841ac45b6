//! Everything that writes weights: the tape, the optimiser, the data a run reads, checkpoints,
//! and the training run itself.
//!
//! This crate must never know the engine, HTTP, or how a corpus is made.
//!
//! Read [`run`] first; its verbs are *fetch, step, report*.

#![forbid(unsafe_code)]

mod batches;
mod checkpoint;
mod conversations;
mod data;
mod documents;
mod encode;
mod error;
mod evaluate;
mod fill_in_the_middle;
mod gradients;
mod initial_weights;
mod optimiser;
mod pack;
mod recipe;
pub mod run;
mod schedule;
mod shards;
mod step;
mod tape;
mod windows;

pub use batches::{Batches, TrainingBatch};
pub use checkpoint::{list_checkpoints, save_model};
pub use conversations::{Conversation, conversations};
pub use documents::{Document, documents};
pub use encode::{Encoded, encode_conversation};
pub use error::Error;
pub use evaluate::{Evaluation, evaluate, evaluate_conversations};
pub use gradients::Gradients;
pub use initial_weights::weights_from;
pub use optimiser::{OptimiserConfig, TrainedWeights};
pub use pack::{DataFormat, DocumentFilter, PackReport, PackSpec, Packed, pack};
pub use recipe::{BatchConfig, DataConfig, OutputConfig, Recipe, RouterConfig};
pub use run::{Event, RouterHealth, StepReport, Summary, train};
pub use schedule::Schedule;
pub use shards::Shards;
pub use step::{NotFinite, StepOutcome, Trainer};
pub use tape::Tape;
pub use windows::{ConversationWindows, Windows};
