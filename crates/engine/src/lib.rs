//! Requests to tokens: the synchronous core of generation, one sequence at a time.
//!
//! This crate must never know HTTP, JSON, async, gradients, or any particular device.
//!
//! Read [`engine`] first; its verbs are *plan, run, commit*. A [`Request`] is checked where it is
//! made, so that nothing below has to. The caller submits it and steps; each step gives one
//! [`Event`]. Several tokens may be guessed and checked by one forward pass, see [`Draft`]: they
//! come sooner, and are the tokens that would have come without. Text leaves only when it is certain: whole characters, and no beginning of a stop
//! string.

#![forbid(unsafe_code)]

mod drafter;
pub mod engine;
mod error;
mod event;
mod lookup;
mod model;
mod pace;
mod plan;
mod predictor;
mod request;
mod sampler;
mod text;

pub use drafter::{Clock, Draft};
pub use engine::Engine;
pub use error::Error;
pub use event::{Event, FinishReason, Finished, Generation, Usage};
pub use pace::{MOST_DRAFTS, Pace, Round, Source};
pub use plan::{Plan, Progress, plan};
pub use request::{Request, Sampling};
pub use sampler::{Candidate, Sampler, distribution};
pub use text::{Piece, TextStream};
