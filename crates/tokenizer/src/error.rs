//! What can be wrong with a tokenizer, its files, its templates, or what it is asked.

use std::path::PathBuf;

/// Why something was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A document is not JSON, or not of the form expected.
    #[error("{what} is not valid: {source}")]
    Json {
        /// Which document.
        what: &'static str,
        /// What the parser said, with line and column.
        source: serde_json::Error,
    },
    /// tokenizer.json is JSON but describes no tokenizer.
    #[error("tokenizer.json describes no usable tokenizer: {reason}")]
    Definition {
        /// What the library that reads it said.
        reason: String,
    },
    /// The tokens of tokenizer.json are not strings of bytes.
    #[error("tokenizer.json has the decoder {found}; expected ByteLevel")]
    NotByteLevel {
        /// The kind of decoder found.
        found: String,
    },
    /// The rules that cut a text before pairs are merged have no name.
    #[error("the tokenizer cuts texts by the rules {found}; those of {known} are known")]
    UnknownSplits {
        /// What the rules are called, or that they are the tokenizer's own.
        found: String,
        /// The names there are.
        known: String,
    },
    /// An id is so large that no table of tokens should be built for it.
    #[error("tokenizer.json numbers a token {largest}; expected ids below {limit}")]
    IdTooLarge {
        /// The largest id found.
        largest: u32,
        /// All ids must be below this.
        limit: u32,
    },
    /// A key of tokenizer_config.json has a value that cannot be.
    #[error("tokenizer_config.json says `{key}` is {found}; expected {expected}")]
    Config {
        /// The key.
        key: String,
        /// What is there.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A special token is named that the vocabulary does not have.
    #[error("{role} is {token:?}; the vocabulary has no such token")]
    UnknownSpecialToken {
        /// What it was wanted for.
        role: String,
        /// Its name.
        token: String,
    },
    /// An id was to be decoded that no token has.
    #[error("no token has the id {id}; the vocabulary ends at {vocab_size}")]
    UnknownId {
        /// The id.
        id: u32,
        /// One more than the largest id.
        vocab_size: usize,
    },
    /// A text could not be encoded.
    #[error("a text of {n_bytes} bytes could not be encoded: {reason}")]
    Encode {
        /// Its length.
        n_bytes: usize,
        /// What the library said.
        reason: String,
    },
    /// A vocabulary was asked for that cannot hold every byte and the special tokens.
    #[error("a vocabulary of {found} was asked for; expected at least {least}")]
    VocabTooSmall {
        /// The size asked for.
        found: usize,
        /// 256 bytes and the special tokens.
        least: usize,
    },
    /// The list of special tokens to train with cannot be used.
    #[error("the special tokens to train with: {token:?} is {found}; expected it once")]
    SpecialTokens {
        /// The token in question.
        token: String,
        /// What is wrong with it: missing, empty, or there twice.
        found: &'static str,
    },
    /// Training failed in the library.
    #[error("training a tokenizer failed: {reason}")]
    Train {
        /// What the library said.
        reason: String,
    },
    /// A conversation was to be rendered and there is no template.
    #[error("this tokenizer has no chat template{hint}")]
    NoChatTemplate {
        /// What there is instead, as the end of the sentence; or nothing.
        hint: String,
    },
    /// A chat template is not Jinja.
    #[error("the chat template, line {line}: {reason}")]
    TemplateSyntax {
        /// Line in the template, from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// A chat template failed on a conversation.
    #[error("rendering the chat template, line {line}: {reason}")]
    TemplateRender {
        /// Line in the template, from 1.
        line: usize,
        /// What could not be done.
        reason: String,
    },
    /// A chat template refused a conversation with `raise_exception`.
    #[error("the chat template refuses this conversation: {message}")]
    TemplateRefused {
        /// The template's own words.
        message: String,
    },
    /// A chat template ran longer, or wrote more, than it may.
    #[error("the chat template was stopped: {what} went over {limit}")]
    TemplateLimit {
        /// What was counted.
        what: &'static str,
        /// How many were allowed.
        limit: u64,
    },
}
