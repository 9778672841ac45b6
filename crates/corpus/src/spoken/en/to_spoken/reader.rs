//! A place in a text, from which rules read on.

use crate::spoken::Conventions;

/// How many bytes a rule may look ahead, or back: more than any expression has.
const REACH: usize = 500;

/// What a rule makes of the text from its place on.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    /// How much of the text, in bytes.
    pub(super) len: usize,
    /// How it is said.
    pub(super) text: String,
}

/// A place in a text; a copy of it is a place to come back to.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t> {
    text: &'t str,
    /// Where the rule began.
    start: usize,
    /// Where reading is now.
    at: usize,
    /// Whose conventions hold.
    pub(super) conventions: Conventions,
}

/// A number as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number<'t> {
    /// Whether a minus stands before it.
    pub(super) negative: bool,
    /// The digits before the point, without commas; empty in `.5`.
    pub(super) whole: String,
    /// Whether commas stand between its thousands.
    pub(super) grouped: bool,
    /// The digits behind the point.
    pub(super) fraction: Option<&'t str>,
}

impl<'t> Reader<'t> {
    /// Reading from `at` on, as far as an expression may reach.
    pub(super) fn new(text: &'t str, at: usize, conventions: Conventions) -> Reader<'t> {
        let end = text.len().min(at + REACH);
        let end = (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
        Reader { text: &text[..end], start: at, at, conventions }
    }

    /// Reading a piece of text for itself, whose conventions do not matter.
    pub(super) fn bare(text: &'t str) -> Reader<'t> {
        Reader::new(text, 0, Conventions::Nemo)
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// What stands before the place where the rule began.
    pub(super) fn before(&self) -> &'t str {
        &self.text[..self.start]
    }

    /// As much of what stands before as a rule may look back.
    pub(super) fn shortly_before(&self) -> &'t str {
        let from = self.start.saturating_sub(REACH);
        let from = (from..=self.start).find(|from| self.text.is_char_boundary(*from));
        &self.text[from.unwrap_or(self.start)..self.start]
    }

    /// The character that comes next.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Reads `what`, where it comes next.
    pub(super) fn eat(&mut self, what: &str) -> bool {
        let found = self.rest().starts_with(what);
        if found {
            self.at += what.len();
        }
        found
    }

    /// Reads one of these characters, where it comes next.
    pub(super) fn eat_any(&mut self, of: &[char]) -> Option<char> {
        let next = self.peek().filter(|next| of.contains(next))?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Reads characters as long as they are `of` some kind.
    pub(super) fn run(&mut self, of: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let len = rest.find(|next| !of(next)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// Reads `n` bytes, which end between two characters.
    pub(super) fn skip(&mut self, n: usize) {
        self.at += n;
    }

    /// Reads digits, `min` to `max` of them and no digit behind.
    pub(super) fn digits(&mut self, min: usize, max: usize) -> Option<&'t str> {
        let from = *self;
        let digits = self.run(|next| next.is_ascii_digit());
        if (min..=max).contains(&digits.len()) {
            return Some(digits);
        }
        *self = from;
        None
    }

    /// Reads letters of ASCII.
    pub(super) fn letters(&mut self) -> &'t str {
        self.run(|next| next.is_ascii_alphabetic())
    }

    /// Whether a word or a number could end here.
    pub(super) fn at_end(&self) -> bool {
        !self.peek().is_some_and(char::is_alphanumeric)
    }

    /// Whether a number ends here: no letter, no digit, no further decimals.
    pub(super) fn at_number_end(&self) -> bool {
        let mut rest = self.rest().chars();
        match rest.next() {
            Some('.') => !rest.next().is_some_and(|next| next.is_ascii_digit()),
            Some(next) => !next.is_alphanumeric(),
            None => true,
        }
    }

    /// Reads a number; a comma or a point is part of it only where digits follow.
    pub(super) fn number(&mut self) -> Option<Number<'t>> {
        let from = *self;
        let before = self.text[..self.at].chars().next_back();
        // Behind a word, a hyphen is no minus, and behind another point, a point is the sentence's.
        let minus =
            before.is_none_or(|before| before.is_whitespace() || "([=<>*/".contains(before));
        let negative = minus && self.eat_any(&['-', '−']).is_some();
        if before == Some('.') && self.peek() == Some('.') {
            return None;
        }
        let mut whole = self.run(|next| next.is_ascii_digit()).to_owned();
        let mut grouped = false;
        while (1..=3).contains(&whole.len()) || grouped {
            let mut group = *self;
            let Some(digits) = group.eat(",").then(|| group.digits(3, 3)).flatten() else { break };
            whole.push_str(digits);
            grouped = true;
            *self = group;
        }
        let mut point = *self;
        let fraction = point.eat(".").then(|| point.run(|next| next.is_ascii_digit()));
        let fraction = fraction.filter(|digits| !digits.is_empty());
        if fraction.is_some() {
            *self = point;
        }
        if whole.is_empty() && fraction.is_none() {
            *self = from;
            return None;
        }
        Some(Number { negative, whole, grouped, fraction })
    }

    /// What has been read since the rule began, said as `text`.
    pub(super) fn say(&self, text: impl Into<String>) -> Option<Said> {
        Some(Said { len: self.at - self.start, text: text.into() })
    }
}
