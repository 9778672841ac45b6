//! Training a tokenizer: byte-level BPE with the splits of DeepSeek-V3.

use std::collections::HashSet;

use serde_json::json;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, SplitDelimiterBehavior};

use crate::config::Config;
use crate::special::{ALL, ASSISTANT, BOS, EOS, PAD, USER};
use crate::{Error, Tokenizer};

/// Numbers are cut from the left into groups of up to three digits.
pub(crate) const DIGITS: &str = r"\p{N}{1,3}";
/// Runs of Chinese characters and of kana stand alone.
pub(crate) const CJK: &str = "[一-龥぀-ゟ゠-ヿ]+";
/// Everything else: a mark with the Latin word after it; a word with the space before it; marks
/// with a space before and line ends after; line ends; spaces, the last left to the next word.
pub(crate) const WORDS: &str = concat!(
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"##,
    "|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+",
    "| ?[\\p{P}\\p{S}]+[\r\n]*",
    "|\\s*[\r\n]+",
    "|\\s+(?!\\S)",
    "|\\s+",
);

/// What a tokenizer should be like.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSpec {
    /// How many tokens at most, with the 256 bytes and the special tokens. There are fewer when
    /// the texts have nothing left to merge.
    pub vocab_size: usize,
    /// A pair seen less often than this is not merged.
    pub min_frequency: u64,
    /// No token is longer than this many bytes; `None` sets no bound.
    pub max_token_bytes: Option<usize>,
    /// Numbered from 0 in this order. Those that begin and end a sequence, fill a batch, and name
    /// the user and the assistant must be among them.
    pub special_tokens: Vec<String>,
}

impl TrainSpec {
    /// A vocabulary of a size, with pairs seen twice or more and the special tokens
    /// [`ALL`].
    pub fn new(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            min_frequency: 2,
            max_token_bytes: None,
            special_tokens: ALL.map(String::from).to_vec(),
        }
    }

    fn check(&self) -> Result<(), Error> {
        let refuse =
            |token: &str, found| Err(Error::SpecialTokens { token: token.to_owned(), found });
        let mut seen = HashSet::new();
        for token in &self.special_tokens {
            if token.is_empty() {
                return refuse(token, "empty");
            }
            if !seen.insert(token.as_str()) {
                return refuse(token, "there twice");
            }
        }
        for token in [BOS, EOS, PAD, USER, ASSISTANT] {
            if !seen.contains(token) {
                return refuse(token, "missing");
            }
        }
        let least = 256 + self.special_tokens.len();
        if self.vocab_size < least {
            return Err(Error::VocabTooSmall { found: self.vocab_size, least });
        }
        Ok(())
    }
}

/// Trains byte-level BPE on texts. Every text can be encoded by the result, whatever it was trained
/// on, since all 256 bytes are tokens. The same texts and specification give the same tokenizer.
///
/// Texts are documents or lines: no token reaches from one into the next. The result puts
/// [`BOS`] before a text encoded with special tokens, and its chat template
/// is the plain one of DeepSeek-V3: system, user and assistant turns.
pub fn train_byte_level_bpe(
    texts: impl Iterator<Item = String> + Send,
    spec: &TrainSpec,
) -> Result<Tokenizer, Error> {
    spec.check()?;
    let failed = |error: tokenizers::Error| Error::Train { reason: error.to_string() };
    let special_tokens =
        spec.special_tokens.iter().map(|token| AddedToken::from(token.as_str(), true)).collect();
    let trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(spec.vocab_size)
        .min_frequency(spec.min_frequency)
        .max_token_length(spec.max_token_bytes)
        .special_tokens(special_tokens)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();

    let mut inner = tokenizers::Tokenizer::new(BPE::default());
    inner.with_pre_tokenizer(Some(pre_tokenizer().map_err(failed)?));
    inner.with_decoder(Some(byte_level()));
    inner.train(&mut TrainerWrapper::from(trainer), texts).map_err(failed)?;
    let post_processor = bos_first(&inner)?;
    inner.with_post_processor(Some(post_processor));
    Tokenizer::from_parts(inner, config()?)
}

fn byte_level() -> ByteLevel {
    ByteLevel::new(false, true, false)
}

fn pre_tokenizer() -> Result<Sequence, tokenizers::Error> {
    let mut steps = Vec::new();
    for pattern in [DIGITS, CJK, WORDS] {
        let pattern = SplitPattern::Regex(pattern.to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?;
        steps.push(PreTokenizerWrapper::Split(split));
    }
    steps.push(PreTokenizerWrapper::ByteLevel(byte_level()));
    Ok(Sequence::new(steps))
}

/// The post processor that puts the first token before a text, and before each text of a pair.
fn bos_first(inner: &tokenizers::Tokenizer) -> Result<TemplateProcessing, Error> {
    let bos = inner.token_to_id(BOS).expect("the trainer adds every special token");
    let failed = |reason: String| Error::Train { reason };
    TemplateProcessing::builder()
        .try_single(format!("{BOS} $A"))
        .map_err(failed)?
        .try_pair(format!("{BOS} $A {BOS}:1 $B:1"))
        .map_err(failed)?
        .special_tokens(vec![(BOS, bos)])
        .build()
        .map_err(|error| failed(error.to_string()))
}

/// The tokenizer_config.json of a tokenizer trained here.
fn config() -> Result<Config, Error> {
    let document = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": EOS,
        "pad_token": PAD,
        "add_bos_token": true,
        "add_eos_token": false,
        "clean_up_tokenization_spaces": false,
        "chat_template": include_str!("chat_template.jinja"),
    });
    let serde_json::Value::Object(document) = document else {
        unreachable!("the document above is an object")
    };
    Config::from_document(document)
}
