//! Why a request is refused or generation fails.

/// Why a request is refused or generation fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of a request has a value that cannot be.
    #[error("`{field}` is {found}; it should be {allowed}")]
    Value {
        /// The field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A prompt has a token that the model does not know.
    #[error("the prompt has token {id}; the model's vocabulary ends at {vocab_size}")]
    UnknownToken {
        /// The token.
        id: u32,
        /// Size of the vocabulary.
        vocab_size: usize,
    },
    /// A prompt is longer than the context.
    #[error("the prompt has {found} tokens; the context has room for {capacity}")]
    PromptTooLong {
        /// Tokens of the prompt.
        found: usize,
        /// Positions there are.
        capacity: usize,
    },
    /// A context was asked for that the model cannot have.
    #[error("a context of {found} tokens was asked for; this model takes from 1 to {most}")]
    Capacity {
        /// Positions asked for.
        found: usize,
        /// Positions the decoder was made for.
        most: usize,
    },
    /// A request came while another runs.
    #[error("a request was submitted while another runs; one runs at a time")]
    Busy,
    /// The model gave scores that are not numbers.
    #[error("the model gave the next token a score that is not a finite number")]
    NotFinite,
    /// The model failed.
    #[error(transparent)]
    Model(#[from] hadal_model::Error),
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] hadal_tokenizer::Error),
}
