//! A language: its rules, and the search for what they match.

use std::collections::HashSet;
use std::rc::Rc;

use jiff::civil::DateTime;

use super::grammar::{Constructor, Context, Grammar, RuleError};
use super::machine::Machine;
use super::token::{Kind, Tokens, tokenise};
use super::value::Value;
use super::{calendar, money, number, quantity};

/// Words of the rules that are in every other sentence and speak of nothing alone.
const COMMON: &str = include_str!("rules/en/common.txt");

/// How many words may stand before the first that speaks of a time or a quantity by itself:
/// `the day before the end of the` … .
const LEAD: usize = 8;

/// A language that has rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lang {
    /// English.
    En,
    /// Chinese, in either script.
    Zh,
}

impl Lang {
    /// The language of a code of ISO 639-1, with or without a region: `en`, `zh-CN`.
    pub fn from_code(code: &str) -> Option<Lang> {
        match code.split(['-', '_']).next().unwrap_or("").to_ascii_lowercase().as_str() {
            "en" => Some(Lang::En),
            "zh" => Some(Lang::Zh),
            _ => None,
        }
    }

    fn files(self) -> &'static [&'static str] {
        match self {
            Lang::En => &[
                include_str!("rules/en/number.rules"),
                include_str!("rules/en/time.rules"),
                include_str!("rules/en/quantity.rules"),
            ],
            Lang::Zh => &[
                include_str!("rules/zh/number.rules"),
                include_str!("rules/zh/time.rules"),
                include_str!("rules/zh/clock.rules"),
                include_str!("rules/zh/period.rules"),
                include_str!("rules/zh/quantity.rules"),
                include_str!("rules/zh/money.rules"),
            ],
        }
    }
}

/// The rules of one language, ready to run. They hold shared values, so each thread has its own.
#[derive(Debug)]
pub struct Language {
    grammar: Grammar,
    /// By word of the vocabulary: whether it is more than a word that is in every sentence.
    telling: Vec<bool>,
}

/// An expression that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What it means.
    pub value: Value,
}

impl Language {
    /// Reads the rules of `lang`.
    ///
    /// # Errors
    /// Where a rule file that came with the program is wrong, which a test rules out.
    pub fn new(lang: Lang) -> Result<Language, RuleError> {
        Language::from_files(lang.files())
    }

    /// Reads rules of one's own, of the form that `grammar.rs` describes.
    ///
    /// # Errors
    /// Where a line is no rule, or names what is not there.
    pub fn from_files(files: &[&str]) -> Result<Language, RuleError> {
        let grammar = Grammar::parse(files, find_constructor)?;
        let common: HashSet<&str> =
            COMMON.split_whitespace().map(|word| word.trim_matches('"')).collect();
        let mut telling = vec![false; grammar.vocabulary.len() + 1];
        for (word, number) in &grammar.vocabulary {
            telling[*number as usize] = !common.contains(&**word);
        }
        Ok(Language { grammar, telling })
    }

    /// Everything in `text` that one of the rules named matches: from left to right, the longest
    /// at each place, of equals the rule named first; nothing overlaps. The title of a work, `《…》`,
    /// is a name, and nothing in it is looked at.
    pub fn find(&self, rules: &[&str], text: &str, reference: DateTime) -> Vec<Found> {
        let rules: Vec<u32> = rules.iter().filter_map(|name| self.grammar.find(name)).collect();
        let tokens = tokenise(text, &self.grammar.vocabulary);
        let everywhere = vec![true; tokens.tokens.len()];
        self.search(&rules, &tokens, reference, &everywhere)
    }

    /// The same, but only where a word stands that speaks of a time or a quantity by itself: most
    /// sentences have none, and cost no more than their cutting into words.
    pub fn find_free(&self, rules: &[&str], text: &str, reference: DateTime) -> Vec<Found> {
        let tokens = tokenise(text, &self.grammar.vocabulary);
        let speaks = |token: &super::token::Token| {
            token.kind == Kind::Digits
                || self.telling.get(token.word as usize).copied().unwrap_or(false)
        };
        // By token: whether a telling one stands there or within the next few.
        let mut worth = vec![false; tokens.tokens.len()];
        for (at, token) in tokens.tokens.iter().enumerate() {
            if speaks(token) {
                worth[at.saturating_sub(LEAD)..=at].fill(true);
            }
        }
        if !worth.contains(&true) {
            return Vec::new();
        }
        let rules: Vec<u32> = rules.iter().filter_map(|name| self.grammar.find(name)).collect();
        self.search(&rules, &tokens, reference, &worth)
    }

    /// The search, at the tokens where it is worth it.
    fn search(
        &self,
        rules: &[u32],
        text: &Tokens,
        reference: DateTime,
        worth: &[bool],
    ) -> Vec<Found> {
        let mut machine = Machine::new(&self.grammar, text, Context { reference });
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.tokens.len() {
            if let Some(end) = text.title_end(at) {
                at = end;
                continue;
            }
            if !worth[at] {
                at += 1;
                continue;
            }
            let mut best: Option<(usize, Value)> = None;
            for rule in rules {
                let matches = machine.matches(*rule, at);
                if let Some((end, value)) = matches.last()
                    && *end > at
                    && best.as_ref().is_none_or(|(longest, _)| end > longest)
                {
                    best = Some((*end, value.clone()));
                }
            }
            match best {
                Some((end, value)) => {
                    let (start, last) = (text.tokens[at].start, text.tokens[end - 1].end);
                    found.push(Found { start, end: last, value });
                    at = end;
                }
                None => at += 1,
            }
        }
        found
    }
}

fn find_constructor(name: &str) -> Option<Constructor> {
    number::constructor(name)
        .or_else(|| calendar::constructor(name))
        .or_else(|| quantity::constructor(name))
        .or_else(|| money::constructor(name))
}

thread_local! {
    static ENGLISH: Rc<Language> = Rc::new(
        Language::new(Lang::En).expect("a test reads the English rules")
    );
    static CHINESE: Rc<Language> = Rc::new(
        Language::new(Lang::Zh).expect("a test reads the Chinese rules")
    );
}

/// The rules of `lang`, read once a thread.
pub fn language(lang: Lang) -> Rc<Language> {
    match lang {
        Lang::En => ENGLISH.with(Rc::clone),
        Lang::Zh => CHINESE.with(Rc::clone),
    }
}
