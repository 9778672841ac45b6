//! GGUF, the format of llama.cpp: one file with the configuration, the tokenizer and the weights.
//!
//! Reading: `header` understands the front of a file and checks it against the file's size,
//! `architecture` turns its metadata into the `config.json` that says the same, and `tensors`
//! gives its tensors their published names, where they lie. Writing goes the same way back:
//! `export` says what a model's file holds and `writer` lays it out.

mod architecture;
mod deepseek;
mod dense;
mod error;
mod export;
mod header;
mod metadata;
mod names;
mod reader;
mod rows;
mod tensors;
mod types;
mod value;
mod vocabulary;
mod writer;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hadal_tensor::{Memory, Tensor};

pub use error::GgufError;
pub use export::write_gguf;
pub use vocabulary::{TokenKind, Vocabulary};

use crate::checkpoint::Checkpoint;
use crate::config::Config;
use crate::error::Error;
use crate::mapped::MappedFile;
use crate::parameter::parameters;
use architecture::{Architecture, Keys};
use header::Header;
use metadata::Metadata;
use tensors::Gathered;

/// Maps a file, or all files of a model whose first is this one, and gives the configuration and
/// the tensors by their published names.
pub(crate) fn open(path: &Path) -> Result<(Config, HashMap<String, Tensor>), Error> {
    let first: Arc<dyn Memory> = Arc::new(MappedFile::open(path)?);
    let n_parts = with_header(path, &*first, |header| n_parts(&header.metadata))?;
    let mut files = vec![(path.to_path_buf(), first)];
    if n_parts > 1 {
        for part in 2..=n_parts {
            let path = sibling(path, part, n_parts)?;
            let memory = Arc::new(MappedFile::open(&path)?);
            files.push((path, memory));
        }
    }
    assemble(&files)
}

/// As [`open`], of one file that is in memory; `file` names it in messages.
pub(crate) fn parse(
    file: &str,
    memory: Arc<dyn Memory>,
) -> Result<(Config, HashMap<String, Tensor>), Error> {
    assemble(&[(PathBuf::from(file), memory)])
}

/// The tokenizer that a file carries.
///
/// # Errors
/// When the file cannot be read, is damaged, or has none of the kind that is read.
pub fn read_vocabulary(path: &Path) -> Result<Vocabulary, Error> {
    with_header(path, &MappedFile::open(path)?, |header| Vocabulary::read(&header.metadata))
}

/// The tokenizer of a file that is in memory; `file` names it in messages.
///
/// # Errors
/// As [`read_vocabulary`].
///
/// # Panics
/// When the host cannot read the memory.
pub fn parse_vocabulary(file: &str, memory: &dyn Memory) -> Result<Vocabulary, Error> {
    with_header(Path::new(file), memory, |header| Vocabulary::read(&header.metadata))
}

/// Refuses a model with tensors that its configuration does not ask for: what they do would be left
/// out, silently.
pub(crate) fn check_all_asked_for(file: &str, checkpoint: &Checkpoint) -> Result<(), Error> {
    let asked: HashSet<String> =
        parameters(&checkpoint.config).into_iter().map(|parameter| parameter.name).collect();
    match checkpoint.tensors().find(|(name, _)| !asked.contains(*name)) {
        None => Ok(()),
        Some((name, _)) => {
            Err(in_file(Path::new(file))(GgufError::UnknownTensor { name: name.to_owned() }))
        }
    }
}

fn assemble(
    files: &[(PathBuf, Arc<dyn Memory>)],
) -> Result<(Config, HashMap<String, Tensor>), Error> {
    let mut gathered = Gathered::new();
    for (path, memory) in files {
        with_header(path, &**memory, |header| {
            let bytes = bytes(&**memory);
            header.tensors.iter().try_for_each(|info| gathered.add(info, memory, bytes))
        })?;
    }
    // Only the first file of several says more than which part it is.
    let (path, memory) = &files[0];
    let (architecture, json) = with_header(path, &**memory, |header| {
        let architecture = Architecture::of(&header.metadata)?;
        let keys = Keys {
            metadata: &header.metadata,
            architecture: architecture.name,
            is_tied: gathered.is_tied(),
            vocab_size: gathered.vocab_size()?,
            n_tensors: gathered.n_tensors(),
            rope_divisors: gathered.rope_divisors(),
        };
        Ok((architecture, (architecture.config)(&keys)?))
    })?;
    let config = Config::from_value(json)?;
    let tensors = gathered.finish(&config, architecture).map_err(in_file(path))?;
    Ok((config, tensors))
}

fn bytes(memory: &dyn Memory) -> &[u8] {
    memory.bytes().expect("a GGUF file lies in memory that the host can read")
}

/// Reads the front of a file and what `read` wants of it; errors name the file.
fn with_header<'a, T>(
    path: &Path,
    memory: &'a dyn Memory,
    read: impl FnOnce(&Header<'a>) -> Result<T, GgufError>,
) -> Result<T, Error> {
    let header = Header::parse(bytes(memory));
    header.and_then(|header| read(&header)).map_err(in_file(path))
}

fn in_file(path: &Path) -> impl FnOnce(GgufError) -> Error {
    let file = path.display().to_string();
    |source| Error::Gguf { file, source }
}

/// How many files a model lies in; fails for any but the first of several.
fn n_parts(metadata: &Metadata<'_>) -> Result<u64, GgufError> {
    let n_parts = metadata.count("split.count")?.unwrap_or(1);
    let part = metadata.count("split.no")?.unwrap_or(0);
    if part > 0 {
        return Err(GgufError::Part { part: part + 1, n_parts });
    }
    Ok(n_parts)
}

/// The name of another part of a model, beside its first.
fn sibling(first: &Path, part: u64, n_parts: u64) -> Result<PathBuf, Error> {
    let name = first.file_name().unwrap_or_default().to_string_lossy();
    match name.strip_suffix(&format!("-00001-of-{n_parts:05}.gguf")) {
        Some(stem) => Ok(first.with_file_name(format!("{stem}-{part:05}-of-{n_parts:05}.gguf"))),
        None => Err(in_file(first)(GgufError::Part { part: 1, n_parts })),
    }
}
