//! Runs of a recipe: what they make, that they make it again to the byte, and what they survive.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

mod again;
mod crash;
mod duplicates;
mod hostile;
mod made;
mod sea;
