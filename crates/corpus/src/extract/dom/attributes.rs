//! The attributes of a tag, read when they are asked for.

/// Gives names and values; a value's entities are unresolved.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    rest: &'a str,
}

/// Whether a byte is white space, or a slash that ends no name of use.
fn separates(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'/'
}

impl<'a> Attributes<'a> {
    /// From a tag's inside: its name, then its attributes.
    pub(super) fn new(tag: &'a str) -> Self {
        let name_len = tag.bytes().position(separates).unwrap_or(tag.len());
        Self { rest: &tag[name_len..] }
    }

    /// Takes the first `len` bytes of the rest.
    fn take(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        let len = self.rest.bytes().position(|b| !skipped(b)).unwrap_or(self.rest.len());
        self.take(len);
    }

    fn value(&mut self) -> &'a str {
        self.skip(|byte| byte.is_ascii_whitespace());
        match self.rest.bytes().next() {
            Some(quote @ (b'"' | b'\'')) => {
                self.take(1);
                let len = memchr::memchr(quote, self.rest.as_bytes()).unwrap_or(self.rest.len());
                let value = self.take(len);
                self.take(self.rest.len().min(1));
                value
            }
            _ => {
                let end = self.rest.bytes().position(|byte| byte.is_ascii_whitespace());
                self.take(end.unwrap_or(self.rest.len()))
            }
        }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        self.skip(separates);
        if self.rest.is_empty() {
            return None;
        }
        // A name may begin with `=`, and only there hold one.
        let ends = |byte: u8| separates(byte) || byte == b'=';
        let len = self.rest.bytes().skip(1).position(ends).map_or(self.rest.len(), |len| len + 1);
        let name = self.take(len);
        let before_space = self.rest;
        self.skip(|byte| byte.is_ascii_whitespace());
        if self.rest.starts_with('=') {
            self.take(1);
            return Some((name, self.value()));
        }
        self.rest = before_space;
        Some((name, ""))
    }
}
