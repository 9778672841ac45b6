//! The special tokens of the DeepSeek family, by name.
//!
//! The bars are U+FF5C and the low lines U+2581, so that no one types them by accident.

/// Begins every sequence.
pub const BOS: &str = "<｜begin▁of▁sentence｜>";
/// Ends a document, and each answer of the assistant.
pub const EOS: &str = "<｜end▁of▁sentence｜>";
/// Fills a batch; never learned from.
pub const PAD: &str = "<｜▁pad▁｜>";
/// Comes before what the user said.
pub const USER: &str = "<｜User｜>";
/// Comes before what the assistant says.
pub const ASSISTANT: &str = "<｜Assistant｜>";
/// Comes before the prefix of a text with a gap.
pub const FIM_BEGIN: &str = "<｜fim▁begin｜>";
/// Stands where the gap is.
pub const FIM_HOLE: &str = "<｜fim▁hole｜>";
/// Comes after the suffix; what fills the gap follows.
pub const FIM_END: &str = "<｜fim▁end｜>";

/// All of them; a tokenizer trained with the default specification numbers them in this order
/// from 0.
pub const ALL: [&str; 8] = [BOS, EOS, PAD, USER, ASSISTANT, FIM_BEGIN, FIM_HOLE, FIM_END];
