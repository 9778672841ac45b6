//! The tokenizer that a GGUF file carries, as plain data.

use super::error::GgufError;
use super::metadata::Metadata;
use super::value::Value;

/// A byte-level BPE vocabulary with what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    /// Which rules cut a text before pairs are merged: `deepseek-v3`, `deepseek-llm`, ….
    pub splits: String,
    /// Every token by its id, in the alphabet of byte-level BPE.
    pub tokens: Vec<String>,
    /// What each token is.
    pub kinds: Vec<TokenKind>,
    /// Pairs of tokens, separated by a space, in the order in which they are merged.
    pub merges: Vec<String>,
    /// Begins a sequence.
    pub bos: Option<u32>,
    /// Ends a sequence.
    pub eos: Option<u32>,
    /// Fills a batch.
    pub pad: Option<u32>,
    /// Whether a text begins with `bos`.
    pub add_bos: bool,
    /// Whether a text ends with `eos`.
    pub add_eos: bool,
    /// Renders a conversation.
    pub chat_template: Option<String>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Made by merging bytes.
    Normal,
    /// Special: never text.
    Control,
    /// Text that is always one token.
    Added,
    /// An id without a token.
    Unused,
}

impl TokenKind {
    /// The number by which files say it.
    pub(super) fn id(self) -> i32 {
        match self {
            TokenKind::Normal => 1,
            TokenKind::Control => 3,
            TokenKind::Added => 4,
            TokenKind::Unused => 5,
        }
    }

    fn of(value: &Value<'_>) -> Option<Self> {
        match value {
            // What is undefined, or a byte of its own, is a token like others in byte-level BPE.
            Value::Integer(0 | 1 | 6) => Some(TokenKind::Normal),
            Value::Integer(2 | 3) => Some(TokenKind::Control),
            Value::Integer(4) => Some(TokenKind::Added),
            Value::Integer(5) => Some(TokenKind::Unused),
            _ => None,
        }
    }
}

/// The only kind of vocabulary that is read: byte-level BPE.
pub(super) const MODEL: &str = "gpt2";

impl Vocabulary {
    pub(super) fn read(metadata: &Metadata<'_>) -> Result<Self, GgufError> {
        let key = |name: &str| format!("tokenizer.ggml.{name}");
        let missing = |name: &str, expected| GgufError::MissingKey { key: key(name), expected };
        let model = metadata.text(&key("model"))?.ok_or_else(|| missing("model", "a text"))?;
        if model != MODEL {
            return Err(GgufError::BadKey {
                key: key("model"),
                found: format!("{model:?}"),
                expected: format!("{MODEL:?}, byte-level BPE, the only kind that is read"),
            });
        }
        let texts = |name: &str| {
            let texts = metadata.texts(&key(name))?;
            texts.ok_or_else(|| missing(name, "a list of texts"))
        };
        let tokens = texts("tokens")?;
        let splits = metadata.text(&key("pre"))?.unwrap_or("default");
        // Files of these do not say so, and llama.cpp begins their texts all the same.
        let begins = splits == "llama-bpe";
        let vocabulary = Vocabulary {
            splits: splits.to_owned(),
            kinds: kinds(metadata, &key("token_type"), tokens.len())?,
            tokens,
            merges: texts("merges")?,
            bos: metadata.token(&key("bos_token_id"))?,
            eos: metadata.token(&key("eos_token_id"))?,
            pad: metadata.token(&key("padding_token_id"))?,
            add_bos: metadata.flag(&key("add_bos_token"))?.unwrap_or(begins),
            add_eos: metadata.flag(&key("add_eos_token"))?.unwrap_or(false),
            chat_template: metadata.text("tokenizer.chat_template")?.map(str::to_owned),
        };
        for (name, id) in [
            ("bos_token_id", vocabulary.bos),
            ("eos_token_id", vocabulary.eos),
            ("padding_token_id", vocabulary.pad),
        ] {
            let n_tokens = vocabulary.tokens.len();
            if let Some(id) = id.filter(|id| *id as usize >= n_tokens) {
                return Err(GgufError::BadKey {
                    key: key(name),
                    found: id.to_string(),
                    expected: format!("one of the {n_tokens} tokens"),
                });
            }
        }
        Ok(vocabulary)
    }
}

/// What each of `n_tokens` is; all are normal in a file that does not say.
fn kinds(metadata: &Metadata<'_>, key: &str, n_tokens: usize) -> Result<Vec<TokenKind>, GgufError> {
    let Some(list) = metadata.list(key)? else { return Ok(vec![TokenKind::Normal; n_tokens]) };
    let bad = |found: String, expected: String| GgufError::BadKey {
        key: key.to_owned(),
        found,
        expected,
    };
    if list.len != n_tokens {
        let found = format!("a list of {}", list.len);
        return Err(bad(found, format!("one entry for each of the {n_tokens} tokens")));
    }
    list.values(key)
        .map(|value| {
            let value = value?;
            TokenKind::of(&value).ok_or_else(|| bad(value.to_string(), "0 to 6".to_owned()))
        })
        .collect()
}
