//! The normaliser against public suites and against itself.

mod data;
mod properties;
mod recognizers;
mod rewriting;
