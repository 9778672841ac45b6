//! Runs rules over tokens: at each place, what a rule can match there and what it means.
//!
//! A rule is tried at a place once and its matches remembered, one for each end (the first way to
//! reach it wins), so that time grows with the places and not with the ways through them. A budget
//! of steps bounds even a text made to be slow.

use std::rc::Rc;

use super::compiler::SLOTS;
use super::grammar::{Action, Context, Grammar, Op, Previous};
use super::token::Tokens;
use super::value::Value;

/// The matches of one rule at one place: where each ends, and its value, the shortest first.
pub(crate) type Matches = Rc<[(usize, Value)]>;

/// Steps after which no more is tried at the places of one search.
const BUDGET_PER_TOKEN: usize = 20_000;

/// Rules within rules, and turns of a repetition, at most.
const DEEPEST: usize = 120;

/// One text being matched.
pub(crate) struct Machine<'a> {
    grammar: &'a Grammar,
    text: &'a Tokens,
    context: Context,
    /// By place: where in `found` the matches of each rule stand, plus one; empty for a place where
    /// nothing was tried yet.
    tried: Vec<Vec<u32>>,
    /// The matches of every rule at every place it was tried.
    found: Vec<Matches>,
    nothing: Matches,
    budget: usize,
    depth: usize,
}

impl<'a> Machine<'a> {
    /// A machine for `text`, whose words were numbered by `grammar`.
    pub(crate) fn new(grammar: &'a Grammar, text: &'a Tokens, context: Context) -> Self {
        Machine {
            grammar,
            text,
            context,
            tried: vec![Vec::new(); text.tokens.len() + 1],
            found: Vec::new(),
            nothing: Rc::new([]),
            budget: 0,
            depth: 0,
        }
    }

    /// What `rule` matches at the token `at`.
    pub(crate) fn matches(&mut self, rule: u32, at: usize) -> Matches {
        self.budget = BUDGET_PER_TOKEN;
        self.call(rule, at)
    }

    fn call(&mut self, rule: u32, at: usize) -> Matches {
        let admits = match self.text.tokens.get(at) {
            Some(token) => self.grammar.first[rule as usize].admits(token.kind, token.word),
            None => self.grammar.first[rule as usize].empty,
        };
        if !admits {
            return Rc::clone(&self.nothing);
        }
        let n_rules = self.grammar.rules.len();
        if self.tried[at].is_empty() {
            self.tried[at].resize(n_rules, 0);
        }
        let known = self.tried[at][rule as usize];
        if known > 0 {
            return Rc::clone(&self.found[known as usize - 1]);
        }
        if self.depth >= DEEPEST {
            return Rc::clone(&self.nothing);
        }
        // A rule that comes back to itself at the same place finds nothing there.
        let entry = self.found.len();
        self.found.push(Rc::clone(&self.nothing));
        self.tried[at][rule as usize] = entry as u32 + 1;
        self.depth += 1;
        let mut found: Vec<(usize, Value)> = Vec::new();
        for way in &self.grammar.rules[rule as usize] {
            if let Some(token) = self.text.tokens.get(at)
                && !way.first.admits(token.kind, token.word)
            {
                continue;
            }
            let mut slots: [Value; SLOTS] = Default::default();
            self.run(&way.ops, 0, at, &mut slots, &mut |machine, end, slots| {
                if found.iter().any(|(known, _)| *known == end) {
                    return;
                }
                if let Some(value) = machine.act(&way.action, slots, at, end) {
                    found.push((end, value));
                }
            });
        }
        self.depth -= 1;
        if found.is_empty() {
            return Rc::clone(&self.nothing);
        }
        found.sort_by_key(|(end, _)| *end);
        let found: Matches = found.into();
        self.found[entry] = Rc::clone(&found);
        found
    }

    fn act(&self, action: &Action, slots: &[Value], at: usize, end: usize) -> Option<Value> {
        Some(match action {
            Action::Nothing => Value::Nothing,
            Action::Int(number) => Value::Int(*number),
            Action::Name(name) => Value::Text(name.clone()),
            Action::Slot(slot) => slots[*slot as usize].clone(),
            Action::Text => Value::Text(self.text.text(at, end).into()),
            Action::Call(constructor, arguments) => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    values.push(self.act(argument, slots, at, end)?);
                }
                constructor(&self.context, &values)?
            }
        })
    }

    /// Follows the program from `pc` at the token `at`; `done` hears of each end.
    fn run(
        &mut self,
        ops: &[Op],
        mut pc: usize,
        mut at: usize,
        slots: &mut [Value; SLOTS],
        done: &mut dyn FnMut(&Self, usize, &[Value]),
    ) {
        loop {
            if self.budget == 0 {
                return;
            }
            self.budget -= 1;
            let token = self.text.tokens.get(at);
            match &ops[pc] {
                Op::Word(word) => match token {
                    Some(token) if token.word == *word => at += 1,
                    _ => return,
                },
                Op::Kind(kind) => match token {
                    Some(token) if kind.is_none_or(|kind| token.kind == kind) => at += 1,
                    _ => return,
                },
                Op::Digits { low, high, width, slot } => {
                    let Some(token) = token else { return };
                    let n_digits = token.folded.1 - token.folded.0;
                    if token.kind != super::token::Kind::Digits
                        || token.number < *low
                        || token.number > *high
                        || n_digits < width.0 as usize
                        || (n_digits > width.1 as usize && width.1 != u8::MAX)
                    {
                        return;
                    }
                    if let Some(slot) = slot {
                        let kept =
                            std::mem::replace(&mut slots[*slot as usize], Value::Int(token.number));
                        self.run(ops, pc + 1, at + 1, slots, done);
                        slots[*slot as usize] = kept;
                        return;
                    }
                    at += 1;
                }
                Op::Call { rule, slot, push } => {
                    let found = self.call(*rule, at);
                    for (end, value) in found.iter() {
                        let slot_value = &mut slots[*slot as usize];
                        let value = match (push, &*slot_value) {
                            (true, Value::List(list)) => {
                                Value::List(list.iter().chain([value]).cloned().collect())
                            }
                            (true, _) => Value::List(Rc::new([value.clone()])),
                            (false, _) => value.clone(),
                        };
                        let kept = std::mem::replace(slot_value, value);
                        self.run(ops, pc + 1, *end, slots, done);
                        slots[*slot as usize] = kept;
                    }
                    return;
                }
                Op::Glued => match token {
                    Some(token) if !token.after_space => {}
                    _ => return,
                },
                Op::Spaced => match token {
                    Some(token) if token.after_space => {}
                    _ => return,
                },
                Op::Split(first, second) => {
                    if self.depth >= DEEPEST {
                        return;
                    }
                    self.depth += 1;
                    self.run(ops, *first, at, slots, done);
                    self.depth -= 1;
                    pc = *second;
                    continue;
                }
                Op::Jump(to) => {
                    pc = *to;
                    continue;
                }
                Op::Look { wanted, then } => {
                    let mut seen = false;
                    self.run(ops, pc + 1, at, slots, &mut |_, _, _| seen = true);
                    if seen != *wanted {
                        return;
                    }
                    pc = *then;
                    continue;
                }
                Op::Before { tests, glued, wanted } => {
                    let apart = token.is_none_or(|token| token.after_space);
                    let seen = at > 0
                        && !(*glued && apart)
                        && tests.iter().any(|test| {
                            let previous = &self.text.tokens[at - 1];
                            match test {
                                Previous::Word(word) => previous.word == *word,
                                Previous::Kind(kind) => previous.kind == *kind,
                            }
                        });
                    if seen != *wanted {
                        return;
                    }
                }
                Op::AtStart if at == 0 => {}
                Op::AtEnd if at == self.text.tokens.len() => {}
                Op::AtStart | Op::AtEnd => return,
                Op::Done => {
                    done(self, at, &slots[..]);
                    return;
                }
            }
            pc += 1;
        }
    }
}
