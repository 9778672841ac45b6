//! Text to ids and back, and chat templates. It must never know tensors, HTTP, or any other crate
//! of this workspace.
//!
//! A [`Tokenizer`] is opened from a Hugging Face folder or from bytes, or trained here by
//! [`train_byte_level_bpe`]. It is always byte-level BPE, the kind every DeepSeek model uses: a
//! token is a string of bytes, and decoding is joining them. [`StreamDecoder`] does that one id at
//! a time and never cuts a character. [`ChatTemplate`] renders a conversation to text as Hugging
//! Face's `apply_chat_template` does.
//!
//! ```
//! use hadal_tokenizer::{ChatOptions, Message, TrainSpec, train_byte_level_bpe};
//!
//! # fn main() -> Result<(), hadal_tokenizer::Error> {
//! let texts = ["the deep sea is deep", "深海很深"].map(String::from);
//! let tokenizer = train_byte_level_bpe(texts.into_iter(), &TrainSpec::new(300))?;
//!
//! let ids = tokenizer.encode("the deep 海", false)?;
//! assert_eq!(tokenizer.decode(&ids, false)?, "the deep 海");
//!
//! let prompt = tokenizer
//!     .apply_chat_template(&[Message::new("user", "How deep?")], &ChatOptions::for_answer())?;
//! assert_eq!(prompt, "<｜begin▁of▁sentence｜><｜User｜>How deep?<｜Assistant｜>");
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod config;
mod definition;
mod environment;
mod error;
mod message;
mod parts;
mod python_json;
mod python_text;
pub mod special;
mod splits;
mod stream;
mod strftime;
mod template;
mod tokenizer;
mod train;
mod vocabulary;

pub use error::Error;
pub use message::Message;
pub use parts::Parts;
pub use stream::StreamDecoder;
pub use template::{ChatOptions, ChatTemplate};
pub use tokenizer::Tokenizer;
pub use train::{TrainSpec, train_byte_level_bpe};
