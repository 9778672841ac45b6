//! What is left out or marked before and after the rules.

use std::borrow::Cow;

use super::data::ERHUA;
use super::options::Chinese;
use super::scan::Scan;
use crate::normalise::token::is_han;
use crate::spoken::{Direction, Lang, Options};

/// What speakers say while they think.
const INTERJECTIONS: &str = "呃啊";

/// Does to a text what the options ask for before rules see it.
pub(super) fn before<'a>(text: &'a str, options: &Chinese) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    if options.half_width {
        text = text.chars().map(half_width).collect();
    }
    if options.without_interjections {
        text = text.chars().filter(|c| !INTERJECTIONS.contains(*c)).collect();
    }
    if options.without_erhua && text.contains('儿') {
        text = without_erhua(&text).into();
    }
    if options.without_punctuation {
        text = text.chars().filter(|&c| !is_punctuation(c)).collect();
    }
    text
}

/// The half-width form of a character.
fn half_width(c: char) -> char {
    match c {
        // Punctuation keeps the width that goes with Han characters.
        '，' | '：' | '；' | '？' | '！' | '（' | '）' => c,
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// Leaves 儿 out behind a Han character where the two are one syllable.
fn without_erhua(text: &str) -> String {
    // Its own options matter to no table.
    let options = Options::new(Lang::Zh, Direction::ToSpoken);
    let scan = Scan::new(text, &options);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    while at < scan.len() {
        let end = match ERHUA.find(&scan, at) {
            Some((end, _)) => end,
            None if scan.at(at) == '儿' && scan.han_before(at) => {
                at += 1;
                continue;
            }
            None => at + 1,
        };
        out.extend(scan.original(at, end));
        at = end;
    }
    out
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || "，。！？；：、“”‘’（）《》〈〉【】「」『』—…·～￥".contains(c)
}

/// Marks letters that are neither Han nor Latin.
pub(super) fn tag_unknown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphabetic() && !is_han(c) && !c.is_ascii() {
            out.extend(["<oov>", c.encode_utf8(&mut [0; 4]), "</oov>"]);
        } else {
            out.push(c);
        }
    }
    out
}
