//! Reads a JSON object key by key, so that none is overlooked and every error names its key.

use serde_json::{Map, Value};

use crate::error::Error;

/// The keys of an object that have not been read yet.
pub(crate) struct Keys {
    /// What stands before each key's name in messages, such as `rope_scaling.`.
    prefix: String,
    unread: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Keys {
    pub(crate) fn new(prefix: &str, object: Map<String, Value>) -> Self {
        Keys { prefix: prefix.to_owned(), unread: object, known: Vec::new() }
    }

    fn name(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The error for `key` having a value that cannot be.
    pub(crate) fn bad(&self, key: &str, found: impl ToString, expected: impl ToString) -> Error {
        Error::BadKey {
            key: self.name(key),
            found: found.to_string(),
            expected: expected.to_string(),
        }
    }

    /// Takes a key's value; an absent one and `null` are the same.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.unread.shift_remove(key).filter(|value| !value.is_null())
    }

    fn parse<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.take(key) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| self.bad(key, &value, expected))
    }

    fn require<T>(&self, key: &str, expected: &str, value: Option<T>) -> Result<T, Error> {
        value
            .ok_or_else(|| Error::MissingKey { key: self.name(key), expected: expected.to_owned() })
    }

    /// A whole number of at least 1 and at most 2³¹, where given.
    pub(crate) fn size_if_given(&mut self, key: &'static str) -> Result<Option<usize>, Error> {
        self.parse(key, "a whole number from 1", |value| {
            value.as_u64().filter(|n| (1..=1 << 31).contains(n)).map(|n| n as usize)
        })
    }

    /// A whole number of at least 1.
    pub(crate) fn size(&mut self, key: &'static str) -> Result<usize, Error> {
        let value = self.size_if_given(key)?;
        self.require(key, "a whole number from 1", value)
    }

    /// A whole number of at least 0, or `default`.
    pub(crate) fn count_or(&mut self, key: &'static str, default: usize) -> Result<usize, Error> {
        let value = self.parse(key, "a whole number from 0", |value| {
            value.as_u64().filter(|n| *n <= 1 << 31).map(|n| n as usize)
        })?;
        Ok(value.unwrap_or(default))
    }

    /// A finite number greater than 0, where given.
    pub(crate) fn positive_if_given(&mut self, key: &'static str) -> Result<Option<f64>, Error> {
        self.parse(key, "a number greater than 0", |value| {
            value.as_f64().filter(|x| x.is_finite() && *x > 0.0)
        })
    }

    /// A finite number of at least 0, or `default`.
    pub(crate) fn number_or(&mut self, key: &'static str, default: f64) -> Result<f64, Error> {
        let value = self.parse(key, "a number from 0", |value| {
            value.as_f64().filter(|x| x.is_finite() && *x >= 0.0)
        })?;
        Ok(value.unwrap_or(default))
    }

    /// A finite number greater than 0.
    pub(crate) fn positive(&mut self, key: &'static str) -> Result<f64, Error> {
        let value = self.positive_if_given(key)?;
        self.require(key, "a number greater than 0", value)
    }

    /// True or false, or `default`.
    pub(crate) fn flag_or(&mut self, key: &'static str, default: bool) -> Result<bool, Error> {
        Ok(self.parse(key, "true or false", Value::as_bool)?.unwrap_or(default))
    }

    /// A word, where given.
    pub(crate) fn word(&mut self, key: &'static str) -> Result<Option<String>, Error> {
        self.parse(key, "a word", |value| value.as_str().map(str::to_owned))
    }

    /// A list of words, where given.
    pub(crate) fn words(&mut self, key: &'static str) -> Result<Option<Vec<String>>, Error> {
        self.parse(key, "a list of words", |value| {
            value.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
        })
    }

    /// A token id or a list of them; empty where not given.
    pub(crate) fn token_ids(&mut self, key: &'static str) -> Result<Vec<u32>, Error> {
        let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
        let ids = self.parse(key, "a token id or a list of them", |value| match value {
            Value::Array(ids) => ids.iter().map(id).collect(),
            one => id(one).map(|id| vec![id]),
        })?;
        Ok(ids.unwrap_or_default())
    }

    /// An object, where given.
    pub(crate) fn object(&mut self, key: &'static str) -> Result<Option<Keys>, Error> {
        let object = self.parse(key, "an object", |value| value.as_object().cloned())?;
        Ok(object.map(|object| Keys::new(&format!("{}{key}.", self.prefix), object)))
    }

    /// Lets a key be, whatever its value: it says nothing about the forward pass.
    pub(crate) fn pass_over(&mut self, keys: &[&'static str]) {
        for key in keys {
            self.take(key);
        }
    }

    /// Refuses a key unless it is absent or has the one value that changes nothing.
    pub(crate) fn expect(&mut self, key: &'static str, only: Value) -> Result<(), Error> {
        match self.take(key) {
            None => Ok(()),
            Some(value) if value == only || value.as_f64() == only.as_f64() && only.is_number() => {
                Ok(())
            }
            Some(value) => Err(self.bad(key, value, format!("{only}, the only one supported"))),
        }
    }

    /// Fails on the first key that nothing asked for.
    pub(crate) fn finish(self, model_type: &str) -> Result<(), Error> {
        let Some(key) = self.unread.keys().next() else { return Ok(()) };
        let hint = self
            .known
            .iter()
            .map(|known| (edit_distance(known, key), known))
            .min()
            .filter(|(distance, _)| *distance <= 3)
            .map_or_else(String::new, |(_, known)| format!("; did you mean `{known}`?"));
        let (key, model_type) = (self.name(key), model_type.to_owned());
        Err(Error::UnknownKey { key, model_type, hint })
    }
}

/// Levenshtein's distance between two short keys.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_named_with_its_neighbour() {
        let Value::Object(object) = serde_json::json!({"hiden_size": 3}) else { unreachable!() };
        let mut keys = Keys::new("", object);
        assert!(keys.size_if_given("hidden_size").unwrap().is_none());
        let message = keys.finish("deepseek_v3").unwrap_err().to_string();
        assert_eq!(
            message,
            "config.json has `hiden_size`, which a deepseek_v3 model does not know; \
             did you mean `hidden_size`?"
        );
    }
}
