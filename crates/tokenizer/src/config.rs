//! tokenizer_config.json: which tokens have which part to play, and the chat templates.

use serde_json::{Map, Value};

use crate::Error;

/// The keys that name a special token; templates see them as variables.
const TOKEN_KEYS: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// What was read from tokenizer_config.json. The whole document is kept, to be written again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    document: Map<String, Value>,
    /// The special tokens it names: key and text.
    pub(crate) special_tokens: Vec<(&'static str, String)>,
    /// Whether a sequence begins with the first token of all.
    pub(crate) add_bos: bool,
    /// Whether a sequence ends with the last token of all.
    pub(crate) add_eos: bool,
    /// The chat templates: name and source. One without a name is called `default`.
    pub(crate) templates: Vec<(String, String)>,
}

impl Config {
    /// Reads the document.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let document: Map<String, Value> = serde_json::from_slice(bytes)
            .map_err(|source| Error::Json { what: "tokenizer_config.json", source })?;
        Self::from_document(document)
    }

    /// Understands a document.
    pub(crate) fn from_document(document: Map<String, Value>) -> Result<Self, Error> {
        let mut special_tokens = Vec::new();
        for key in TOKEN_KEYS {
            if let Some(value) = document.get(key).filter(|value| !value.is_null()) {
                special_tokens.push((key, token_text(key, value)?));
            }
        }
        let config = Self {
            add_bos: flag(&document, "add_bos_token")?,
            add_eos: flag(&document, "add_eos_token")?,
            templates: templates(document.get("chat_template"))?,
            special_tokens,
            document,
        };
        for (key, is_added, wanted) in [
            ("add_bos_token", config.add_bos, "bos_token"),
            ("add_eos_token", config.add_eos, "eos_token"),
        ] {
            if is_added && config.special_token(wanted).is_none() {
                return Err(Error::Config {
                    key: key.to_owned(),
                    found: format!("true, and {wanted} is not given"),
                    expected: "both or neither",
                });
            }
        }
        Ok(config)
    }

    /// Takes the contents of chat_template.jinja, which go before any template of the document.
    pub(crate) fn set_template(&mut self, source: String) {
        self.document.insert("chat_template".to_owned(), Value::String(source.clone()));
        self.templates = vec![("default".to_owned(), source)];
    }

    /// The text of the special token under a key such as `bos_token`.
    pub(crate) fn special_token(&self, key: &str) -> Option<&str> {
        self.special_tokens.iter().find(|(k, _)| *k == key).map(|(_, text)| text.as_str())
    }

    /// The document as it is to be written: one that had none says at least which class of
    /// Hugging Face opens it.
    pub(crate) fn to_json(&self) -> Value {
        let mut document = self.document.clone();
        if !document.contains_key("tokenizer_class") {
            document.insert("tokenizer_class".to_owned(), "PreTrainedTokenizerFast".into());
        }
        Value::Object(document)
    }
}

/// A special token is a text, or an object with the text under `content`.
fn token_text(key: &str, value: &Value) -> Result<String, Error> {
    let text = value.as_str().or_else(|| value.get("content")?.as_str());
    text.map(str::to_owned).ok_or_else(|| wrong(key, value, "a text, or an object with `content`"))
}

fn flag(document: &Map<String, Value>, key: &str) -> Result<bool, Error> {
    match document.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(wrong(key, other, "true or false")),
    }
}

/// Chat templates are one text, or a list of objects with `name` and `template`.
fn templates(value: Option<&Value>) -> Result<Vec<(String, String)>, Error> {
    const EXPECTED: &str = "a text, or a list of objects with `name` and `template`";
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(source)) => Ok(vec![("default".to_owned(), source.clone())]),
        Some(Value::Array(list)) => list
            .iter()
            .map(|entry| {
                let text = |key| entry.get(key).and_then(Value::as_str).map(str::to_owned);
                text("name")
                    .zip(text("template"))
                    .ok_or_else(|| wrong("chat_template", entry, EXPECTED))
            })
            .collect(),
        Some(other) => Err(wrong("chat_template", other, EXPECTED)),
    }
}

fn wrong(key: &str, found: &Value, expected: &'static str) -> Error {
    let found = match found {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        scalar => scalar.to_string(),
    };
    Error::Config { key: key.to_owned(), found, expected }
}
