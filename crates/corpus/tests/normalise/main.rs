//! The normaliser against public suites and against itself.

#![allow(clippy::unwrap_used)]

mod data;
mod jionlp;
mod places;
mod properties;
mod recognizers;
mod rewriting;
