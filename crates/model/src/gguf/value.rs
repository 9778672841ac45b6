//! Values of the metadata. Lists stay as they lie in the file: nothing is allocated for them.

use std::fmt;

use super::error::GgufError;
use super::reader::Reader;

/// How deep lists may lie in lists; no published model has any.
const DEEPEST: usize = 4;

/// The types of values, in the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    Text,
    List,
    U64,
    I64,
    F64,
}

impl Kind {
    const ALL: [Kind; 13] = [
        Kind::U8,
        Kind::I8,
        Kind::U16,
        Kind::I16,
        Kind::U32,
        Kind::I32,
        Kind::F32,
        Kind::Bool,
        Kind::Text,
        Kind::List,
        Kind::U64,
        Kind::I64,
        Kind::F64,
    ];

    /// The number by which files say it.
    pub(super) fn id(self) -> u32 {
        self as u32
    }

    fn read(reader: &mut Reader<'_>, what: &str) -> Result<Kind, GgufError> {
        let found = reader.u32(what)?;
        let kind = Kind::ALL.get(found as usize).copied();
        kind.ok_or_else(|| GgufError::ValueType { what: what.to_owned(), found })
    }

    /// Bytes of one value, or the least that one of no fixed size takes.
    fn least_bytes(self) -> usize {
        match self {
            Kind::U8 | Kind::I8 | Kind::Bool => 1,
            Kind::U16 | Kind::I16 => 2,
            Kind::U32 | Kind::I32 | Kind::F32 => 4,
            Kind::U64 | Kind::I64 | Kind::F64 | Kind::Text => 8,
            Kind::List => 12,
        }
    }
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Integer(i128),
    Single(f32),
    Double(f64),
    Bool(bool),
    Text(&'a str),
    List(List<'a>),
}

/// A list of values, as it lies in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct List<'a> {
    kind: Kind,
    pub(super) len: usize,
    bytes: &'a [u8],
}

impl<'a> Value<'a> {
    /// Reads a type and the value of it that follows.
    pub(super) fn read(reader: &mut Reader<'a>, what: &str) -> Result<Self, GgufError> {
        let kind = Kind::read(reader, what)?;
        Value::of_kind(reader, kind, what)
    }

    fn of_kind(reader: &mut Reader<'a>, kind: Kind, what: &str) -> Result<Self, GgufError> {
        match kind {
            Kind::Text => reader.text(what).map(Value::Text),
            Kind::List => List::read(reader, what, 1).map(Value::List),
            number => {
                let bytes = reader.take(number.least_bytes() as u64, what)?;
                Ok(Value::number(number, bytes))
            }
        }
    }

    /// A number from its bytes.
    fn number(kind: Kind, bytes: &[u8]) -> Self {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let unsigned = u64::from_le_bytes(wide);
        match kind {
            Kind::I8 => Value::Integer(i128::from(unsigned as i8)),
            Kind::I16 => Value::Integer(i128::from(unsigned as i16)),
            Kind::I32 => Value::Integer(i128::from(unsigned as i32)),
            Kind::I64 => Value::Integer(i128::from(unsigned as i64)),
            Kind::F32 => Value::Single(f32::from_bits(unsigned as u32)),
            Kind::F64 => Value::Double(f64::from_bits(unsigned)),
            Kind::Bool => Value::Bool(unsigned != 0),
            _ => Value::Integer(i128::from(unsigned)),
        }
    }
}

impl<'a> List<'a> {
    fn read(reader: &mut Reader<'a>, what: &str, depth: usize) -> Result<Self, GgufError> {
        if depth > DEEPEST {
            return Err(GgufError::Nested { what: what.to_owned(), most: DEEPEST });
        }
        let kind = Kind::read(reader, what)?;
        let len = reader.count(kind.least_bytes(), &format!("entries of {what}"))?;
        let mut ahead = Reader::new(reader.rest());
        match kind {
            Kind::Text => {
                for _ in 0..len {
                    ahead.text_bytes(what)?;
                }
            }
            Kind::List => {
                for _ in 0..len {
                    List::read(&mut ahead, what, depth + 1)?;
                }
            }
            number => {
                ahead.take((len * number.least_bytes()) as u64, what)?;
            }
        }
        let bytes = reader.take(ahead.position() as u64, what)?;
        Ok(List { kind, len, bytes })
    }

    /// The values, one after the other. A text that is not UTF-8 is an error when it is reached.
    pub(super) fn values(self, what: &str) -> impl Iterator<Item = Result<Value<'a>, GgufError>> {
        let mut reader = Reader::new(self.bytes);
        (0..self.len).map(move |_| Value::of_kind(&mut reader, self.kind, what))
    }
}

impl fmt::Display for Value<'_> {
    /// As messages show it: texts shortened, lists by their length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Integer(n) => write!(f, "{n}"),
            Value::Single(x) => write!(f, "{x}"),
            Value::Double(x) => write!(f, "{x}"),
            Value::Bool(flag) => write!(f, "{flag}"),
            Value::Text(text) => write!(f, "{:?}", text.chars().take(40).collect::<String>()),
            Value::List(list) => write!(f, "a list of {}", list.len),
        }
    }
}
