//! What a GGUF file says before its numbers: the metadata, and where each tensor lies.
//!
//! Every count, length and offset is compared with the size of the file before anything is
//! allocated or looked at because of it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use hadal_tensor::DType;

use super::error::GgufError;
use super::metadata::Metadata;
use super::reader::Reader;
use super::types;
use super::value::Value;

pub(super) const MAGIC: &[u8; 4] = b"GGUF";
/// The version that is written; version 2 is read as well, which differs in nothing we read.
pub(super) const VERSION: u32 = 3;
/// Where `general.alignment` says nothing.
pub(super) const ALIGNMENT: u64 = 32;
const MOST_DIMS: u32 = 4;

/// The least bytes of an entry of the metadata: the length of its key, a type, a value.
const LEAST_ENTRY: usize = 8 + 4 + 1;
/// The least bytes of a tensor's entry: the length of its name, one dimension, type and offset.
const LEAST_TENSOR: usize = 8 + 4 + 8 + 4 + 8;

/// The front of a file, understood.
pub(super) struct Header<'a> {
    pub(super) metadata: Metadata<'a>,
    pub(super) tensors: Vec<TensorInfo<'a>>,
}

/// One tensor of a file.
pub(super) struct TensorInfo<'a> {
    pub(super) name: &'a str,
    pub(super) dtype: DType,
    /// Outermost first.
    pub(super) dims: Vec<usize>,
    /// Where its bytes lie in the file.
    pub(super) range: Range<usize>,
}

impl<'a> Header<'a> {
    /// Reads the front of a file and checks all that it says against the file's size.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, GgufError> {
        let mut reader = Reader::new(bytes);
        let magic = reader.take(4, "the first four bytes")?;
        if magic != MAGIC {
            return Err(GgufError::Magic { found: String::from_utf8_lossy(magic).into_owned() });
        }
        match reader.u32("the version")? {
            2 | VERSION => {}
            other if other.swap_bytes() <= VERSION => return Err(GgufError::BigEndian),
            found => return Err(GgufError::Version { found }),
        }
        // The number of tensors comes before that of keys, and the tensors after the keys.
        let n_tensors = reader.count(LEAST_TENSOR, "tensors")?;
        let n_keys = reader.count(LEAST_ENTRY, "keys")?;
        let metadata = read_metadata(&mut reader, n_keys)?;
        let mut entries = Vec::new();
        let mut names = HashSet::new();
        for _ in 0..n_tensors {
            let entry = Entry::read(&mut reader)?;
            if !names.insert(entry.name) {
                return Err(GgufError::DuplicateTensor { name: entry.name.to_owned() });
            }
            entries.push(entry);
        }
        let alignment = metadata.count("general.alignment")?.unwrap_or(ALIGNMENT);
        if !alignment.is_power_of_two() {
            return Err(GgufError::Alignment { found: alignment });
        }
        let first = (reader.position() as u64).checked_next_multiple_of(alignment);
        let tensors = entries
            .into_iter()
            .map(|entry| entry.place(first, alignment, bytes.len()))
            .collect::<Result<Vec<_>, _>>()?;
        check_apart(&tensors)?;
        Ok(Header { metadata, tensors })
    }
}

fn read_metadata<'a>(reader: &mut Reader<'a>, n_keys: usize) -> Result<Metadata<'a>, GgufError> {
    let mut values = HashMap::new();
    for _ in 0..n_keys {
        let key = reader.text("a key")?;
        let value = Value::read(reader, &format!("the value of `{key}`"))?;
        if values.insert(key, value).is_some() {
            return Err(GgufError::DuplicateKey { key: key.to_owned() });
        }
    }
    Ok(Metadata::new(values))
}

/// A tensor's entry, as it is read.
struct Entry<'a> {
    name: &'a str,
    dtype: DType,
    /// Innermost first.
    dims: Vec<u64>,
    /// From the first tensor on.
    offset: u64,
}

impl<'a> Entry<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, GgufError> {
        let name = reader.text("a tensor's name")?;
        let what = format!("the entry of tensor `{name}`");
        let wrong_dims = |found: String| GgufError::Dims { name: name.to_owned(), found };
        let n_dims = reader.u32(&what)?;
        if !(1..=MOST_DIMS).contains(&n_dims) {
            return Err(wrong_dims(format!("of {n_dims} dimensions")));
        }
        let dims = (0..n_dims).map(|_| reader.u64(&what)).collect::<Result<Vec<_>, _>>()?;
        if dims.contains(&0) {
            return Err(wrong_dims(format!("{dims:?}")));
        }
        let id = reader.u32(&what)?;
        let dtype = types::dtype(id).ok_or_else(|| GgufError::TensorType {
            name: name.to_owned(),
            found: types::name(id),
            known: types::known(),
        })?;
        Ok(Entry { name, dtype, dims, offset: reader.u64(&what)? })
    }

    /// Where the tensor lies in a file of `file_len` bytes whose first tensor may begin at `first`.
    fn place(
        self,
        first: Option<u64>,
        alignment: u64,
        file_len: usize,
    ) -> Result<TensorInfo<'a>, GgufError> {
        let Entry { name, dtype, dims, offset } = self;
        let name_of = || name.to_owned();
        let (block, block_bytes) = (dtype.block_len() as u64, dtype.block_bytes() as u64);
        if !dims[0].is_multiple_of(block) {
            let (cols, format) = (dims[0], dtype.name());
            return Err(GgufError::Blocks { name: name_of(), cols, format, block: block as usize });
        }
        if !offset.is_multiple_of(alignment) {
            return Err(GgufError::Misaligned { name: name_of(), offset, alignment });
        }
        let too_large = || GgufError::Overflow { name: name_of(), dims: dims.clone() };
        let n_bytes = dims
            .iter()
            .try_fold(1u64, |product, dim| product.checked_mul(*dim))
            .and_then(|len| (len / block).checked_mul(block_bytes))
            .ok_or_else(too_large)?;
        let start = first.and_then(|first| first.checked_add(offset)).ok_or_else(too_large)?;
        let end = start.checked_add(n_bytes).ok_or_else(too_large)?;
        if end > file_len as u64 {
            return Err(GgufError::Outside { name: name_of(), beyond: end - file_len as u64 });
        }
        let outermost_first = dims.iter().rev().map(|dim| usize::try_from(*dim).ok());
        let sizes: Vec<usize> = outermost_first.collect::<Option<_>>().ok_or_else(too_large)?;
        Ok(TensorInfo { name, dtype, dims: sizes, range: start as usize..end as usize })
    }
}

/// No byte belongs to two tensors.
fn check_apart(tensors: &[TensorInfo<'_>]) -> Result<(), GgufError> {
    let mut in_order: Vec<&TensorInfo<'_>> = tensors.iter().collect();
    in_order.sort_by_key(|tensor| tensor.range.start);
    match in_order.windows(2).find(|pair| pair[0].range.end > pair[1].range.start) {
        None => Ok(()),
        Some(pair) => Err(GgufError::Overlap {
            first: pair[0].name.to_owned(),
            second: pair[1].name.to_owned(),
        }),
    }
}
