//! A text as the model reads it.

use std::path::Path;

use hadal_tokenizer::Tokenizer;
use sha2::{Digest, Sha256};

use crate::table::hex;
use crate::{Dropped, Error, Record};

/// A text's tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The beginning of a text, its tokens, and the end of a text, as far as the tokenizer has them.
    pub ids: Vec<u32>,
    /// Bytes of the text, in UTF-8.
    pub n_bytes: u32,
}

/// A tokenizer, and what tells it from others.
pub struct Encoder {
    tokenizer: Tokenizer,
    sha256: String,
}

impl Encoder {
    /// Opens the tokenizer of a model's folder.
    ///
    /// # Errors
    /// Where there is none that can be read.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let at = |source| Error::Tokenizer { path: folder.to_owned(), source };
        let tokenizer = Tokenizer::from_folder(folder).map_err(at)?;
        let definition = tokenizer.definition().map_err(at)?;
        let sha256 = hex(Sha256::new_with_prefix(definition));
        Ok(Self { tokenizer, sha256 })
    }

    /// The SHA-256 of the tokenizer's definition.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The tokens of a text; nothing where the tokenizer cannot say it.
    #[must_use]
    pub fn encode(&self, text: &str) -> Option<Tokens> {
        let tokenizer = &self.tokenizer;
        let ids = tokenizer.encode(text, false).ok()?;
        let ids = tokenizer.bos().into_iter().chain(ids).chain(tokenizer.eos()).collect();
        Some(Tokens { ids, n_bytes: u32::try_from(text.len()).ok()? })
    }

    /// A record whose text [`Encoder::encode`] gave nothing for.
    pub(crate) fn cannot_say(&self, record: Record) -> Box<Dropped> {
        Dropped::by("pack", record, "the tokenizer cannot say it")
    }
}
