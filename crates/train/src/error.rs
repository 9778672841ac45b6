//! What can go wrong in training.

use std::path::{Path, PathBuf};

/// Why a run could not begin or go on.
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
    /// A recipe is not TOML, or has a key or a type that it should not have.
    #[error("{}: {reason}", path.display())]
    Recipe {
        /// Which recipe.
        path: PathBuf,
        /// What is wrong, with its line.
        reason: String,
    },
    /// A recipe's value cannot be.
    #[error("the recipe says `{key}` is {found}; expected {expected}")]
    RecipeValue {
        /// The key, with its table.
        key: &'static str,
        /// What is there.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A document cannot be read.
    #[error("{}, record {record}: {reason}", path.display())]
    Document {
        /// Which file.
        path: PathBuf,
        /// Which record, from 1.
        record: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The documents are too few for what is asked of them.
    #[error("the {set} documents hold {found} tokens; at least {expected} are needed")]
    TooFewTokens {
        /// Training or validation.
        set: &'static str,
        /// Tokens there are.
        found: usize,
        /// Tokens needed.
        expected: usize,
    },
    /// A shard of tokens is damaged.
    #[error(
        "the shard {} is not to be relied on: {reason}; without the folder around it, the next \
         run packs the documents again",
        path.display()
    )]
    Shard {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The tokenizer has more tokens than the model.
    #[error("the tokenizer has {tokens} tokens, the model's vocab_size is {vocab_size}")]
    Vocabulary {
        /// Of the tokenizer.
        tokens: usize,
        /// Of the model.
        vocab_size: usize,
    },
    /// The loss or its gradient is not a finite number.
    #[error("the {what} at step {step} is {found}; the weights were not touched. {advice}")]
    NotFinite {
        /// Loss or gradient norm.
        what: &'static str,
        /// The step, from 1.
        step: u32,
        /// What it was.
        found: f64,
        /// Where to go on from, and what would help.
        advice: String,
    },
    /// The output folder already holds a run.
    #[error("{} already holds a run; go on with it by --resume, or choose another folder", folder.display())]
    RunExists {
        /// The folder.
        folder: PathBuf,
    },
    /// There is nothing to resume.
    #[error("{} holds no checkpoint to resume from", folder.display())]
    NothingToResume {
        /// The folder.
        folder: PathBuf,
    },
    /// A file is not what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// All checkpoints are damaged.
    #[error("{} holds no whole checkpoint to resume from: {newest}", folder.display())]
    NoneWhole {
        /// The run's folder.
        folder: PathBuf,
        /// What is wrong with the newest.
        newest: String,
    },
    /// The recipe is no longer the one that the run began with.
    #[error(
        "{} was made by a recipe whose `{key}` was {was}, and now it is {is}; set it back, or \
         begin anew in another output.folder",
        folder.display()
    )]
    RecipeChanged {
        /// The checkpoint's folder.
        folder: PathBuf,
        /// The key, with its table.
        key: String,
        /// What the recipe said.
        was: String,
        /// What it says today.
        is: String,
    },
    /// Another process trains in the folder.
    #[error("{} is in use by another training run; wait for its end, or choose another folder", folder.display())]
    RunIsBusy {
        /// The run's folder.
        folder: PathBuf,
    },
    /// The run was asked to end early.
    #[error("stopped after step {step} of {steps}, as asked. {advice}")]
    Stopped {
        /// Steps done.
        step: u32,
        /// Steps of the whole run.
        steps: u32,
        /// Where to go on from.
        advice: String,
    },
    /// A thread panicked: a fault of the program.
    #[error("a fault of the program ended the run {place}: {message}. {advice}")]
    Panicked {
        /// Which part of the run.
        place: String,
        /// What the panic said.
        message: String,
        /// Where to go on from.
        advice: String,
    },
    /// Checkpoints that do not belong together were to be averaged.
    #[error("{} cannot be averaged with {}: {reason}", folder.display(), first.display())]
    Average {
        /// The checkpoint that differs.
        folder: PathBuf,
        /// The first checkpoint.
        first: PathBuf,
        /// Where they differ.
        reason: String,
    },
    /// A checkpoint does not belong to the recipe.
    #[error("{} cannot be resumed: {reason}", folder.display())]
    Checkpoint {
        /// The checkpoint's folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// The tokenizer cannot write a text with a gap.
    #[error(
        "`data.fill_in_the_middle` needs the special tokens {}, which the tokenizer does not have; \
         `hadal tokenizer train` reserves them, and an `added_tokens` entry of tokenizer.json with \
         `\"special\": true` adds one to another tokenizer",
        missing.join(", ")
    )]
    NoGapTokens {
        /// The tokens that are missing.
        missing: Vec<String>,
    },
    /// A chat template begins an answer otherwise than it asks for one.
    #[error(
        "the chat template asks for message {message} in words that it does not write when the \
         message is there, so what the assistant says cannot be told apart; use a template that \
         asks as it writes"
    )]
    TemplatePrompt {
        /// The assistant's message, from 1.
        message: usize,
    },
    /// A chat template writes messages otherwise when more come after them.
    #[error(
        "the chat template writes the messages up to {message} otherwise when more come after \
         them, so what the assistant says cannot be told apart; use a template that writes them \
         the same, or end the conversation there"
    )]
    TemplatePrefix {
        /// The assistant's message, from 1.
        message: usize,
    },
    /// A run cannot begin with another model's weights.
    #[error("{} cannot be gone on from: {reason}", folder.display())]
    InitialWeights {
        /// The model's folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// The model.
    #[error(transparent)]
    Model(#[from] hadal_model::Error),
    /// The tokenizer.
    #[error(transparent)]
    Tokenizer(#[from] hadal_tokenizer::Error),
}

/// Adds the path to what the system said.
pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    |source| Error::File { path, source }
}
