//! Writes a safetensors file tensor by tensor, so that a model larger than memory can be written.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use hadal_tensor::{DType, Tensor};
use serde_json::{Map, Value, json};

use crate::error::{Error, at};

/// What a file will hold at one name.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTensor {
    /// Name.
    pub name: String,
    /// Format.
    pub dtype: DType,
    /// Shape.
    pub dims: Vec<usize>,
}

/// Alignment of the first tensor, and of every one whose predecessors are whole lines.
const LINE: usize = 64;

impl StoredTensor {
    fn n_bytes(&self) -> usize {
        let (cols, outer) = self.dims.split_last().map_or((1, &[][..]), |(c, outer)| (*c, outer));
        outer.iter().product::<usize>() * self.dtype.row_bytes(cols)
    }

    /// The number format and shape as the header has them: a packed matrix is bytes.
    fn header(&self) -> (&'static str, Vec<usize>) {
        let dtype = match self.dtype {
            DType::F32 => "F32",
            DType::F16 => "F16",
            DType::Bf16 => "BF16",
            DType::I32 => "I32",
            packed => {
                let rows = self.dims[..self.dims.len() - 1].iter().product();
                return ("U8", vec![rows, packed.row_bytes(self.dims[self.dims.len() - 1])]);
            }
        };
        (dtype, self.dims.clone())
    }
}

/// A file that is being written, aside from its place until [`SafetensorsWriter::finish`].
pub struct SafetensorsWriter {
    path: PathBuf,
    aside: PathBuf,
    file: BufWriter<File>,
    left: std::vec::IntoIter<StoredTensor>,
}

impl SafetensorsWriter {
    /// Begins a file that will hold `tensors`. Those of whole cache lines come first, so that each
    /// of them lies on a line; [`SafetensorsWriter::left`] tells which is wanted.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(path: &Path, mut tensors: Vec<StoredTensor>) -> Result<Self, Error> {
        tensors.sort_by_key(|tensor| !tensor.n_bytes().is_multiple_of(LINE));
        let mut header = Map::new();
        header.insert("__metadata__".to_owned(), json!({"format": "pt"}));
        let mut start = 0;
        for tensor in &tensors {
            let (dtype, shape) = tensor.header();
            let end = start + tensor.n_bytes();
            let entry = json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]});
            header.insert(tensor.name.clone(), entry);
            start = end;
        }
        let mut text = Value::Object(header).to_string();
        // Eight bytes of length stand before the header.
        text.push_str(&" ".repeat((text.len() + 8).next_multiple_of(LINE) - text.len() - 8));
        let aside = path.with_extension("partial");
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&aside).map_err(at(&aside))?);
        file.write_all(&(text.len() as u64).to_le_bytes())
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(at(&aside))?;
        Ok(SafetensorsWriter { path: path.to_owned(), aside, file, left: tensors.into_iter() })
    }

    /// The tensors that are to be written, in that order.
    pub fn left(&self) -> &[StoredTensor] {
        self.left.as_slice()
    }

    /// Writes the next tensor.
    ///
    /// # Errors
    /// When the file cannot be written.
    ///
    /// # Panics
    /// When it is not the next one, its rows are not contiguous, or the host cannot read it.
    pub fn write(&mut self, tensor: &Tensor) -> Result<(), Error> {
        let expected = self.left.next().expect("there is a tensor to be written");
        let found = (tensor.dtype(), tensor.dims());
        assert_eq!(found, (expected.dtype, &expected.dims[..]), "{}", expected.name);
        self.file.write_all(tensor.stored_bytes()).map_err(at(&self.aside))
    }

    /// Flushes the file to disk and gives it its name.
    ///
    /// # Errors
    /// When that fails; what was there before is then still there.
    ///
    /// # Panics
    /// When a tensor is missing.
    pub fn finish(mut self) -> Result<(), Error> {
        assert!(self.left().is_empty(), "all tensors are written");
        self.file.flush().and_then(|()| self.file.get_ref().sync_all()).map_err(at(&self.aside))?;
        fs::rename(&self.aside, &self.path).map_err(at(&self.path))
    }
}
