//! Digits that are read one by one: telephone numbers, addresses of machines, social security.

use super::reader::{Reader, Said};
use super::words::one_by_one;

/// A group of a telephone's number; the area code 800 is a number.
fn group(digits: &str) -> String {
    if digits == "800" { "eight hundred".to_owned() } else { one_by_one(digits, "zero") }
}

/// Rule: `+1 (123) 123-5678`, `555.555.5555`, `1-800-GO-U-HAUL`.
pub(super) fn telephone(mut reader: Reader) -> Option<Said> {
    let mut groups: Vec<String> = Vec::new();
    if reader.eat("+") {
        let code = reader.digits(1, 3)?;
        groups.push(format!("plus {}", one_by_one(code, "zero")));
        reader.eat_any(&[' ', '-']);
    } else {
        let mut next = reader;
        if let Some(code) = next.digits(1, 1)
            && next.eat_any(&[' ', '-']).is_some()
        {
            groups.push(one_by_one(code, "zero"));
            reader = next;
        }
    }
    let bracket = reader.eat("(");
    groups.push(group(reader.digits(3, 3)?));
    if bracket && !reader.eat(")") {
        return None;
    }
    let mark = reader.eat_any(&['-', '.', ' ']);
    if mark.is_none() && !bracket {
        return None;
    }
    let mark = mark.filter(|_| !bracket).unwrap_or('-').to_string();
    // Letters instead of digits, behind a code and an area.
    let letters = reader.run(|next| next.is_ascii_uppercase() || next == '-');
    if !letters.is_empty() {
        let named = groups.len() == 2 && letters.len() > 3 && !letters.ends_with('-');
        if !named || !reader.at_end() {
            return None;
        }
        groups.push(letters.replace('-', " "));
        return reader.say(groups.join(", "));
    }
    groups.push(group(reader.digits(3, 3)?));
    if !reader.eat(&mark) && !reader.eat("-") {
        return None;
    }
    groups.push(group(reader.digits(4, 4)?));
    let mut extension = reader;
    if extension.eat("-")
        && let Some(digits) = extension.digits(1, 5)
    {
        groups.push(one_by_one(digits, "zero"));
        reader = extension;
    }
    if !reader.at_number_end() || reader.peek() == Some('-') {
        return None;
    }
    reader.say(groups.join(", "))
}

/// Rule: `+44 20 7946 0958`: a country's code and groups of digits.
pub(super) fn abroad(mut reader: Reader) -> Option<Said> {
    if !reader.eat("+") {
        return None;
    }
    let mut groups = vec![format!("plus {}", one_by_one(reader.digits(1, 3)?, "zero"))];
    let mut next = reader;
    while next.eat_any(&[' ', '-']).is_some()
        && let Some(digits) = next.digits(2, 8)
        && next.at_number_end()
    {
        groups.push(group(digits));
        reader = next;
    }
    (groups.len() > 2).then(|| reader.say(groups.join(", "))).flatten()
}

/// Rule: `555-1234`.
pub(super) fn local(mut reader: Reader) -> Option<Said> {
    let first = reader.digits(3, 3)?;
    if !reader.eat("-") {
        return None;
    }
    let second = reader.digits(4, 4)?;
    let ends = reader.at_number_end() && reader.peek() != Some('-');
    let numbers = [first, second].map(|digits| one_by_one(digits, "zero"));
    ends.then(|| reader.say(numbers.join(", "))).flatten()
}

/// Rule: `123.123.0.40`.
pub(super) fn machine(mut reader: Reader) -> Option<Said> {
    let mut groups = Vec::new();
    for n in 0..4 {
        if n > 0 && !reader.eat(".") {
            return None;
        }
        groups.push(one_by_one(reader.digits(1, 3)?, "zero"));
    }
    let ends = reader.at_number_end();
    ends.then(|| reader.say(groups.join(" dot "))).flatten()
}

/// Rule: `111-11-1111`.
pub(super) fn social_security(mut reader: Reader) -> Option<Said> {
    let mut groups = Vec::new();
    for (n, len) in [3, 2, 4].into_iter().enumerate() {
        if n > 0 && !reader.eat("-") {
            return None;
        }
        groups.push(one_by_one(reader.digits(len, len)?, "zero"));
    }
    let ends = reader.at_number_end() && reader.peek() != Some('-');
    ends.then(|| reader.say(groups.join(", "))).flatten()
}
