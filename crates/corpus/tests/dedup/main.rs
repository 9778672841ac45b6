//! De-duplication: what the index finds, what a crash leaves, what public sets say.

mod crash;
mod index;
mod public_sets;
