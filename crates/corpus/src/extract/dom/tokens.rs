//! A page as tags and text, as the WHATWG standard cuts them, without copying any of it.

use memchr::{memchr, memchr2, memmem};

use super::Tag;

/// A piece of a page; positions are bytes of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text, its entities not yet resolved.
    Text { start: usize, end: usize },
    /// A start tag: its name, and where name and attributes stand.
    Start { tag: Tag, name: &'a str, start: usize, end: usize },
    /// An end tag.
    End { tag: Tag, name: &'a str },
}

/// Cuts a page into tokens, in one pass and in time linear in its length.
pub(super) struct Tokens<'a> {
    source: &'a str,
    at: usize,
    /// The tag that ended a text, to be given out after it.
    pending: Option<Token<'a>>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, at: 0, pending: None }
    }

    /// Takes everything to the end tag of `tag` as text, where that tag has been opened.
    pub(super) fn raw_text(&mut self, tag: Tag, name: &str) -> Option<(usize, usize)> {
        let start = self.at;
        let end = match tag {
            Tag::Plaintext => self.source.len(),
            Tag::Script => script_end(&self.source.as_bytes()[start..], name) + start,
            _ => end_tag(&self.source.as_bytes()[start..], name) + start,
        };
        self.at = end;
        (end > start).then_some((start, end))
    }

    /// The end of a tag's attributes from `from` on: the position of its `>`; none if it never ends.
    fn tag_end(&self, from: usize) -> Option<usize> {
        let bytes = self.source.as_bytes();
        let mut at = from;
        loop {
            at += memchr::memchr3(b'>', b'"', b'\'', &bytes[at..])?;
            let quote = bytes[at];
            if quote == b'>' {
                return Some(at);
            }
            // A quote opens a value only straight after `=`; elsewhere it is a part of a name.
            let opens = bytes[from..at].iter().rfind(|byte| !byte.is_ascii_whitespace());
            at += 1;
            if opens == Some(&b'=') {
                at += memchr(quote, &bytes[at..])? + 1;
            }
        }
    }

    /// The tag or comment that starts at `<`, and whether one does.
    fn markup(&mut self, at: usize) -> Markup<'a> {
        let bytes = self.source.as_bytes();
        match bytes.get(at + 1) {
            Some(byte) if byte.is_ascii_alphabetic() => self.tag(at + 1, false),
            Some(b'/') => match bytes.get(at + 2) {
                Some(byte) if byte.is_ascii_alphabetic() => self.tag(at + 2, true),
                Some(b'>') => Markup::Nothing(at + 3),
                Some(_) => self.bogus_comment(at + 2),
                None => Markup::Text,
            },
            Some(b'!') if bytes[at + 2..].starts_with(b"--") => {
                Markup::Nothing(self.comment(at + 4))
            }
            Some(b'!' | b'?') => self.bogus_comment(at + 1),
            _ => Markup::Text,
        }
    }

    fn tag(&self, start: usize, is_end: bool) -> Markup<'a> {
        let bytes = self.source.as_bytes();
        let name_len = bytes[start..]
            .iter()
            .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))
            .unwrap_or(bytes.len() - start);
        let name = &self.source[start..start + name_len];
        let Some(end) = self.tag_end(start + name_len) else {
            return Markup::Nothing(bytes.len());
        };
        let tag = Tag::of(name);
        let token =
            if is_end { Token::End { tag, name } } else { Token::Start { tag, name, start, end } };
        Markup::Tag(token, end + 1)
    }

    fn bogus_comment(&self, from: usize) -> Markup<'a> {
        let bytes = self.source.as_bytes();
        Markup::Nothing(memchr(b'>', &bytes[from..]).map_or(bytes.len(), |len| from + len + 1))
    }

    /// The end of a comment whose text starts at `from`.
    fn comment(&self, from: usize) -> usize {
        let bytes = self.source.as_bytes();
        for empty in [&b">"[..], b"->"] {
            if bytes[from..].starts_with(empty) {
                return from + empty.len();
            }
        }
        let mut at = from;
        while let Some(len) = memmem::find(&bytes[at..], b"--") {
            at += len;
            for end in [&b"-->"[..], b"--!>"] {
                if bytes[at..].starts_with(end) {
                    return at + end.len();
                }
            }
            at += 1;
        }
        bytes.len()
    }
}

enum Markup<'a> {
    /// A tag, and where what follows it starts.
    Tag(Token<'a>, usize),
    /// A comment or the like, and where what follows it starts.
    Nothing(usize),
    /// No markup: the `<` is text.
    Text,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if let Some(tag) = self.pending.take() {
            return Some(tag);
        }
        let bytes = self.source.as_bytes();
        let start = self.at;
        let mut at = start;
        loop {
            let Some(len) = memchr(b'<', &bytes[at..]) else {
                self.at = bytes.len();
                return (self.at > start).then_some(Token::Text { start, end: self.at });
            };
            at += len;
            match self.markup(at) {
                Markup::Text => at += 1,
                Markup::Tag(tag, next) => {
                    self.at = next;
                    if at == start {
                        return Some(tag);
                    }
                    self.pending = Some(tag);
                    return Some(Token::Text { start, end: at });
                }
                Markup::Nothing(next) => {
                    self.at = next;
                    if at == start {
                        return self.next_after_comments();
                    }
                    return Some(Token::Text { start, end: at });
                }
            }
        }
    }
}

impl<'a> Tokens<'a> {
    /// The next token; a loop, where a page of nothing but comments would else recur without end.
    fn next_after_comments(&mut self) -> Option<Token<'a>> {
        let bytes = self.source.as_bytes();
        while bytes.get(self.at) == Some(&b'<') {
            match self.markup(self.at) {
                Markup::Nothing(next) => self.at = next,
                Markup::Tag(tag, next) => {
                    self.at = next;
                    return Some(tag);
                }
                Markup::Text => break,
            }
        }
        if self.at >= bytes.len() { None } else { self.next() }
    }
}

/// The position of the end tag `</name`, or of the end of `bytes`.
fn end_tag(bytes: &[u8], name: &str) -> usize {
    let mut at = 0;
    while let Some(len) = memmem::find(&bytes[at..], b"</") {
        at += len;
        if is_tag(&bytes[at + 2..], name) {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

/// Whether `bytes` begin with a tag's name and what may follow it.
fn is_tag(bytes: &[u8], name: &str) -> bool {
    bytes.len() > name.len()
        && bytes[..name.len()].eq_ignore_ascii_case(name.as_bytes())
        && (bytes[name.len()].is_ascii_whitespace() || matches!(bytes[name.len()], b'/' | b'>'))
}

/// The end of a script: within `<!--` a script that it opens is its own, and ends first.
fn script_end(bytes: &[u8], name: &str) -> usize {
    let (mut at, mut in_comment, mut in_inner) = (0, false, false);
    while let Some(len) = memchr2(b'<', b'-', &bytes[at..]) {
        at += len;
        let rest = &bytes[at..];
        if rest[0] == b'-' {
            if rest.starts_with(b"-->") {
                (in_comment, in_inner) = (false, false);
            }
        } else if rest.starts_with(b"<!--") {
            in_comment = true;
            at += 1;
        } else if rest.starts_with(b"</") && is_tag(&rest[2..], name) {
            if !in_inner {
                return at;
            }
            in_inner = false;
        } else if in_comment && is_tag(&rest[1..], name) {
            in_inner = true;
        }
        at += 1;
    }
    bytes.len()
}
