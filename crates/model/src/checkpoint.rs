//! Checkpoints in Hugging Face's form: `config.json` beside safetensors, whole or in shards. A
//! GGUF file becomes the same (see [`crate::gguf`]).
//!
//! A packed checkpoint is the same folder, with a `quantization_config` of
//! `{"quant_method": "hadal", "format": "q8_0"}` in `config.json`. Safetensors has no type for a
//! packed matrix, so that `[O, I]` is stored as bytes, `u8 [O, I / 32 · 34]`: row after row as
//! [`DType::Q8_0`] lays it out, which is how it is read where it lies.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use hadal_tensor::{DType, HostBuffer, Memory, Q8_BLOCK, STRIP_ROWS, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::config::Config;
use crate::error::{Error, at};
use crate::gguf;
use crate::mapped::MappedFile;
use crate::parameter::{Parameter, parameters};
use crate::safetensors_writer::as_in_header;
use crate::weights::ResidentWeights;

/// A model as it lies on disk or in the binary: its configuration, and its tensors by name.
pub struct Checkpoint {
    /// The facts.
    pub config: Config,
    tensors: HashMap<String, Tensor>,
}

/// Bytes that are part of the program.
pub struct StaticMemory(pub &'static [u8]);

impl Memory for StaticMemory {
    fn bytes(&self) -> Option<&[u8]> {
        Some(self.0)
    }

    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        None
    }
}

impl Checkpoint {
    /// Opens a folder with `config.json` and either `model.safetensors` or the shards that
    /// `model.safetensors.index.json` lists; or a GGUF file. Weights are mapped, not read.
    ///
    /// # Errors
    /// When a file is missing, damaged, or disagrees with the configuration.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        if folder.is_file() {
            return Checkpoint::of_gguf(&folder.display().to_string(), gguf::open(folder)?);
        }
        let config = Config::read(folder)?;
        let tensors = read_weights(folder, config.packed)?;
        Checkpoint::check(config, tensors)
    }

    /// Opens a model that is part of the program.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn from_memory(config: &str, safetensors: Arc<dyn Memory>) -> Result<Self, Error> {
        let config = Config::from_json(config)?;
        let tensors = parse("the built-in model", safetensors, config.packed)?;
        Checkpoint::check(config, tensors)
    }

    /// Opens a GGUF file that is in memory; `file` names it in messages.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    ///
    /// # Panics
    /// When the host cannot read the memory.
    pub fn from_gguf(file: &str, memory: Arc<dyn Memory>) -> Result<Self, Error> {
        Checkpoint::of_gguf(file, gguf::parse(file, memory)?)
    }

    fn of_gguf(
        file: &str,
        (config, tensors): (Config, HashMap<String, Tensor>),
    ) -> Result<Self, Error> {
        let checkpoint = Checkpoint::check(config, tensors)?;
        gguf::check_all_asked_for(file, &checkpoint)?;
        Ok(checkpoint)
    }

    fn check(mut config: Config, tensors: HashMap<String, Tensor>) -> Result<Self, Error> {
        // Whoever does not train may leave out the layer that predicts the token after next, as
        // transformers does when it saves.
        let prefix = config.predict_layer_prefix();
        if !tensors.keys().any(|name| name.starts_with(&prefix)) {
            config.n_predict_layers = 0;
        }
        // Stops at the first that is not there, so that no more is made than the tensors ask for.
        ResidentWeights::assemble(&config, &mut |name, dims| match tensors.get(name) {
            None => Err(Error::MissingTensor { name: name.to_owned(), dims: dims.to_vec() }),
            Some(tensor) if tensor.dims() != dims => Err(Error::TensorShape {
                name: name.to_owned(),
                found: tensor.dims().to_vec(),
                expected: dims.to_vec(),
            }),
            Some(tensor) => Ok(tensor.clone()),
        })?;
        Ok(Checkpoint { config, tensors })
    }

    /// Of tensors that are what the configuration asks for.
    pub(crate) fn of_checked(config: Config, tensors: HashMap<String, Tensor>) -> Self {
        Checkpoint { config, tensors }
    }

    /// A tensor by its published name; the configuration's are all there.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// All tensors by name, those that the configuration does not ask for included.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The weights, for the forward pass. They fail once a file that they are mapped from is written
    /// to.
    pub fn weights(&self) -> ResidentWeights {
        ResidentWeights::assemble(&self.config, &mut |name, _| Ok(self.tensors[name].clone()))
            .expect("the names were checked on opening")
            .lying_in(self.mapped_files())
    }

    /// The mapped files that tensors lie in, each once.
    fn mapped_files(&self) -> Vec<Arc<dyn Memory>> {
        let mut files: Vec<Arc<dyn Memory>> = Vec::new();
        let memories = self.tensors.values().map(Tensor::memory);
        for memory in memories.filter(|memory| MappedFile::behind(&***memory).is_some()) {
            if !files.iter().any(|known| Arc::ptr_eq(known, memory)) {
                files.push(Arc::clone(memory));
            }
        }
        files
    }

    /// Refuses weights that are not finite numbers. Reads every byte, so it is not part of
    /// opening.
    ///
    /// # Errors
    /// Names the first tensor with such a value.
    pub fn check_finite(&self) -> Result<(), Error> {
        for Parameter { name, .. } in parameters(&self.config) {
            let tensor = &self.tensors[&name];
            let mut row = vec![0.0; tensor.cols()];
            for index in 0..tensor.rows() {
                tensor.read_row(index, &mut row);
                if !row.iter().all(|x| x.is_finite()) {
                    return Err(Error::NotFinite { name });
                }
            }
        }
        Ok(())
    }
}

/// Maps the weights of a Hugging Face folder and gives them by name: `model.safetensors`, or the
/// shards that `model.safetensors.index.json` lists.
///
/// # Errors
/// When a file is missing or damaged.
pub fn read_weights(
    folder: &Path,
    packed: Option<DType>,
) -> Result<HashMap<String, Tensor>, Error> {
    let index = folder.join("model.safetensors.index.json");
    if !index.is_file() {
        return read(&folder.join("model.safetensors"), packed);
    }
    let mut tensors = HashMap::new();
    for file in shard_names(&index)? {
        tensors.extend(read(&folder.join(file), packed)?);
    }
    Ok(tensors)
}

/// The files that an index names, each once.
fn shard_names(index: &Path) -> Result<Vec<String>, Error> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let text = fs::read_to_string(index).map_err(at(index))?;
    let what = index.display().to_string();
    let index: Index =
        serde_json::from_str(&text).map_err(|source| Error::Json { what: what.clone(), source })?;
    let mut names: Vec<String> = index.weight_map.into_values().collect();
    names.sort();
    names.dedup();
    match names.iter().find(|name| name.contains(['/', '\\']) || name.as_str() == "..") {
        None => Ok(names),
        Some(name) => Err(Error::Safetensors {
            file: what,
            reason: format!("it names the shard {name:?}, which is not a file beside it"),
        }),
    }
}

/// Maps a safetensors file and gives its tensors by name.
///
/// # Errors
/// When the file cannot be read, is damaged, or holds a number format that is not known.
pub fn read_safetensors(path: &Path) -> Result<HashMap<String, Tensor>, Error> {
    read(path, None)
}

fn read(path: &Path, packed: Option<DType>) -> Result<HashMap<String, Tensor>, Error> {
    parse(&path.display().to_string(), Arc::new(MappedFile::open(path)?), packed)
}

/// Gives the tensors of a safetensors file that is in memory; `file` names it in messages.
///
/// # Errors
/// As [`read_safetensors`].
///
/// # Panics
/// When the host cannot read the memory.
pub fn parse_safetensors(
    file: &str,
    memory: Arc<dyn Memory>,
) -> Result<HashMap<String, Tensor>, Error> {
    parse(file, memory, None)
}

/// As [`parse_safetensors`], where bytes are matrices of the format `packed`.
fn parse(
    file: &str,
    memory: Arc<dyn Memory>,
    packed: Option<DType>,
) -> Result<HashMap<String, Tensor>, Error> {
    let damaged = |reason: String| Error::Safetensors { file: file.to_owned(), reason };
    let bytes = memory.bytes().expect("safetensors lie in memory that the host can read");
    let (header_len, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|error| damaged(error.to_string()))?;
    let data_start = header_len + 8;
    let data_len = bytes.len() - data_start;
    if metadata.data_len() != data_len {
        let expected = metadata.data_len();
        return Err(damaged(format!("it holds {data_len} bytes of tensors, not {expected}")));
    }
    let names: Vec<String> = metadata.offset_keys();
    let mut tensors = HashMap::with_capacity(names.len());
    for name in names {
        let info = metadata.info(&name).expect("the name was listed");
        let (dtype, dims) = match (info.dtype, packed) {
            (Dtype::F32, _) => (DType::F32, info.shape.clone()),
            (Dtype::F16, _) => (DType::F16, info.shape.clone()),
            (Dtype::BF16, _) => (DType::Bf16, info.shape.clone()),
            (Dtype::I32, _) => (DType::I32, info.shape.clone()),
            (Dtype::U8, Some(packed)) => (packed, packed_dims(&name, &info.shape, packed)?),
            (other, _) => {
                return Err(Error::TensorFormat {
                    name,
                    found: format!("{other:?}").to_lowercase(),
                });
            }
        };
        let start = data_start + info.data_offsets.0;
        let stored = &bytes[start..data_start + info.data_offsets.1];
        // Packed bytes are read one by one and can lie anywhere.
        let alignment = if Some(dtype) == packed { 1 } else { dtype.row_bytes(1) };
        let tensor = if stored.as_ptr().addr().is_multiple_of(alignment) {
            Tensor::from_memory(Arc::clone(&memory), start, dtype, &dims)
        } else {
            // Some writers do not pad the header; such numbers are copied to where they can be read.
            let aligned = Arc::new(HostBuffer::from_bytes(stored));
            Tensor::from_memory(aligned, 0, dtype, &dims)
        };
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

/// The shape of a packed matrix that is stored as bytes of shape `stored`.
fn packed_dims(name: &str, stored: &[usize], packed: DType) -> Result<Vec<usize>, Error> {
    let (block, strip) = match packed {
        DType::Packed(packing) => (packing.group(), STRIP_ROWS),
        _ => (Q8_BLOCK, 1),
    };
    let block_bytes = packed.row_bytes(block);
    match stored {
        [rows, bytes] if bytes.is_multiple_of(block_bytes) && rows.is_multiple_of(strip) => {
            Ok(vec![*rows, bytes / block_bytes * block])
        }
        _ => Err(Error::PackedShape {
            name: name.to_owned(),
            format: packed.name(),
            found: stored.to_vec(),
            block_bytes,
        }),
    }
}

/// Writes tensors to a safetensors file: aside first, flushed to disk, then renamed into place, so
/// that a full disk or a crash leaves what was there before. A packed matrix is written as bytes,
/// which only a [`Checkpoint`] whose configuration names the format reads back.
///
/// # Errors
/// When the file cannot be written.
///
/// # Panics
/// When a tensor lies where the host cannot read.
pub fn write_safetensors(path: &Path, tensors: &[(String, Tensor)]) -> Result<(), Error> {
    write_aside(path, &safetensors_bytes(tensors))
}

/// The bytes of a safetensors file of these tensors.
///
/// # Panics
/// When a tensor lies where the host cannot read.
pub fn safetensors_bytes(tensors: &[(String, Tensor)]) -> Vec<u8> {
    let stored: Vec<(String, Vec<u8>, Dtype, Vec<usize>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            let (dtype, dims) = as_in_header(tensor.dtype(), tensor.dims());
            let bytes = if tensor.is_contiguous() {
                tensor.stored_bytes().to_vec()
            } else {
                (0..tensor.rows()).flat_map(|row| tensor.packed_row(row)).copied().collect()
            };
            (name.clone(), bytes, dtype, dims)
        })
        .collect();
    let views = stored.iter().map(|(name, bytes, dtype, dims)| {
        let view = TensorView::new(*dtype, dims.clone(), bytes);
        (name.as_str(), view.expect("a tensor's bytes are its shape's"))
    });
    // Transformers refuses files that do not say which framework's layout they have.
    let note = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(note)).expect("tensors that exist can be laid end to end")
}

/// Writes a file beside its place, flushes it to disk, and renames it into place.
///
/// # Errors
/// When the file cannot be written; what was there before is then still there.
pub fn write_aside(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_aside_with(path, |file| file.write_all(bytes))
}

/// As [`write_aside`], where `write` writes the file.
pub(crate) fn write_aside_with(
    path: &Path,
    write: impl FnOnce(&mut fs::File) -> io::Result<()>,
) -> Result<(), Error> {
    let aside = path.with_extension("partial");
    let write = || {
        let mut file = fs::File::create(&aside)?;
        write(&mut file)?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    write().map_err(|source| {
        // What cannot be finished is of no use; failing to remove it is not a second error.
        let _ = fs::remove_file(&aside);
        Error::File { path: path.to_path_buf(), source }
    })
}
