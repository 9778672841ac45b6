//! What the engine tells its caller.

/// What one step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A part of the prompt was computed, and more of it is left.
    Prompt {
        /// Prompt tokens in the cache now.
        n_done: usize,
        /// Prompt tokens in all.
        n_total: usize,
    },
    /// A token was generated.
    Token {
        /// Its id.
        id: u32,
        /// The text that became certain with it; often empty.
        text: String,
    },
    /// The sequence ended; nothing follows.
    Finished(Finished),
}

impl Event {
    /// The text that became certain.
    pub fn text(&self) -> &str {
        match self {
            Event::Prompt { .. } => "",
            Event::Token { text, .. } => text,
            Event::Finished(finished) => &finished.text,
        }
    }
}

/// How a sequence ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Text that was held back and is certain now.
    pub text: String,
    /// Why it ended.
    pub reason: FinishReason,
    /// What it took.
    pub usage: Usage,
}

/// Why a sequence ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model ended the text.
    EndOfText,
    /// This stop string was generated; it is not part of the text.
    Stop(String),
    /// As many tokens as the request allows were generated.
    Length,
    /// The context has no room for another token.
    ContextFull,
    /// The caller cancelled.
    Cancelled,
}

impl FinishReason {
    /// A word for reports.
    pub fn name(&self) -> &'static str {
        match self {
            FinishReason::EndOfText => "end_of_text",
            FinishReason::Stop(_) => "stop",
            FinishReason::Length => "length",
            FinishReason::ContextFull => "context_full",
            FinishReason::Cancelled => "cancelled",
        }
    }
}

/// Tokens that a request took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub n_prompt: usize,
    /// Of these, tokens that were in the cache already.
    pub n_reused: usize,
    /// Tokens generated, the one that ends the text included.
    pub n_generated: usize,
    /// Tokens that were drafted, and computed beside the one before them.
    pub n_drafted: usize,
    /// Of these, tokens that were then generated.
    pub n_accepted: usize,
}

/// All that came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The generated tokens.
    pub ids: Vec<u32>,
    /// Their text, up to the stop string if there was one.
    pub text: String,
    /// Why it ended.
    pub reason: FinishReason,
    /// What it took.
    pub usage: Usage,
}
