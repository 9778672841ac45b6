//! Records to tokens: keep apart what must not be learned, mix, shuffle, and write the shards that
//! `hadal train` maps.

mod decontaminate;
mod encode;
mod mixture;
mod shards;

pub use decontaminate::Decontaminate;
pub use encode::{Encoder, Tokens};
pub use mixture::{Available, Epochs, copies, epochs, is_held_out, place};
pub use shards::{LARGEST_SHARD, Report, ShardWriter};
