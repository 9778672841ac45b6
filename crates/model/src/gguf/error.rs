//! What can be wrong with a GGUF file.

/// Why a GGUF file could not be read, or a model not written as one.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The file begins with other bytes.
    #[error("it is not a GGUF file: it begins with {found:?}, not with \"GGUF\"")]
    Magic {
        /// The first four bytes, as text.
        found: String,
    },
    /// A version of the format that is not read.
    #[error("it is GGUF version {found}; versions 2 and 3 are read")]
    Version {
        /// The version.
        found: u32,
    },
    /// Numbers are stored with the highest byte first.
    #[error("it is a big-endian GGUF file; little-endian ones are read")]
    BigEndian,
    /// The file ends too early.
    #[error("it ends within {what}, {missing} bytes short")]
    Truncated {
        /// What was being read.
        what: String,
        /// How many bytes more there should be.
        missing: u64,
    },
    /// A count that the rest of the file cannot hold.
    #[error("it says that there are {count} {what}; the rest of the file holds at most {most}")]
    Count {
        /// Of what.
        what: String,
        /// How many it says.
        count: u64,
        /// How many there could be.
        most: u64,
    },
    /// A value of a type that the format does not have.
    #[error("{what} has type {found}; types of values are 0 to 12")]
    ValueType {
        /// Which value.
        what: String,
        /// Its type.
        found: u32,
    },
    /// A text that is not UTF-8.
    #[error("{what} is not UTF-8 text")]
    NotText {
        /// Which text.
        what: String,
    },
    /// Lists within lists, without end.
    #[error("{what} is a list in lists more than {most} deep")]
    Nested {
        /// Which value.
        what: String,
        /// How deep they may be.
        most: usize,
    },
    /// A key that is there twice.
    #[error("the key `{key}` is there twice")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// A tensor that is there twice.
    #[error("the tensor `{name}` is there twice")]
    DuplicateTensor {
        /// Its name.
        name: String,
    },
    /// A tensor of no dimension, too many, or one of size 0.
    #[error("tensor `{name}` is {found}; a tensor has 1 to 4 dimensions of at least 1")]
    Dims {
        /// Its name.
        name: String,
        /// What it says.
        found: String,
    },
    /// A tensor larger than can be addressed.
    #[error("tensor `{name}` of {dims:?} is larger than can be addressed")]
    Overflow {
        /// Its name.
        name: String,
        /// Its shape, innermost first.
        dims: Vec<u64>,
    },
    /// A tensor in a number format that is not read.
    #[error("tensor `{name}` is stored as {found}, which is not read; {known} are")]
    TensorType {
        /// Its name.
        name: String,
        /// The format.
        found: String,
        /// The formats that are read.
        known: String,
    },
    /// Rows that are not whole blocks.
    #[error("tensor `{name}` has rows of {cols}; {format} stores blocks of {block}")]
    Blocks {
        /// Its name.
        name: String,
        /// Length of a row.
        cols: u64,
        /// The format.
        format: &'static str,
        /// Length of a block.
        block: usize,
    },
    /// An alignment that is none.
    #[error("`general.alignment` is {found}; it should be a power of two")]
    Alignment {
        /// The alignment.
        found: u64,
    },
    /// A tensor that lies off the alignment.
    #[error("tensor `{name}` begins at {offset}, which is not a multiple of {alignment}")]
    Misaligned {
        /// Its name.
        name: String,
        /// Where it begins, from the first tensor on.
        offset: u64,
        /// The alignment.
        alignment: u64,
    },
    /// A tensor that reaches beyond the file.
    #[error("tensor `{name}` reaches {beyond} bytes beyond the end of the file")]
    Outside {
        /// Its name.
        name: String,
        /// By how much.
        beyond: u64,
    },
    /// Two tensors in one place.
    #[error("tensors `{first}` and `{second}` overlap")]
    Overlap {
        /// The one that begins first.
        first: String,
        /// The other.
        second: String,
    },
    /// A key that is not there.
    #[error("it has no key `{key}`; it should be {expected}")]
    MissingKey {
        /// The key.
        key: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A key with a value that cannot be.
    #[error("`{key}` is {found}; expected {expected}")]
    BadKey {
        /// The key.
        key: String,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// An architecture that is not known.
    #[error("its architecture is {found:?}; {known} are read")]
    Architecture {
        /// The architecture.
        found: String,
        /// Those that are known.
        known: String,
    },
    /// A tensor of the model that is not there.
    #[error("it has no tensor `{name}`")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// A tensor that no model of this family has; leaving it out could change what is computed.
    #[error("it has a tensor `{name}`, which this model does not know")]
    UnknownTensor {
        /// Its name.
        name: String,
    },
    /// A tensor that was asked to be other than it is.
    #[error("tensor `{name}` is {found:?}; expected {expected}")]
    Shape {
        /// Its name.
        name: String,
        /// Its shape, outermost first.
        found: Vec<usize>,
        /// What it should be.
        expected: String,
    },
    /// One file of several, whose name does not say where the others are.
    #[error("it is part {part} of {n_parts}; open the first, named …-00001-of-{n_parts:05}.gguf")]
    Part {
        /// Its number, from 1.
        part: u64,
        /// How many there are.
        n_parts: u64,
    },
    /// A model that GGUF has no way to say.
    #[error("GGUF cannot hold a model with {what}")]
    NotExpressible {
        /// What it cannot say.
        what: String,
    },
}
