//! Rule files to programs.
//!
//! A rule is a line `name = pattern -> action`; lines that begin with `|` are further ways to match
//! the same name, tried in the order in which they stand. `#` begins a comment.
//!
//! | pattern | matches |
//! |---|---|
//! | `next`, `点`, `"-"` | these words, whatever white space stands between them |
//! | `<month>`, `<a:month>` | what the rule `month` matches; its value is `month`, or `a`, in the action |
//! | `<*a:word>` | the same, as one more of the list `a` |
//! | `[n:1-31]`, `[n:0-59/2]`, `[n:any]` | a run of digits of that value; of exactly two digits; any |
//! | `(a b \| c)`, `?`, `*`, `+` | as in regular expressions |
//! | `~`, `_` | no white space here; some white space here |
//! | `&(a)`, `!(a)` | `a` follows, does not follow |
//! | `prev(a \| b)`, `!prev(a)`, `!glued(%letters)` | such a token stands before, does not, does not without space between |
//! | `%letters`, `%digits`, `%han`, `%mark`, `%any`, `%start`, `%end` | a token of that kind; the text's ends |
//!
//! An action is a whole number, a `'name'`, a label, `text` (the words matched) or a constructor
//! with such arguments, `date(y, m, d)`. A constructor may refuse; then the pattern has not matched.

use std::collections::HashMap;

use jiff::civil::DateTime;

use super::compiler::Compiler;
use super::token::Kind;
use super::value::Value;

/// One step of a pattern's program.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// A token that is this word of the vocabulary.
    Word(u32),
    /// A token of this kind; any token for `None`.
    Kind(Option<Kind>),
    /// A run of digits between two values, of so many digits, kept in a slot.
    Digits { low: i64, high: i64, width: (u8, u8), slot: Option<u8> },
    /// What another rule matches, kept in a slot; `push`: as one more of a list there.
    Call { rule: u32, slot: u8, push: bool },
    /// No white space before the next token.
    Glued,
    /// White space before the next token.
    Spaced,
    /// Two ways on; the first is tried first.
    Split(usize, usize),
    /// The only way on.
    Jump(usize),
    /// The pattern from here to the `Done` before the target follows, or does not.
    Look { wanted: bool, then: usize },
    /// The token before this one is one of these, or is none of them; `glued`: a token that
    /// stands apart is none.
    Before { tests: Box<[Previous]>, glued: bool, wanted: bool },
    /// The beginning or the end of the text.
    AtStart,
    /// The end of the text.
    AtEnd,
    /// The pattern has matched.
    Done,
}

/// What the token before is not to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Previous {
    /// This word.
    Word(u32),
    /// Of this kind.
    Kind(Kind),
}

/// What a rule makes of what it matched.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// Nothing.
    Nothing,
    /// This number.
    Int(i64),
    /// This name.
    Name(std::sync::Arc<str>),
    /// What stands in this slot.
    Slot(u8),
    /// The words matched.
    Text,
    /// What a constructor makes of these.
    Call(Constructor, Vec<Action>),
}

/// Makes a value of what a rule matched, or refuses it.
pub(crate) type Constructor = fn(&Context, &[Value]) -> Option<Value>;

/// Finds a constructor by the name it has in rule files.
pub(crate) type FindConstructor = fn(&str) -> Option<Constructor>;

/// What constructors know beside the words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    /// The moment that *today* and *next year* are counted from.
    pub(crate) reference: DateTime,
}

/// One way to match a rule.
#[derive(Debug)]
pub(crate) struct Way {
    /// The pattern's program.
    pub(crate) ops: Vec<Op>,
    /// What is made of it.
    pub(crate) action: Action,
    /// What its first token can be.
    pub(crate) first: First,
}

/// What the first token of a match can be.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct First {
    /// These words, one bit each.
    pub(crate) words: Vec<u64>,
    /// Letters, digits, Han, marks of any sort.
    pub(crate) kinds: [bool; 4],
    /// No token at all is needed.
    pub(crate) empty: bool,
}

impl First {
    fn add_word(&mut self, word: u32) {
        let (at, bit) = (word as usize / 64, word % 64);
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        self.words[at] |= 1 << bit;
    }

    fn join(&mut self, other: &First) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine |= theirs;
        }
        for (mine, theirs) in self.kinds.iter_mut().zip(&other.kinds) {
            *mine |= theirs;
        }
    }

    /// Whether a match can begin with such a token.
    pub(crate) fn admits(&self, kind: Kind, word: u32) -> bool {
        self.empty
            || self.kinds[kind as usize]
            || (word != 0
                && self
                    .words
                    .get(word as usize / 64)
                    .is_some_and(|set| set >> (word % 64) & 1 == 1))
    }
}

/// All rules of a language.
#[derive(Debug, Default)]
pub(crate) struct Grammar {
    /// The words that rules name, numbered from 1.
    pub(crate) vocabulary: HashMap<Box<str>, u32>,
    /// The ways to match each rule.
    pub(crate) rules: Vec<Vec<Way>>,
    /// What each rule can begin with.
    pub(crate) first: Vec<First>,
    names: HashMap<Box<str>, u32>,
}

/// What is wrong in a rule file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule file, line {line}: {what}")]
pub struct RuleError {
    /// The line, from 1.
    pub line: usize,
    /// What was found and what was expected.
    pub what: String,
}

impl Grammar {
    /// Reads rule files, which may refer to one another.
    ///
    /// # Errors
    /// The first line that is no rule, or that names a rule which no file has.
    pub(crate) fn parse(files: &[&str], find: FindConstructor) -> Result<Grammar, RuleError> {
        let mut grammar = Grammar::default();
        for file in files {
            let mut name = String::new();
            for (line, text) in logical_lines(file) {
                let fail = |what: &str| RuleError { line, what: what.to_owned() };
                let body = if let Some(rest) = text.strip_prefix('|') {
                    rest
                } else {
                    let (head, rest) =
                        text.split_once('=').ok_or_else(|| fail("no `=` after the rule's name"))?;
                    name = head.trim().to_owned();
                    rest
                };
                if name.is_empty() {
                    return Err(fail("a further way to match stands before any rule"));
                }
                let (pattern, action) = match body.rsplit_once("->") {
                    Some((pattern, action)) => (pattern, action.trim()),
                    None => (body, ""),
                };
                let rule = grammar.rule(&name);
                let way = Compiler::way(&mut grammar, pattern, action, line, find)?;
                grammar.rules[rule as usize].push(way);
            }
        }
        if let Some((name, _)) =
            grammar.names.iter().find(|(_, rule)| grammar.rules[**rule as usize].is_empty())
        {
            return Err(RuleError { line: 0, what: format!("no rule is named `{name}`") });
        }
        grammar.find_first();
        Ok(grammar)
    }

    /// The number of the rule of that name.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    pub(super) fn rule(&mut self, name: &str) -> u32 {
        if let Some(rule) = self.names.get(name) {
            return *rule;
        }
        let rule = self.rules.len() as u32;
        self.names.insert(name.into(), rule);
        self.rules.push(Vec::new());
        rule
    }

    pub(super) fn word(&mut self, word: &str) -> u32 {
        let next = self.vocabulary.len() as u32 + 1;
        *self.vocabulary.entry(word.into()).or_insert(next)
    }

    /// Grows the sets of first tokens until they no longer change.
    fn find_first(&mut self) {
        self.first = vec![First::default(); self.rules.len()];
        loop {
            let mut changed = false;
            for rule in 0..self.rules.len() {
                let mut whole = First::default();
                for way in 0..self.rules[rule].len() {
                    let mut first = First::default();
                    let ops = &self.rules[rule][way].ops;
                    let mut seen = vec![false; ops.len()];
                    self.first_from(ops, 0, &mut seen, &mut first);
                    whole.join(&first);
                    whole.empty |= first.empty;
                    self.rules[rule][way].first = first;
                }
                if self.first[rule] != whole {
                    self.first[rule] = whole;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
    }

    fn first_from(&self, ops: &[Op], at: usize, seen: &mut [bool], first: &mut First) {
        if std::mem::replace(&mut seen[at], true) {
            return;
        }
        match &ops[at] {
            Op::Word(word) => first.add_word(*word),
            Op::Kind(Some(kind)) => first.kinds[*kind as usize] = true,
            Op::Kind(None) => first.kinds = [true; 4],
            Op::Digits { .. } => first.kinds[Kind::Digits as usize] = true,
            Op::Call { rule, .. } => {
                let called = &self.first[*rule as usize];
                first.join(called);
                if called.empty {
                    self.first_from(ops, at + 1, seen, first);
                }
            }
            Op::Split(a, b) => {
                self.first_from(ops, *a, seen, first);
                self.first_from(ops, *b, seen, first);
            }
            Op::Jump(to) | Op::Look { then: to, .. } => self.first_from(ops, *to, seen, first),
            Op::Glued | Op::Spaced | Op::Before { .. } | Op::AtStart | Op::AtEnd => {
                self.first_from(ops, at + 1, seen, first);
            }
            Op::Done => first.empty = true,
        }
    }
}

/// Lines without comments; a line that begins with white space goes on from the one before.
fn logical_lines(file: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, raw) in file.lines().enumerate() {
        let text = match raw.find("# ") {
            Some(comment) => &raw[..comment],
            None if raw.starts_with('#') => "",
            None => raw,
        };
        if text.trim().is_empty() {
            continue;
        }
        let goes_on = text.starts_with(' ') && !text.trim_start().starts_with('|');
        match lines.last_mut() {
            Some((_, last)) if goes_on => {
                last.push(' ');
                last.push_str(text.trim());
            }
            _ => lines.push((at + 1, text.trim().to_owned())),
        }
    }
    lines
}
