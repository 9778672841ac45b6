//! One rule's pattern and action to a program. What a pattern may hold stands in `grammar.rs`.

use std::collections::HashMap;

use super::grammar::{Action, FindConstructor, First, Grammar, Op, Previous, RuleError, Way};
use super::token::{Kind, is_han, tokenise};

/// One rule's pattern on its way to a program.
pub(super) struct Compiler<'a> {
    grammar: &'a mut Grammar,
    rest: &'a str,
    ops: Vec<Op>,
    labels: Vec<Box<str>>,
    line: usize,
}

/// The most labels of one pattern.
pub(crate) const SLOTS: usize = 10;

impl<'a> Compiler<'a> {
    pub(super) fn way(
        grammar: &mut Grammar,
        pattern: &str,
        action: &str,
        line: usize,
        find: FindConstructor,
    ) -> Result<Way, RuleError> {
        let mut compiler =
            Compiler { grammar, rest: pattern, ops: Vec::new(), labels: Vec::new(), line };
        compiler.choice()?;
        if !compiler.rest.trim().is_empty() {
            let what = format!("found `{}` where the pattern should end", compiler.rest.trim());
            return Err(compiler.fail(&what));
        }
        compiler.ops.push(Op::Done);
        let (ops, labels) = (std::mem::take(&mut compiler.ops), compiler.labels);
        let action =
            parse_action(action, &labels, find).map_err(|what| RuleError { line, what })?;
        Ok(Way { ops, action, first: First::default() })
    }

    fn fail(&self, what: &str) -> RuleError {
        RuleError { line: self.line, what: what.to_owned() }
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn slot(&mut self, label: &str) -> Result<u8, RuleError> {
        if let Some(slot) = self.labels.iter().position(|known| &**known == label) {
            return Ok(slot as u8);
        }
        if self.labels.len() == SLOTS {
            return Err(self.fail("more labels than one pattern may have"));
        }
        self.labels.push(label.into());
        Ok(self.labels.len() as u8 - 1)
    }

    /// `a | b | c`, to the closing bracket or the end.
    fn choice(&mut self) -> Result<(), RuleError> {
        let mut ends = Vec::new();
        loop {
            let split = self.ops.len();
            self.ops.push(Op::Jump(split + 1));
            self.sequence()?;
            if !self.eat("|") {
                break;
            }
            ends.push(self.ops.len());
            self.ops.push(Op::Jump(0));
            self.ops[split] = Op::Split(split + 1, self.ops.len());
        }
        let end = self.ops.len();
        for at in ends {
            self.ops[at] = Op::Jump(end);
        }
        Ok(())
    }

    fn sequence(&mut self) -> Result<(), RuleError> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with(['|', ')']) {
                return Ok(());
            }
            let begin = self.ops.len();
            self.atom()?;
            self.repeat(begin);
        }
    }

    /// Wraps the program from `begin` on as the mark after it says.
    fn repeat(&mut self, begin: usize) {
        if self.eat("?") {
            self.insert(begin);
            self.ops[begin] = Op::Split(begin + 1, self.ops.len());
        } else if self.eat("*") {
            self.insert(begin);
            self.ops.push(Op::Jump(begin));
            self.ops[begin] = Op::Split(begin + 1, self.ops.len());
        } else if self.eat("+") {
            let end = self.ops.len();
            self.ops.push(Op::Split(begin, end + 1));
        }
    }

    /// Makes room for one step at `at`, moving every target behind it.
    fn insert(&mut self, at: usize) {
        self.ops.insert(at, Op::Jump(at + 1));
        for op in &mut self.ops[at + 1..] {
            match op {
                Op::Split(a, b) => {
                    *a += usize::from(*a >= at);
                    *b += usize::from(*b >= at);
                }
                Op::Jump(to) | Op::Look { then: to, .. } => *to += usize::from(*to >= at),
                _ => {}
            }
        }
    }

    fn close(&mut self) -> Result<(), RuleError> {
        self.rest = self.rest.trim_start();
        if self.eat(")") { Ok(()) } else { Err(self.fail("a bracket is not closed by `)`")) }
    }

    fn until(&mut self, close: char) -> Result<&'a str, RuleError> {
        let Some(at) = self.rest.find(close) else {
            return Err(self.fail(&format!("no closing `{close}`")));
        };
        let inside = &self.rest[..at];
        self.rest = &self.rest[at + close.len_utf8()..];
        Ok(inside)
    }

    fn atom(&mut self) -> Result<(), RuleError> {
        if self.eat("(") {
            self.choice()?;
            return self.close();
        }
        for (mark, glued, wanted) in
            [("!prev(", false, false), ("!glued(", true, false), ("prev(", false, true)]
        {
            if self.eat(mark) {
                let inside = self.until(')')?;
                let tests = inside.split('|').map(|test| self.previous(test.trim()));
                let tests = tests.collect::<Result<_, _>>()?;
                self.ops.push(Op::Before { tests, glued, wanted });
                return Ok(());
            }
        }
        for (mark, wanted) in [("!(", false), ("&(", true)] {
            if self.eat(mark) {
                let look = self.ops.len();
                self.ops.push(Op::Look { wanted, then: 0 });
                self.choice()?;
                self.close()?;
                self.ops.push(Op::Done);
                self.ops[look] = Op::Look { wanted, then: self.ops.len() };
                return Ok(());
            }
        }
        if self.eat("~") {
            self.ops.push(Op::Glued);
            return Ok(());
        }
        if self.eat("_") {
            self.ops.push(Op::Spaced);
            return Ok(());
        }
        if self.eat("<") {
            let inside = self.until('>')?;
            let (label, name) = inside.split_once(':').unwrap_or((inside, inside));
            let (label, push) = match label.strip_prefix('*') {
                Some(label) => (label, true),
                None => (label, false),
            };
            let slot = self.slot(label)?;
            let rule = self.grammar.rule(name);
            self.ops.push(Op::Call { rule, slot, push });
            return Ok(());
        }
        if self.eat("[") {
            let inside = self.until(']')?;
            return self.digits(inside);
        }
        if self.eat("%") {
            let end = self.rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(self.rest.len());
            let (name, rest) = self.rest.split_at(end);
            self.rest = rest;
            let op = match name {
                "start" => Op::AtStart,
                "end" => Op::AtEnd,
                "any" => Op::Kind(None),
                _ => Op::Kind(Some(self.kind(name)?)),
            };
            self.ops.push(op);
            return Ok(());
        }
        let literal = if self.eat("\"") {
            self.until('"')?
        } else {
            let end = self
                .rest
                .find(|c: char| c.is_whitespace() || "|()?*+<>[]~\"".contains(c))
                .unwrap_or(self.rest.len());
            // A mark of repetition after Han characters is for the last of them alone.
            let repeated = self.rest[end..].starts_with(['?', '*', '+']);
            let last = self.rest[..end].char_indices().next_back();
            let end = match last {
                Some((last, c)) if repeated && last > 0 && is_han(c) => last,
                _ => end,
            };
            let (literal, rest) = self.rest.split_at(end);
            self.rest = rest;
            literal
        };
        if literal.is_empty() {
            let what = format!("found `{}` where a pattern should stand", self.rest);
            return Err(self.fail(&what));
        }
        self.literal(literal);
        Ok(())
    }

    fn literal(&mut self, literal: &str) {
        let cut = tokenise(literal, &HashMap::new());
        for (at, token) in cut.tokens.iter().enumerate() {
            let word = &cut.folded[token.folded.0..token.folded.1];
            // Within one literal `o'clock` nothing may stand between; Han characters may stand apart.
            if at > 0 && !token.after_space && token.kind != Kind::Han {
                self.ops.push(Op::Glued);
            }
            if token.kind == Kind::Digits {
                let (number, width) = (token.number, word.len() as u8);
                let width = (width, width);
                self.ops.push(Op::Digits { low: number, high: number, width, slot: None });
            } else {
                let word = self.grammar.word(word);
                self.ops.push(Op::Word(word));
            }
        }
    }

    fn kind(&self, name: &str) -> Result<Kind, RuleError> {
        match name {
            "letters" => Ok(Kind::Letters),
            "digits" => Ok(Kind::Digits),
            "han" => Ok(Kind::Han),
            "mark" => Ok(Kind::Mark),
            _ => Err(self.fail(&format!("no kind of token is named `%{name}`"))),
        }
    }

    fn previous(&mut self, test: &str) -> Result<Previous, RuleError> {
        if let Some(name) = test.strip_prefix('%') {
            return Ok(Previous::Kind(self.kind(name)?));
        }
        Ok(Previous::Word(self.grammar.word(test.trim_matches('"'))))
    }

    fn digits(&mut self, inside: &str) -> Result<(), RuleError> {
        let fail = format!("`[{inside}]` is no range of digits such as `[n:1-31]`");
        let (label, range) = match inside.split_once(':') {
            Some((label, range)) => (Some(label), range),
            None => (None, inside),
        };
        let (range, width) = match range.split_once('/') {
            Some((range, width)) => (range, width.parse::<u8>().ok()),
            None => (range, None),
        };
        let (low, high, widest) = if range == "any" {
            (-1, i64::MAX, u8::MAX)
        } else {
            let bounds = range.split_once('-').unwrap_or((range, range));
            let (Ok(low), Ok(high)) = (bounds.0.parse(), bounds.1.parse::<i64>()) else {
                return Err(self.fail(&fail));
            };
            (low, high, bounds.1.len() as u8)
        };
        let width = width.map_or((1, widest), |width| (width, width));
        let slot = label.map(|label| self.slot(label)).transpose()?;
        self.ops.push(Op::Digits { low, high, width, slot });
        Ok(())
    }
}

fn parse_action(
    action: &str,
    labels: &[Box<str>],
    find: FindConstructor,
) -> Result<Action, String> {
    let mut rest = action;
    let parsed = one_action(&mut rest, labels, find)?;
    if rest.trim().is_empty() { Ok(parsed) } else { Err(format!("`{rest}` after the action")) }
}

fn one_action(
    rest: &mut &str,
    labels: &[Box<str>],
    find: FindConstructor,
) -> Result<Action, String> {
    *rest = rest.trim_start();
    if rest.is_empty() {
        return Ok(match labels {
            [_] => Action::Slot(0),
            _ => Action::Nothing,
        });
    }
    if let Some(name) = rest.strip_prefix('\'') {
        let end = name.find('\'').ok_or("a name is not closed by `'`")?;
        *rest = &name[end + 1..];
        return Ok(Action::Name(name[..end].into()));
    }
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
        .unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after.trim_start();
    if let Ok(number) = word.parse() {
        return Ok(Action::Int(number));
    }
    if let Some(inside) = rest.strip_prefix('(') {
        *rest = inside.trim_start();
        let mut arguments = Vec::new();
        while !rest.starts_with(')') {
            arguments.push(one_action(rest, labels, find)?);
            *rest = rest.trim_start();
            match rest.strip_prefix(',') {
                Some(after) => *rest = after,
                None if rest.starts_with(')') => {}
                None => return Err(format!("`{rest}` where `,` or `)` should stand")),
            }
        }
        *rest = &rest[1..];
        let constructor = find(word).ok_or_else(|| format!("no constructor is named `{word}`"))?;
        return Ok(Action::Call(constructor, arguments));
    }
    match labels.iter().position(|label| &**label == word) {
        Some(slot) => Ok(Action::Slot(slot as u8)),
        None if word == "text" => Ok(Action::Text),
        None if word == "none" => Ok(Action::Nothing),
        None => Err(format!("the pattern has no label `{word}`")),
    }
}
