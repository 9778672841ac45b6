//! The keys of a GGUF file, asked one by one; every error names its key.

use std::collections::HashMap;

use super::error::GgufError;
use super::value::{List, Value};

/// All keys of a file with their values.
pub(super) struct Metadata<'a> {
    values: HashMap<&'a str, Value<'a>>,
}

impl<'a> Metadata<'a> {
    pub(super) fn new(values: HashMap<&'a str, Value<'a>>) -> Self {
        Metadata { values }
    }

    /// The value of a key, understood by `read`, where the key is there.
    fn get<T>(
        &self,
        key: &str,
        expected: &'static str,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Result<Option<T>, GgufError> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| bad(key, value, expected))
    }

    /// A text, where given.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, GgufError> {
        self.get(key, "a text", |value| match value {
            Value::Text(text) => Some(*text),
            _ => None,
        })
    }

    /// True or false, where given.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.get(key, "true or false", |value| match value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        })
    }

    /// A whole number of at least 0, where given. Some writers give one for each layer; they must
    /// all be the same.
    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, GgufError> {
        self.get(key, COUNT, |value| match value {
            Value::Integer(n) => u64::try_from(*n).ok(),
            Value::List(list) => {
                let mut counts = list.values(key).map(|value| match value {
                    Ok(Value::Integer(n)) => u64::try_from(n).ok(),
                    _ => None,
                });
                let first = counts.next()??;
                counts.all(|count| count == Some(first)).then_some(first)
            }
            _ => None,
        })
    }

    /// A whole number of at least 0.
    pub(super) fn required_count(&self, key: &str) -> Result<u64, GgufError> {
        let count = self.count(key)?;
        count.ok_or_else(|| GgufError::MissingKey { key: key.to_owned(), expected: COUNT })
    }

    /// A finite number, where given: the shortest decimal that says it, so that an `f32` of a
    /// millionth is 0.000001.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, GgufError> {
        let number = self.get(key, NUMBER, |value| match value {
            Value::Integer(n) => Some(*n as f64),
            Value::Single(x) => x.to_string().parse().ok(),
            Value::Double(x) => Some(*x),
            _ => None,
        })?;
        match number {
            Some(x) if !x.is_finite() => Err(bad(key, &Value::Double(x), NUMBER)),
            number => Ok(number),
        }
    }

    /// A list, where given.
    pub(super) fn list(&self, key: &str) -> Result<Option<List<'a>>, GgufError> {
        self.get(key, "a list", |value| match value {
            Value::List(list) => Some(*list),
            _ => None,
        })
    }

    /// A list of texts, where given.
    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, GgufError> {
        let Some(list) = self.list(key)? else { return Ok(None) };
        let texts = list.values(key).map(|value| match value? {
            Value::Text(text) => Ok(text.to_owned()),
            other => Err(bad(key, &other, "a list of texts")),
        });
        texts.collect::<Result<_, _>>().map(Some)
    }

    /// A token id, where given.
    pub(super) fn token(&self, key: &str) -> Result<Option<u32>, GgufError> {
        self.get(key, "a token id", |value| match value {
            Value::Integer(n) => u32::try_from(*n).ok(),
            _ => None,
        })
    }
}

const COUNT: &str = "a whole number from 0, the same for every layer";
const NUMBER: &str = "a finite number";

fn bad(key: &str, found: &Value<'_>, expected: &str) -> GgufError {
    GgufError::BadKey {
        key: key.to_owned(),
        found: found.to_string(),
        expected: expected.to_owned(),
    }
}
