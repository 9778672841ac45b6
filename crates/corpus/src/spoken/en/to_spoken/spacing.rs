//! The text put together again: what was rewritten stands apart from the marks around it, as
//! sentences are set.

use std::borrow::Cow;

use super::reader::Said;
use crate::spoken::Options;

/// The text on its way out.
pub(super) struct Spaced<'t> {
    text: &'t str,
    out: String,
    /// How much of the text is out, in bytes.
    copied: usize,
    /// What stands last in what is out.
    last: Last,
    /// Whether marks keep the spacing they had.
    keep: bool,
    /// Whether every quotation of the text is closed.
    balanced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Text as it was.
    Plain,
    /// A rewritten piece.
    Rewritten,
    /// Marks, behind a rewritten piece.
    Marks,
}

impl<'t> Spaced<'t> {
    pub(super) fn new(text: &'t str, options: &Options) -> Spaced<'t> {
        let quotes = text.matches('"').count() + text.matches("``").count();
        Spaced {
            text,
            out: String::with_capacity(text.len() + text.len() / 2),
            copied: 0,
            last: Last::Plain,
            keep: options.keep_spacing,
            balanced: quotes.is_multiple_of(2),
        }
    }

    /// Copies the text up to `at`, where a piece stands that is said otherwise.
    pub(super) fn rewrite(&mut self, at: usize, said: &Said) {
        let original = &self.text[at..at + said.len];
        self.copy(at);
        if original == said.text {
            // What must stay as it is stands where it stood, apart from what was rewritten.
            if self.last == Last::Rewritten || self.last == Last::Marks && !self.keep {
                self.out.push(' ');
            }
            self.out.push_str(original);
            self.last = Last::Plain;
            self.copied = at + said.len;
            return;
        }
        self.apart_before(at);
        self.out.push_str(&said.text);
        self.copied = at + said.len;
        self.last = Last::Rewritten;
    }

    /// White space before a rewritten piece, where there is none.
    fn apart_before(&mut self, at: usize) {
        let Some(mut before) = self.text[..at].chars().next_back() else { return };
        if self.text[..at].ends_with("``") {
            before = '"';
        }
        if before.is_whitespace() {
            return;
        }
        let apart = match before {
            '(' | '[' | '{' | '`' | '“' | '‘' | '\'' | '’' => self.last == Last::Rewritten,
            '"' => !self.balanced && !self.keep,
            _ if before.is_alphanumeric() || self.last == Last::Rewritten => true,
            _ => !self.keep,
        };
        if before == '.' && !self.keep && self.out.ends_with(" .") {
            self.out.truncate(self.out.len() - 2);
            self.out.push('.');
        }
        if apart {
            self.out.push(' ');
        }
    }

    /// Copies the text up to `end`.
    fn copy(&mut self, end: usize) {
        let mut rest = &self.text[self.copied..end];
        while let Some(next) = rest.chars().next() {
            if self.last == Last::Plain {
                self.out.push_str(&quoted(rest));
                break;
            }
            if next.is_whitespace() {
                self.last = Last::Plain;
                continue;
            }
            let len = if rest.starts_with("``") && !rest.starts_with("```") {
                2
            } else {
                next.len_utf8()
            };
            if self.apart_from(next, &rest[len..]) {
                self.out.push(' ');
            }
            let genitive = matches!(next, '\'' | '’') && starts_with_letter(&rest[len..]);
            let plain = next.is_alphanumeric() || genitive;
            self.last = if plain { Last::Plain } else { Last::Marks };
            self.out.push_str(if len == 2 && next == '`' { "\"" } else { &rest[..len] });
            rest = &rest[len..];
        }
        self.copied = end;
    }

    /// Whether `next`, before `rest`, stands apart from what is out.
    fn apart_from(&self, next: char, rest: &str) -> bool {
        if next.is_alphanumeric() {
            return self.last == Last::Rewritten || !self.keep;
        }
        match next {
            _ if self.keep => false,
            '\'' | '’' => self.last == Last::Rewritten && !starts_with_letter(rest),
            '-' => self.last == Last::Rewritten,
            '<' | '(' | '[' => true,
            _ => false,
        }
    }

    /// The text that came out.
    pub(super) fn finish(mut self) -> String {
        self.copy(self.text.len());
        self.out
    }
}

/// The text with two backticks as the quotation mark they stand for; three mark a block.
fn quoted(text: &str) -> Cow<'_, str> {
    if text.contains("``") && !text.contains("```") {
        Cow::Owned(text.replace("``", "\""))
    } else {
        Cow::Borrowed(text)
    }
}

fn starts_with_letter(text: &str) -> bool {
    text.starts_with(char::is_alphabetic)
}
