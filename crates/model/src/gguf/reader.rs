//! Reads the parts of a GGUF file one after the other, each within what is left of it.

use super::error::GgufError;

/// The bytes of a file and how far they have been read.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, position: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The next `n_bytes`, which belong to `what`.
    pub(super) fn take(&mut self, n_bytes: u64, what: &str) -> Result<&'a [u8], GgufError> {
        let missing = n_bytes.saturating_sub(self.left() as u64);
        if missing > 0 {
            return Err(GgufError::Truncated { what: what.to_owned(), missing });
        }
        let bytes = &self.bytes[self.position..][..n_bytes as usize];
        self.position += bytes.len();
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        let bytes = self.take(N as u64, what)?;
        Ok(bytes.try_into().expect("as many bytes as were asked for"))
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// How many `what` follow, each of which takes at least `least_bytes`: never more than there
    /// is room for.
    pub(super) fn count(&mut self, least_bytes: usize, what: &str) -> Result<usize, GgufError> {
        let count = self.u64(what)?;
        let most = (self.left() / least_bytes) as u64;
        if count > most {
            return Err(GgufError::Count { what: what.to_owned(), count, most });
        }
        Ok(count as usize)
    }

    /// A text behind its length, as bytes.
    pub(super) fn text_bytes(&mut self, what: &str) -> Result<&'a [u8], GgufError> {
        let n_bytes = self.u64(what)?;
        self.take(n_bytes, what)
    }

    /// A text behind its length.
    pub(super) fn text(&mut self, what: &str) -> Result<&'a str, GgufError> {
        let bytes = self.text_bytes(what)?;
        std::str::from_utf8(bytes).map_err(|_| GgufError::NotText { what: what.to_owned() })
    }
}
