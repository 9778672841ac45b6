//! The program as a person runs it: what each command does, and how it fails.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

mod commands;
mod export;
mod failures;
mod full_disk;
mod gguf;
mod harness;
mod killed;
mod packed;
mod tasks;
mod training;
