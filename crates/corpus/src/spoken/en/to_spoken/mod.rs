//! Written text as it is read aloud: where a word or a number begins, the longest rule wins, and of
//! two as long the one that stands first. What no rule knows stays as it was.

mod address;
mod date;
mod electronic;
mod measure;
mod money;
mod number;
mod reader;
mod serial;
mod spacing;
mod symbols;
mod telephone;
mod time;
mod words;

use reader::{Reader, Said};
use spacing::Spaced;

use crate::normalise::is_statement;
use crate::spoken::Options;

/// A rule reads on from a place.
type Rule = fn(Reader) -> Option<Said>;

/// Rules of what begins with a letter.
const OF_LETTERS: [Rule; 13] = [
    symbols::days,
    symbols::abbreviation,
    symbols::ssn,
    symbols::saint,
    symbols::initials,
    electronic::address,
    serial::version,
    date::month_first,
    date::years,
    money::money,
    address::state,
    number::roman,
    serial::serial,
];

/// Rules of what begins with a digit, a sign or a mark.
const OF_OTHERS: [Rule; 30] = [
    symbols::verbatim,
    symbols::abbreviation,
    telephone::telephone,
    telephone::machine,
    telephone::abroad,
    telephone::local,
    telephone::social_security,
    electronic::address,
    date::digits_alone,
    date::day_first,
    date::years,
    date::decade,
    date::year_of_era,
    date::quarter,
    time::time,
    time::hours,
    money::money,
    money::mark_behind,
    address::street,
    measure::inches,
    number::ordinal,
    number::fraction,
    measure::measure,
    measure::same_units,
    measure::parts_of_unit,
    measure::range,
    number::number_alone,
    serial::version,
    serial::serial,
    symbols::mark,
];

/// The text as it is read aloud.
pub(in crate::spoken) fn to_spoken(text: &str, options: &Options) -> String {
    text.split_inclusive('\n').map(|line| line_to_spoken(line, options)).collect()
}

fn line_to_spoken(text: &str, options: &Options) -> String {
    if is_statement(text) {
        return text.to_owned();
    }
    let mut out = Spaced::new(text, options);
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let reader = Reader::new(text, at, options.conventions);
        if let Some(said) = longest(reader, first) {
            out.rewrite(at, &said);
            at += said.len;
        } else if first.is_alphanumeric() {
            let of_word = |next: char| next.is_alphanumeric() || next == '_';
            at += text[at..].find(|next| !of_word(next)).unwrap_or(text.len() - at);
        } else {
            at += first.len_utf8();
        }
    }
    out.finish()
}

fn longest(reader: Reader, first: char) -> Option<Said> {
    let rules: &[Rule] = if first.is_alphabetic() { &OF_LETTERS } else { &OF_OTHERS };
    let mut best: Option<Said> = None;
    for said in rules.iter().filter_map(|rule| rule(reader)) {
        if best.as_ref().is_none_or(|best| said.len > best.len) {
            best = Some(said);
        }
    }
    best
}
