//! The bytes of every token: all that decoding needs.

use std::collections::HashMap;

use crate::Error;

/// Ids at or above this are taken for damage: the largest vocabularies in use have 2^18 tokens.
const ID_LIMIT: u32 = 1 << 22;

/// Where the bytes of a token are, and whether it is special.
#[derive(Debug, Clone, Copy)]
struct Token {
    start: usize,
    end: usize,
    is_special: bool,
}

/// The bytes of each token by id, one after the other in one buffer.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    bytes: Vec<u8>,
    tokens: Vec<Option<Token>>,
}

impl Vocabulary {
    /// Reads the tokens out of a byte-level tokenizer.
    pub(crate) fn new(tokenizer: &tokenizers::Tokenizer) -> Result<Self, Error> {
        let largest = tokenizer.get_vocab(true).into_values().max();
        if let Some(largest) = largest.filter(|&id| id >= ID_LIMIT) {
            return Err(Error::IdTooLarge { largest, limit: ID_LIMIT });
        }
        let byte_of = byte_of_char();
        let added = tokenizer.get_added_vocabulary();
        let mut bytes = Vec::new();
        let mut tokens = Vec::new();
        for id in 0..largest.map_or(0, |id| id + 1) {
            tokens.push(tokenizer.id_to_token(id).map(|text| {
                let start = bytes.len();
                let decoded: Option<Vec<u8>> =
                    text.chars().map(|c| byte_of.get(&c).copied()).collect();
                // A token with a character outside the alphabet was added as text.
                bytes.extend(decoded.unwrap_or_else(|| text.as_bytes().to_vec()));
                Token { start, end: bytes.len(), is_special: added.is_special_token(&text) }
            }));
        }
        Ok(Self { bytes, tokens })
    }

    /// One more than the largest id.
    pub(crate) fn size(&self) -> usize {
        self.tokens.len()
    }

    /// The bytes of a token.
    pub(crate) fn bytes(&self, id: u32) -> Option<&[u8]> {
        self.token(id).map(|token| &self.bytes[token.start..token.end])
    }

    /// Whether a token is special.
    pub(crate) fn is_special(&self, id: u32) -> bool {
        self.token(id).is_some_and(|token| token.is_special)
    }

    /// The bytes that a token adds to a decoded text: none if it is special and those are skipped.
    pub(crate) fn decoded(&self, id: u32, skip_special: bool) -> Result<&[u8], Error> {
        let bytes =
            self.bytes(id).ok_or_else(|| Error::UnknownId { id, vocab_size: self.size() })?;
        Ok(if skip_special && self.is_special(id) { &[] } else { bytes })
    }

    fn token(&self, id: u32) -> Option<&Token> {
        self.tokens.get(usize::try_from(id).ok()?)?.as_ref()
    }
}

/// The alphabet of byte-level BPE, from GPT-2: printable Latin-1 stands for itself, the other 68
/// bytes are numbered from U+0100 in order.
fn byte_of_char() -> HashMap<char, u8> {
    let mut next_stand_in = 0x100_u32;
    (0..=u8::MAX)
        .map(|byte| {
            let is_printable = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
            let character = if is_printable {
                char::from(byte)
            } else {
                let stand_in = next_stand_in;
                next_stand_in += 1;
                char::from_u32(stand_in).expect("U+0100 to U+0143 are characters")
            };
            (character, byte)
        })
        .collect()
}
