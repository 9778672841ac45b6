//! Marks and abbreviations that are said as words.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::reader::{Reader, Said};
use crate::spoken::en::tables::pairs;

static SPOKEN: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| pairs(include_str!("../tables/spoken.tsv")));

/// What is a title or a part of a name before a name alone.
const BEFORE_A_NAME: [&str; 8] = ["Mt.", "Ft.", "Gen.", "Col.", "Rep.", "Pres.", "Sen.", "Gov."];

/// The days of a week, for ranges of them.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Rule: a word of the table of abbreviations.
pub(super) fn abbreviation(mut reader: Reader) -> Option<Said> {
    let chunk = reader.run(|next| next.is_alphanumeric() || matches!(next, '.' | '&' | '-' | '/'));
    let spoken = SPOKEN.get(chunk)?;
    let next = reader.rest().strip_prefix(' ').and_then(|rest| rest.chars().next());
    let number = next.is_some_and(|next| next.is_ascii_digit());
    // `Sun.` and `No.` may be words at a sentence's end.
    let told = if chunk == "No." {
        number
    } else if DAYS.iter().any(|day| chunk.starts_with(day)) {
        number || reader.rest().starts_with(',')
    } else if BEFORE_A_NAME.contains(&chunk) {
        next.is_some_and(char::is_uppercase)
    } else {
        true
    };
    told.then(|| reader.say(*spoken)).flatten()
}

/// A day of the week by its short name, with or without its point.
fn day(reader: &mut Reader) -> Option<&'static str> {
    let word = reader.letters();
    if !(3..=5).contains(&word.len()) || !DAYS.iter().any(|day| word.starts_with(day)) {
        return None;
    }
    reader.eat(".");
    SPOKEN.get(format!("{word}.").as_str()).copied()
}

/// Rule: `Mon.-Sun.`.
pub(super) fn days(mut reader: Reader) -> Option<Said> {
    let first = day(&mut reader)?;
    reader.eat_any(&['-', '–'])?;
    let second = day(&mut reader).filter(|_| reader.at_end())?;
    reader.say(format!("{first} to {second}"))
}

/// Rule: letters with points or spaces between: `U.S.A`, `C. S. Lewis`.
pub(super) fn initials(mut reader: Reader) -> Option<Said> {
    let mut letters = String::new();
    let mut spaced = false;
    loop {
        let mut next = reader;
        if !letters.is_empty() && next.eat(" ") {
            spaced = true;
        }
        let Some(letter) = next.peek().filter(char::is_ascii_uppercase) else { break };
        next.skip(1);
        if !next.eat(".") {
            break;
        }
        letters.push(letter);
        reader = next;
    }
    if letters.len() < 2 {
        return None;
    }
    // The last point is the sentence's, unless the sentence goes on.
    let goes_on = reader
        .rest()
        .strip_prefix(' ')
        .is_some_and(|rest| spaced || rest.starts_with(|first: char| first.is_lowercase()));
    let len = reader.say("")?.len - usize::from(!goes_on);
    Some(Said { len, text: letters })
}

/// Rule: a mark that is said where it stands by itself or in a word: `#`, `+`, `§`.
pub(super) fn mark(mut reader: Reader) -> Option<Said> {
    let mark = reader.peek()?;
    let before = reader.before().chars().next_back();
    reader.skip(mark.len_utf8());
    let alone = |next: Option<char>| next.is_none_or(char::is_whitespace);
    let within = |next: Option<char>| next.is_some_and(char::is_alphanumeric);
    let free = alone(before) && alone(reader.peek());
    let word = match mark {
        '§' => "section",
        '#' if within(before) || within(reader.peek()) => "hash",
        '$' => "dollar",
        '€' => "euro",
        '£' => "pound",
        '@' => "at",
        '%' if free => "percent",
        '+' if free || within(reader.peek()) && before != Some('+') => "plus",
        '=' if free || within(before) && within(reader.peek()) => "equals",
        '&' if free => "and",
        '/' if free || within(before) => "slash",
        '×' => "x",
        '-' | '−' if free && in_equation(&reader) => "minus",
        '*' if free && in_equation(&reader) => "times",
        '÷' if free => "divided by",
        '°' => "degrees",
        _ => return None,
    };
    reader.say(word)
}

/// Whether a mark stands in an equation: a number or a letter on both sides, and `=` nearby.
fn in_equation(reader: &Reader) -> bool {
    let (before, after) = (reader.shortly_before().trim_end(), reader.rest());
    let operand = |c: char| c.is_alphanumeric() || c == ')' || c == '(';
    let nearby = |text: &str| text.contains('=');
    before.ends_with(operand)
        && after.trim_start().starts_with(operand)
        && (nearby(after) || before.rsplit(' ').take(6).any(nearby))
}

/// Rule: `St. George`, where no name of a street stands before it.
pub(super) fn saint(mut reader: Reader) -> Option<Said> {
    if !reader.eat("St. ") || !reader.peek().is_some_and(char::is_uppercase) {
        return None;
    }
    let before = reader.shortly_before().trim_end();
    let start = before.rfind(' ').map_or(0, |at| at + 1);
    let street = before.get(start..)?.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    (!street || start == 0 && before.is_empty()).then(|| Said { len: 3, text: "Saint".to_owned() })
}

/// Rule: what must stay as it is: tags, and what is in brackets with letters, such as sounds.
pub(super) fn verbatim(reader: Reader) -> Option<Said> {
    let rest = reader.rest();
    let close = match rest.as_bytes().first()? {
        b'<' if rest[1..].starts_with(|next: char| next.is_ascii_alphabetic() || next == '/') => {
            '>'
        }
        b'[' => ']',
        _ => return None,
    };
    let len = rest.char_indices().take(200).find(|(_, next)| *next == close)?.0 + 1;
    let inner = &rest[1..len - 1];
    let letters = close == '>' || inner.contains(char::is_alphabetic);
    (letters && !inner.contains(['<', '['])).then(|| Said { len, text: rest[..len].to_owned() })
}

/// Rule: letters behind `my ssn is` and their like, in capitals before digits.
pub(super) fn ssn(mut reader: Reader) -> Option<Said> {
    let digits = |rest: &str| {
        let rest = rest.trim_start_matches(" is").trim_start_matches([':', ' ']);
        rest.starts_with(|first: char| first.is_ascii_digit())
    };
    (reader.letters() == "ssn" && digits(reader.rest())).then(|| reader.say("SSN")).flatten()
}
