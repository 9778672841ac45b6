//! What can be wrong with a model on disk.

use std::path::PathBuf;

use crate::gguf::GgufError;

/// Why a model could not be read or written.
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
    /// A file of weights was written to while it was in use.
    #[error("{} was changed while it was open; open the model again", path.display())]
    FileChanged {
        /// Which file.
        path: PathBuf,
    },
    /// A JSON file is not JSON, or not of the form expected.
    #[error("{what} is not valid: {source}")]
    Json {
        /// Which document.
        what: String,
        /// What the parser said, with line and column.
        source: serde_json::Error,
    },
    /// A key of `config.json` is missing.
    #[error("config.json has no `{key}`; it should be {expected}")]
    MissingKey {
        /// The key.
        key: String,
        /// What should be there.
        expected: String,
    },
    /// A key of `config.json` has a value that cannot be, or contradicts another.
    #[error("config.json says `{key}` is {found}; expected {expected}")]
    BadKey {
        /// The key.
        key: String,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// A key of `config.json` that means nothing to this model.
    #[error("config.json has `{key}`, which a {model_type} model does not know{hint}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The model's type.
        model_type: String,
        /// The key that was probably meant, as the end of the sentence; or nothing.
        hint: String,
    },
    /// A safetensors file is damaged.
    #[error("{file} is not a whole safetensors file: {reason}")]
    Safetensors {
        /// Which file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A GGUF file is damaged, holds what is not read, or cannot hold what is to be written.
    #[error("{file}: {source}")]
    Gguf {
        /// Which file.
        file: String,
        /// What is wrong.
        source: GgufError,
    },
    /// A tensor that the configuration asks for is not there.
    #[error("the checkpoint has no tensor `{name}`; the configuration asks for {dims:?}")]
    MissingTensor {
        /// Its name.
        name: String,
        /// Its shape.
        dims: Vec<usize>,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error("tensor `{name}` is {found:?}; the configuration asks for {expected:?}")]
    TensorShape {
        /// Its name.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape asked for.
        expected: Vec<usize>,
    },
    /// A tensor has a number format that is not read.
    #[error("tensor `{name}` is stored as {found}; f32, f16 and bf16 are read")]
    TensorFormat {
        /// Its name.
        name: String,
        /// Its format.
        found: String,
    },
    /// A packed tensor is not a matrix of whole blocks.
    #[error(
        "tensor `{name}` is {found:?} bytes; a {format} matrix has two dimensions, the second in \
         whole blocks of {block_bytes} bytes"
    )]
    PackedShape {
        /// Its name.
        name: String,
        /// The packed format.
        format: &'static str,
        /// Its shape as bytes.
        found: Vec<usize>,
        /// Bytes of one block.
        block_bytes: usize,
    },
    /// A tensor holds a number that is not finite.
    #[error("tensor `{name}` holds a value that is not a finite number")]
    NotFinite {
        /// Its name.
        name: String,
    },
    /// A batch asks for more positions than there is room for.
    #[error("{wanted} tokens do not fit; there is room for {capacity}")]
    ContextFull {
        /// Positions needed.
        wanted: usize,
        /// Positions there are.
        capacity: usize,
    },
    /// A token id is not in the vocabulary.
    #[error("token {id} is not in the vocabulary of {vocab_size}")]
    UnknownToken {
        /// The id.
        id: u32,
        /// Size of the vocabulary.
        vocab_size: usize,
    },
    /// The token after next is asked for, and the weights have no layer that predicts it.
    #[error("the model has no multi-token-prediction layer; num_nextn_predict_layers would be 1")]
    NoPredictLayer,
    /// There is nothing to run.
    #[error("a batch needs at least one token")]
    EmptyBatch,
}

pub(crate) fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    |source| Error::File { path, source }
}
