//! The model that ships inside the program.

use std::sync::Arc;

use anyhow::Result;
use hadal_model::{Checkpoint, StaticMemory};
use hadal_tokenizer::Tokenizer;

/// Its name.
pub(crate) const NAME: &str = "hadal-nano";

/// Bytes on the boundary that the widest vector loads want.
#[repr(C, align(64))]
struct Aligned<T: ?Sized>(T);

static WEIGHTS: &Aligned<[u8]> =
    &Aligned(*include_bytes!("../../../models/hadal-nano/model.safetensors"));
const CONFIG: &str = include_str!("../../../models/hadal-nano/config.json");
const TOKENIZER: &[u8] = include_bytes!("../../../models/hadal-nano/tokenizer.json");
const TOKENIZER_CONFIG: &[u8] = include_bytes!("../../../models/hadal-nano/tokenizer_config.json");

/// Its weights, read where they lie in the program.
pub(crate) fn checkpoint() -> Result<Checkpoint> {
    Ok(Checkpoint::from_memory(CONFIG, Arc::new(StaticMemory(&WEIGHTS.0)))?)
}

/// Its tokenizer.
pub(crate) fn tokenizer() -> Result<Tokenizer> {
    Ok(Tokenizer::from_bytes(TOKENIZER, Some(TOKENIZER_CONFIG))?)
}
