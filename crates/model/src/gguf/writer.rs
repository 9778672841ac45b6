//! Lays out a GGUF file: the front in memory, then the tensors one after the other to disk, so
//! that a model larger than memory can be written.

use std::io::{self, Write};

use hadal_tensor::{DType, Tensor, quantise_q8_0};
use half::{bf16, f16};

use super::header::{ALIGNMENT, MAGIC, VERSION};
use super::types;
use super::value::Kind;

/// The metadata, as bytes.
#[derive(Default)]
pub(super) struct Front {
    bytes: Vec<u8>,
    n_keys: u64,
}

impl Front {
    fn key(&mut self, key: &str, kind: Kind) {
        self.n_keys += 1;
        put_text(&mut self.bytes, key);
        self.bytes.extend(kind.id().to_le_bytes());
    }

    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.key(key, Kind::Text);
        put_text(&mut self.bytes, value);
    }

    pub(super) fn count(&mut self, key: &str, value: u32) {
        self.key(key, Kind::U32);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(super) fn number(&mut self, key: &str, value: f32) {
        self.key(key, Kind::F32);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.key(key, Kind::Bool);
        self.bytes.push(u8::from(value));
    }

    fn list(&mut self, key: &str, kind: Kind, len: usize) {
        self.key(key, Kind::List);
        self.bytes.extend(kind.id().to_le_bytes());
        self.bytes.extend((len as u64).to_le_bytes());
    }

    pub(super) fn texts(&mut self, key: &str, values: &[String]) {
        self.list(key, Kind::Text, values.len());
        values.iter().for_each(|value| put_text(&mut self.bytes, value));
    }

    pub(super) fn integers(&mut self, key: &str, values: impl ExactSizeIterator<Item = i32>) {
        self.list(key, Kind::I32, values.len());
        values.for_each(|value| self.bytes.extend(value.to_le_bytes()));
    }
}

/// A tensor to be written.
pub(super) struct Outgoing {
    pub(super) name: String,
    pub(super) dtype: DType,
    /// Outermost first.
    pub(super) dims: Vec<usize>,
    /// Its rows: those of several tensors, one after the other, made when they are wanted.
    pub(super) rows: Box<dyn Fn() -> Vec<Tensor>>,
}

impl Outgoing {
    fn len_bytes(&self) -> u64 {
        let (cols, outer) = self.dims.split_last().expect("a tensor has a dimension");
        (outer.iter().product::<usize>() * self.dtype.row_bytes(*cols)) as u64
    }
}

/// Writes a whole file.
pub(super) fn write(front: &Front, tensors: &[Outgoing], out: &mut dyn Write) -> io::Result<()> {
    let mut bytes = Vec::new();
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend(front.n_keys.to_le_bytes());
    bytes.extend(&front.bytes);
    let mut offset = 0;
    for tensor in tensors {
        put_text(&mut bytes, &tensor.name);
        bytes.extend((tensor.dims.len() as u32).to_le_bytes());
        // Innermost first.
        tensor.dims.iter().rev().for_each(|dim| bytes.extend((*dim as u64).to_le_bytes()));
        let id = types::id(tensor.dtype).expect("the exporter chooses formats that GGUF has");
        bytes.extend(id.to_le_bytes());
        bytes.extend(u64::to_le_bytes(offset));
        offset += tensor.len_bytes().next_multiple_of(ALIGNMENT);
    }
    out.write_all(&bytes)?;
    pad(bytes.len() as u64, out)?;
    for tensor in tensors {
        for part in (tensor.rows)() {
            write_rows(&part, tensor.dtype, out)?;
        }
        pad(tensor.len_bytes(), out)?;
    }
    Ok(())
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// Zeros up to the alignment.
fn pad(written: u64, out: &mut dyn Write) -> io::Result<()> {
    let zeros = written.next_multiple_of(ALIGNMENT) - written;
    out.write_all(&[0; ALIGNMENT as usize][..zeros as usize])
}

/// Writes the rows of a tensor in another format, rounded to nearest; in its own as they are.
fn write_rows(tensor: &Tensor, dtype: DType, out: &mut dyn Write) -> io::Result<()> {
    let mut row = vec![0.0; tensor.cols()];
    let mut packed = Vec::new();
    for index in 0..tensor.rows() {
        if tensor.dtype() == dtype {
            out.write_all(tensor.packed_row(index))?;
            continue;
        }
        tensor.read_row(index, &mut row);
        packed.clear();
        match dtype {
            DType::F32 => packed.extend(row.iter().flat_map(|x| x.to_le_bytes())),
            DType::F16 => packed.extend(row.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes())),
            DType::Bf16 => packed.extend(row.iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes())),
            DType::Q8_0 => packed.extend(quantise_q8_0(&row)),
            other => panic!("weights are written plain or in q8_0, not in {}", other.name()),
        }
        out.write_all(&packed)?;
    }
    Ok(())
}
