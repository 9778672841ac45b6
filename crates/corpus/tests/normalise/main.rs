//! The normaliser against public suites and against itself.

mod data;
mod jionlp;
mod properties;
mod recognizers;
mod rewriting;
