//! Writes a safetensors file some tensors at a time, so that a model larger than memory can be
//! written.

use std::io::{BufWriter, Write};
use std::path::Path;

use hadal_tensor::{DType, Tensor};
use safetensors::tensor::Dtype;
use serde_json::{Map, Value, json};

use crate::checkpoint::write_aside_with;
use crate::error::Error;

/// What a file will hold at one name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredTensor {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) dims: Vec<usize>,
}

/// Alignment of the first tensor, and of every one whose predecessors are whole lines.
const LINE: usize = 64;

/// The number format and the shape as a header has them: a packed matrix is bytes.
pub(crate) fn as_in_header(dtype: DType, dims: &[usize]) -> (Dtype, Vec<usize>) {
    let plain = match dtype {
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::Bf16 => Dtype::BF16,
        DType::I32 => Dtype::I32,
        packed => {
            let (cols, outer) = dims.split_last().map_or((1, &[][..]), |(c, outer)| (*c, outer));
            return (Dtype::U8, vec![outer.iter().product(), packed.row_bytes(cols)]);
        }
    };
    (plain, dims.to_vec())
}

impl StoredTensor {
    /// Bytes of its numbers.
    pub(crate) fn n_bytes(&self) -> usize {
        let (cols, outer) = self.dims.split_last().map_or((1, &[][..]), |(c, outer)| (*c, outer));
        outer.iter().product::<usize>() * self.dtype.row_bytes(cols)
    }
}

/// Brings those of whole cache lines to the front, so that each of them lies on a line where they
/// follow each other.
pub(crate) fn sort_onto_lines(tensors: &mut [StoredTensor]) {
    tensors.sort_by_key(|tensor| !tensor.n_bytes().is_multiple_of(LINE));
}

/// Writes a file that holds `tensors`, of which `make` gives `at_once` at a time. Those of whole
/// cache lines come first, so that each of them lies on a line.
///
/// # Errors
/// When the file cannot be written; what was there before is then still there.
///
/// # Panics
/// When what is made is not what was asked for, its rows are not contiguous, or the host cannot
/// read it.
pub(crate) fn write_in_parts(
    path: &Path,
    mut tensors: Vec<StoredTensor>,
    at_once: usize,
    mut make: impl FnMut(&[StoredTensor]) -> Vec<Tensor>,
) -> Result<(), Error> {
    sort_onto_lines(&mut tensors);
    let header = header(&tensors);
    write_aside_with(path, |file| {
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        for part in tensors.chunks(at_once) {
            for (stored, tensor) in part.iter().zip(make(part)) {
                let found = (tensor.dtype(), tensor.dims());
                assert_eq!(found, (stored.dtype, &stored.dims[..]), "{}", stored.name);
                file.write_all(tensor.stored_bytes())?;
            }
        }
        file.flush()
    })
}

/// What stands before the numbers, after its own length in eight bytes.
fn header(tensors: &[StoredTensor]) -> String {
    let mut entries = Map::new();
    entries.insert("__metadata__".to_owned(), json!({"format": "pt"}));
    let mut start = 0;
    for tensor in tensors {
        let (dtype, shape) = as_in_header(tensor.dtype, &tensor.dims);
        let end = start + tensor.n_bytes();
        let entry = json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]});
        entries.insert(tensor.name.clone(), entry);
        start = end;
    }
    let mut text = Value::Object(entries).to_string();
    text.push_str(&" ".repeat((text.len() + 8).next_multiple_of(LINE) - text.len() - 8));
    text
}
