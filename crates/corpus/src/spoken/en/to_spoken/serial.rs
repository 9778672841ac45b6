//! Names made of letters and digits: `B2A23C`, `covid-19`, `31/31/100`.

use super::number::ordinal;
use super::reader::{Reader, Said};
use super::words::{And, below_hundred, cardinal, number, one_by_one};

/// A run of digits; `between_marks` where no letter touches it.
fn digits_words(digits: &str, between_marks: bool) -> String {
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    match digits.len() {
        _ if leading_zero => one_by_one(digits, "zero"),
        1 | 2 => below_hundred(number(digits)),
        3 | 4 if between_marks => cardinal(digits, And::Never),
        4 if digits.ends_with("000") => cardinal(digits, And::Never),
        _ => one_by_one(digits, "zero"),
    }
}

/// Letters and digits between marks: words with a space between.
fn part(part: &str) -> String {
    let mut reader = Reader::bare(part);
    if let Some(ordinal) = ordinal(reader).filter(|ordinal| ordinal.len == part.len()) {
        return ordinal.text;
    }
    let mut words: Vec<String> = Vec::new();
    while reader.peek().is_some() {
        let digits = reader.run(|next| next.is_ascii_digit());
        if !digits.is_empty() {
            words.push(digits_words(digits, digits.len() == part.len()));
        }
        let letters = reader.run(|next| !next.is_ascii_digit());
        if !letters.is_empty() {
            words.push(letters.to_owned());
        }
    }
    words.join(" ")
}

/// Rule: `python3.8`, `v1.2.3`, `1.5k`, `1.2.3`: a name, numbers with points between, a letter.
pub(super) fn version(mut reader: Reader) -> Option<Said> {
    let name = reader.letters();
    let mut numbers = Vec::new();
    loop {
        let digits = reader.digits(1, 9)?;
        let first = numbers.is_empty() && !digits.starts_with('0');
        numbers.push(if first { cardinal(digits, And::Never) } else { one_by_one(digits, "zero") });
        let mut next = reader;
        if !next.eat(".") || !next.peek().is_some_and(|next| next.is_ascii_digit()) {
            break;
        }
        reader = next;
    }
    let letters = reader.letters();
    let one_number = numbers.len() == 2 && name.is_empty() && letters.is_empty();
    if numbers.len() < 2 || one_number || letters.len() > 2 || !reader.at_end() {
        return None;
    }
    let words = [name, &numbers.join(" point "), letters];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    reader.say(words.join(" "))
}

/// Rule: letters, digits, and `-` and `/` between them.
pub(super) fn serial(mut reader: Reader) -> Option<Said> {
    let chunk = reader.run(|next| next.is_alphanumeric() || matches!(next, '-' | '/'));
    let kept = chunk.trim_end_matches(['-', '/']);
    let has = |what: fn(char) -> bool| kept.contains(what);
    let digits = has(|next| next.is_ascii_digit());
    let letters = has(char::is_alphabetic);
    let strokes = kept.matches('/').count();
    if !digits || !(letters || strokes > 1) {
        return None;
    }
    // `19.5` behind a hyphen is a number of its own.
    if kept.ends_with(|last: char| last.is_ascii_digit())
        && kept == chunk
        && !reader.at_number_end()
    {
        return None;
    }
    let mut said = String::new();
    for piece in kept.split_inclusive(['-', '/']) {
        let name = piece.trim_end_matches(['-', '/']);
        said.push_str(&part(name));
        said.push_str(&piece[name.len()..]);
    }
    Some(Said { len: kept.len(), text: said })
}
