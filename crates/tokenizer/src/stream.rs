//! Decoding one id at a time.

use std::sync::Arc;

use crate::Error;
use crate::vocabulary::Vocabulary;

/// Turns ids into text as they come. Text is handed out when its characters are complete, so a
/// character split over several tokens appears with the last of them. All the pieces and the rest
/// that [`finish`](Self::finish) gives, put together, are what
/// [`Tokenizer::decode`](crate::Tokenizer::decode) gives for all the ids.
///
/// Made by [`Tokenizer::stream`](crate::Tokenizer::stream).
#[derive(Debug, Clone)]
pub struct StreamDecoder {
    vocabulary: Arc<Vocabulary>,
    skip_special: bool,
    /// The beginning of a character: at most three bytes between calls.
    incomplete: Vec<u8>,
}

impl StreamDecoder {
    pub(crate) fn new(vocabulary: Arc<Vocabulary>, skip_special: bool) -> Self {
        Self { vocabulary, skip_special, incomplete: Vec::new() }
    }

    /// Takes one id and gives the text that it completes, which may be empty. Fails, and changes
    /// nothing, on an id that no token has.
    pub fn push(&mut self, id: u32) -> Result<String, Error> {
        self.incomplete.extend_from_slice(self.vocabulary.decoded(id, self.skip_special)?);
        let mut text = String::new();
        let n_done = append_complete(&self.incomplete, &mut text);
        self.incomplete.drain(..n_done);
        Ok(text)
    }

    /// Ends the text: a character that was begun and never completed becomes U+FFFD.
    pub fn finish(self) -> String {
        String::from_utf8_lossy(&self.incomplete).into_owned()
    }
}

/// Appends the complete characters at the start of `bytes`, with U+FFFD for each run of bytes that
/// cannot become one, and says how many bytes that was. What is left is the beginning of a
/// character.
fn append_complete(bytes: &[u8], text: &mut String) -> usize {
    let mut n_done = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        n_done += chunk.valid().len();
        let invalid = chunk.invalid();
        let is_begun = std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
        if is_begun && n_done + invalid.len() == bytes.len() {
            break;
        }
        if !invalid.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
            n_done += invalid.len();
        }
    }
    n_done
}
