//! De-duplication: what the index finds, what a crash leaves, what public sets say.

#![allow(clippy::unwrap_used)]

mod crash;
mod index;
mod public_sets;
