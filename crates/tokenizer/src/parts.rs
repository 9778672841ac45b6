//! A tokenizer as plain parts, the way formats other than tokenizer.json carry one.

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::definition::parse;
use crate::splits::Splits;
use crate::{Error, Tokenizer};

/// All that a byte-level BPE tokenizer is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The name of the rules that cut a text before pairs are merged, such as `deepseek-v3`.
    pub splits: String,
    /// The tokens by their ids: in the alphabet of byte-level BPE, or as they stand in a text
    /// where they are added. Some ids have none.
    pub tokens: Vec<Option<String>>,
    /// Tokens that are found as they stand in a text, before it is cut.
    pub added: Vec<u32>,
    /// Those of them that are never text.
    pub special: Vec<u32>,
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

impl Parts {
    fn token(&self, role: &str, id: u32) -> Result<&str, Error> {
        let token = self.tokens.get(id as usize).and_then(Option::as_deref);
        token.ok_or_else(|| Error::UnknownSpecialToken {
            role: role.to_owned(),
            token: format!("number {id}"),
        })
    }

    /// The `tokenizer.json` that says the same.
    fn definition(&self, splits: &Splits) -> Result<Value, Error> {
        let ids = (0u32..).zip(&self.tokens);
        let vocab: Map<String, Value> =
            ids.filter_map(|(id, token)| Some((token.clone()?, id.into()))).collect();
        let added = self.added.iter().map(|id| {
            Ok(json!({
                "id": id, "content": self.token("an added token", *id)?, "single_word": false,
                "lstrip": false, "rstrip": false, "normalized": false,
                "special": self.special.contains(id)
            }))
        });
        Ok(json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": added.collect::<Result<Vec<_>, Error>>()?,
            "normalizer": splits.normaliser(),
            "pre_tokenizer": splits.pre_tokenizer(),
            "post_processor": null,
            "decoder": {
                "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
                "use_regex": true
            },
            "model": {
                "type": "BPE", "dropout": null, "unk_token": null,
                "continuing_subword_prefix": null, "end_of_word_suffix": null,
                "fuse_unk": false, "byte_fallback": false,
                "ignore_merges": splits.ignores_merges,
                "vocab": vocab, "merges": self.merges
            }
        }))
    }

    /// The `tokenizer_config.json` that says the same.
    fn configuration(&self) -> Result<Map<String, Value>, Error> {
        let mut document = Map::new();
        document.insert("tokenizer_class".to_owned(), "PreTrainedTokenizerFast".into());
        for (key, id) in [("bos_token", self.bos), ("eos_token", self.eos), ("pad_token", self.pad)]
        {
            if let Some(id) = id {
                document.insert(key.to_owned(), self.token(key, id)?.into());
            }
        }
        document.insert("add_bos_token".to_owned(), (self.add_bos && self.bos.is_some()).into());
        document.insert("add_eos_token".to_owned(), (self.add_eos && self.eos.is_some()).into());
        if let Some(template) = &self.chat_template {
            document.insert("chat_template".to_owned(), template.as_str().into());
        }
        Ok(document)
    }
}

impl Tokenizer {
    /// Puts a tokenizer together from its parts.
    ///
    /// # Errors
    /// When its rules for cutting have no name that is known, or its parts contradict each other.
    pub fn from_plain_parts(parts: &Parts) -> Result<Self, Error> {
        let splits = Splits::named(&parts.splits).ok_or_else(|| Error::UnknownSplits {
            found: format!("{:?}", parts.splits),
            known: Splits::names(),
        })?;
        let definition = parts.definition(splits)?.to_string();
        Self::from_parts(
            parse(definition.as_bytes())?,
            Config::from_document(parts.configuration()?)?,
        )
    }

    /// Takes a tokenizer apart.
    ///
    /// # Errors
    /// When it cuts texts by rules that have no name.
    pub fn to_plain_parts(&self) -> Result<Parts, Error> {
        let definition: Value = serde_json::from_str(&self.definition()?)
            .map_err(|source| Error::Json { what: "tokenizer.json", source })?;
        let splits = Splits::of(&definition).ok_or_else(|| Error::UnknownSplits {
            found: "its own".to_owned(),
            known: Splits::names(),
        })?;
        let size = u32::try_from(self.vocab_size()).expect("ids are u32");
        let added = definition["added_tokens"].as_array().into_iter().flatten();
        let added: Vec<u32> =
            added.filter_map(|token| token["id"].as_u64()?.try_into().ok()).collect();
        let merges = definition["model"]["merges"].as_array().into_iter().flatten();
        let around = self.encode("", true)?;
        Ok(Parts {
            splits: splits.name.to_owned(),
            tokens: (0..size).map(|id| self.id_to_token(id)).collect(),
            special: added.iter().copied().filter(|id| self.is_special(*id)).collect(),
            added,
            merges: merges.filter_map(merge).collect(),
            bos: self.bos(),
            eos: self.eos(),
            pad: self.pad(),
            add_bos: self.bos().is_some() && around.first().copied() == self.bos(),
            add_eos: self.eos().is_some() && around.last().copied() == self.eos(),
            chat_template: self.chat_template().map(str::to_owned),
        })
    }
}

/// A merge is a text, or in newer files a list of two.
fn merge(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        pair => Some(format!("{} {}", pair[0].as_str()?, pair[1].as_str()?)),
    }
}
