//! Names made of letters and digits: `B2A23C`, `covid-19`, `31/31/100`.

use super::reader::{Reader, Said};
use super::words::{And, below_hundred, cardinal, number, one_by_one};

/// The longest serial, in bytes.
const LONGEST: usize = 200;

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
    let mut words: Vec<String> = Vec::new();
    let mut reader = Reader::bare(part);
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

/// Rule: letters, digits, and `-` and `/` between them.
pub(super) fn serial(mut reader: Reader) -> Option<Said> {
    let chunk = reader.run(|next| next.is_alphanumeric() || matches!(next, '-' | '/'));
    let kept = chunk.trim_end_matches(['-', '/']);
    let has = |what: fn(char) -> bool| kept.contains(what);
    let digits = has(|next| next.is_ascii_digit());
    let letters = has(char::is_alphabetic);
    let strokes = kept.matches('/').count();
    if kept.len() > LONGEST || !digits || !(letters || strokes > 1) {
        return None;
    }
    // `19.5` behind a hyphen is a number of its own.
    if kept.ends_with(|last: char| last.is_ascii_digit()) && kept == chunk && !reader.at_number_end() {
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
