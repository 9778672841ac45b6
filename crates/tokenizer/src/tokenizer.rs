//! The tokenizer: opened, asked, saved.

use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::definition::{DEFINITION, parse};
use crate::vocabulary::Vocabulary;
use crate::{ChatOptions, ChatTemplate, Error, Message, StreamDecoder};

const CONFIG: &str = "tokenizer_config.json";
const TEMPLATE: &str = "chat_template.jinja";

/// A byte-level BPE tokenizer with the chat templates of its model. Threads may share one.
#[derive(Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    vocabulary: Arc<Vocabulary>,
    config: Config,
    bos: Option<u32>,
    eos: Option<u32>,
    pad: Option<u32>,
    /// What goes before and after a text when special tokens are asked for and tokenizer.json does
    /// not put them there itself.
    prefix: Option<u32>,
    suffix: Option<u32>,
    templates: Vec<(String, ChatTemplate)>,
}

impl Tokenizer {
    /// Opens `tokenizer.json` in a Hugging Face folder, with `tokenizer_config.json` and
    /// `chat_template.jinja` where they exist.
    pub fn from_folder(folder: &Path) -> Result<Self, Error> {
        let definition = read(&folder.join(DEFINITION))?;
        let mut config = match read_if_there(&folder.join(CONFIG))? {
            Some(bytes) => Config::from_bytes(&bytes)?,
            None => Config::default(),
        };
        let path = folder.join(TEMPLATE);
        if let Some(bytes) = read_if_there(&path)? {
            let source = String::from_utf8(bytes).map_err(|error| {
                let source = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
                Error::File { path, source }
            })?;
            config.set_template(source);
        }
        Self::from_parts(parse(&definition)?, config)
    }

    /// Opens the contents of `tokenizer.json` and, if there is one, `tokenizer_config.json`.
    pub fn from_bytes(
        tokenizer_json: &[u8],
        tokenizer_config_json: Option<&[u8]>,
    ) -> Result<Self, Error> {
        let config = tokenizer_config_json.map(Config::from_bytes).transpose()?;
        Self::from_parts(parse(tokenizer_json)?, config.unwrap_or_default())
    }

    /// Puts a byte-level tokenizer and its configuration together, and checks that they agree.
    pub(crate) fn from_parts(
        mut inner: tokenizers::Tokenizer,
        config: Config,
    ) -> Result<Self, Error> {
        // A text is encoded whole; Hugging Face ignores these two as well unless asked.
        inner.with_padding(None);
        inner
            .with_truncation(None)
            .map_err(|error| Error::Definition { reason: error.to_string() })?;
        let vocabulary = Arc::new(Vocabulary::new(&inner)?);

        let special = |key: &str| match config.special_token(key) {
            None => Ok(None),
            Some(token) => find_special(&inner, key, token).map(Some),
        };
        let (bos, eos, pad) = (special("bos_token")?, special("eos_token")?, special("pad_token")?);
        let around_nothing = inner
            .encode_fast("", true)
            .map_err(|error| Error::Definition { reason: error.to_string() })?;
        let around_nothing = around_nothing.get_ids();
        let prefix = bos.filter(|bos| config.add_bos && around_nothing.first() != Some(bos));
        let suffix = eos.filter(|eos| config.add_eos && around_nothing.last() != Some(eos));

        let templates = config
            .templates
            .iter()
            .map(|(name, source)| Ok((name.clone(), ChatTemplate::new(source)?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self { inner, vocabulary, config, bos, eos, pad, prefix, suffix, templates })
    }

    /// Encodes a text. Special tokens written out in it become their ids; `add_special` adds those
    /// that the model expects around a text, for DeepSeek the first token of all.
    pub fn encode(&self, text: &str, add_special: bool) -> Result<Vec<u32>, Error> {
        let encoding = self
            .inner
            .encode_fast(text, add_special)
            .map_err(|error| Error::Encode { n_bytes: text.len(), reason: error.to_string() })?;
        let ids = encoding.get_ids().iter().copied();
        if !add_special {
            return Ok(ids.collect());
        }
        Ok(self.prefix.into_iter().chain(ids).chain(self.suffix).collect())
    }

    /// Decodes ids. Bytes that are not UTF-8 become U+FFFD; `skip_special` leaves special tokens
    /// out. Fails on an id that no token has.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String, Error> {
        let mut bytes = Vec::new();
        for &id in ids {
            bytes.extend_from_slice(self.vocabulary.decoded(id, skip_special)?);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Decodes ids one at a time.
    pub fn stream(&self, skip_special: bool) -> StreamDecoder {
        StreamDecoder::new(Arc::clone(&self.vocabulary), skip_special)
    }

    /// The bytes that a token stands for: often a part of a word, sometimes a part of a character.
    pub fn token_bytes(&self, id: u32) -> Option<&[u8]> {
        self.vocabulary.bytes(id)
    }

    /// A token as tokenizer.json writes it, in the alphabet of byte-level BPE: `Ġsea` for ` sea`.
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The id of a token as tokenizer.json writes it.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The id of a token that the caller counts on, such as `<think>`. Fails if there is none.
    pub fn special_id(&self, token: &str) -> Result<u32, Error> {
        find_special(&self.inner, "the special token", token)
    }

    /// Whether a token is special: never text, and left out of decoding on request.
    pub fn is_special(&self, id: u32) -> bool {
        self.vocabulary.is_special(id)
    }

    /// One more than the largest id: the least number of rows of an embedding table.
    pub fn vocab_size(&self) -> usize {
        self.vocabulary.size()
    }

    /// The token that begins a sequence.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// The token that ends a sequence.
    pub fn eos(&self) -> Option<u32> {
        self.eos
    }

    /// The token that fills a batch.
    pub fn pad(&self) -> Option<u32> {
        self.pad
    }

    /// Whether a conversation can be rendered.
    pub fn has_chat_template(&self) -> bool {
        !self.templates.is_empty()
    }

    /// The source of the template that a conversation is rendered with where none is named.
    pub(crate) fn chat_template(&self) -> Option<&str> {
        let default = self.config.templates.iter().find(|(name, _)| name == "default");
        default.map(|(_, source)| source.as_str())
    }

    /// Renders a conversation to text with the model's template. If there are several, the one
    /// called `tool_use` is taken when tools are given, and otherwise `default`. The text has its
    /// special tokens in it: encode it with `add_special` false.
    pub fn apply_chat_template(
        &self,
        messages: &[Message],
        options: &ChatOptions,
    ) -> Result<String, Error> {
        let named = |name| self.templates.iter().find(|(n, _)| n == name).map(|(_, t)| t);
        let for_tools = options.tools.as_ref().and_then(|_| named("tool_use"));
        let template = for_tools.or_else(|| named("default")).ok_or_else(|| {
            let names: Vec<_> = self.templates.iter().map(|(name, _)| name.as_str()).collect();
            let hint = match names.as_slice() {
                [] => String::new(),
                names => format!(" called default; it has {}", names.join(", ")),
            };
            Error::NoChatTemplate { hint }
        })?;
        template.render(messages, options, &self.config.special_tokens)
    }

    /// The contents of `tokenizer.json`: the same for tokenizers that encode alike.
    pub fn definition(&self) -> Result<String, Error> {
        let text = self.inner.to_string(true);
        text.map_err(|error| Error::Definition { reason: error.to_string() })
    }

    /// The contents of `tokenizer_config.json`: special tokens and chat templates.
    pub fn configuration(&self) -> String {
        format!("{:#}\n", self.config.to_json())
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder, made if it is not there.
    /// Hugging Face opens it with `AutoTokenizer`.
    pub fn save(&self, folder: &Path) -> Result<(), Error> {
        let definition = self.definition()?;
        let config = self.configuration();
        std::fs::create_dir_all(folder)
            .map_err(|source| Error::File { path: folder.to_owned(), source })?;
        for (name, contents) in [(DEFINITION, definition), (CONFIG, config)] {
            let path = folder.join(name);
            std::fs::write(&path, contents).map_err(|source| Error::File { path, source })?;
        }
        Ok(())
    }
}

fn find_special(inner: &tokenizers::Tokenizer, role: &str, token: &str) -> Result<u32, Error> {
    inner.token_to_id(token).ok_or_else(|| Error::UnknownSpecialToken {
        role: role.to_owned(),
        token: token.to_owned(),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match read(path) {
        Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        other => other.map(Some),
    }
}
