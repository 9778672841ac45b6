//! Digits one by one: telephone numbers, cards, addresses of machines, and serials of letters and
//! digits.

use super::number::{below_hundred, digit};
use super::words::{Place, Written};

/// Digits said one by one, `double five` and `o` among them: words, and digits.
fn digits(place: &Place, n: usize) -> (usize, String) {
    let mut len = 0;
    let mut text = String::new();
    loop {
        let word = place.word(n + len);
        // `eight hundred` among digits is an area's code.
        if let Some(digit) = digit(word).filter(|_| place.word(n + len + 1) == "hundred") {
            let many = (0..7).all(|more| is_digit(place.word(n + len + 2 + more)));
            if !many {
                return (len, text);
            }
            text.push_str(&format!("{digit}00"));
            len += 2;
            continue;
        }
        let times = match word {
            "double" => 2,
            "triple" => 3,
            _ => 1,
        };
        let at = n + len + usize::from(times > 1);
        let Some(digit) = digit(place.word(at)) else { return (len, text) };
        for _ in 0..times {
            text.push_str(&digit.to_string());
        }
        len = at + 1 - n;
    }
}

fn is_digit(word: &str) -> bool {
    digit(word).is_some()
}

/// Digits in the groups that their number suggests: a telephone's, or a card's.
fn grouped(digits: &str) -> String {
    let groups: &[usize] = match digits.len() {
        10.. if digits.len() <= 13 => {
            let (code, rest) = digits.split_at(digits.len() - 10);
            let rest = format!("{}-{}-{}", &rest[..3], &rest[3..6], &rest[6..]);
            return if code.is_empty() { rest } else { format!("{code} {rest}") };
        }
        14 => &[4, 6, 4],
        15 => &[4, 6, 5],
        16 => &[4, 4, 4, 4],
        17 => &[3, 4, 6, 4],
        _ => return digits.to_owned(),
    };
    let mut rest = digits;
    let mut words = Vec::new();
    for &len in groups {
        let (group, more) = rest.split_at(len);
        words.push(group);
        rest = more;
    }
    words.join(" ")
}

/// Rule: three digits and more, one by one, as a telephone's where there are enough.
pub(super) fn telephone(place: &Place) -> Option<Written> {
    if place.word(0) == "plus" {
        return with_country(place);
    }
    let (len, text) = digits(place, 0);
    // `o` alone begins no number of a few digits.
    if text.len() < 3 || place.word(0) == "o" && text.len() < 7 {
        return None;
    }
    Written::new(len, grouped(&text))
}

/// `plus forty four one two three …`.
fn with_country(place: &Place) -> Option<Written> {
    let (code_len, code) = match below_hundred(place, 1).filter(|&(_, code)| code > 9) {
        Some((len, code)) => (len, code.to_string()),
        None => (0, String::new()),
    };
    let (len, text) = digits(place, 1 + code_len);
    let text = code + &text;
    if !(11..=13).contains(&text.len()) {
        return None;
    }
    Written::new(1 + code_len + len, format!("+{}", grouped(&text)))
}

/// Rule: `SSN is seven double nine one two three double one three`.
pub(super) fn social_security(place: &Place) -> Option<Written> {
    let names = ["ssn", "s s n", "social security number"];
    let (len, name) = names.iter().find_map(|name| Some((place.phrase(0, name)?, name)))?;
    // Letters said one by one are joined, in their case.
    let between = if *name == "s s n" { "" } else { " " };
    let name: Vec<&str> = (0..len).map(|n| place.text(n)).collect();
    let is = usize::from(place.word(len) == "is");
    let (more, text) = digits(place, len + is);
    if text.len() != 9 {
        return None;
    }
    let number = format!("{}-{}-{}", &text[..3], &text[3..5], &text[5..]);
    let is_text = if is == 1 { format!(" {}", place.text(len)) } else { String::new() };
    Written::new(len + is + more, format!("{}{is_text} {number}", name.join(between)))
}

/// A number of an address: digits, or `forty five`, or `one twenty three`.
fn octet(place: &Place, n: usize) -> Option<(usize, String)> {
    let (mut len, mut text) = digits(place, n);
    if let Some((more, value)) = below_hundred(place, n + len).filter(|&(_, value)| value > 9) {
        len += more;
        text.push_str(&value.to_string());
    }
    (1..=3).contains(&text.len()).then_some((len, text))
}

/// Rule: `one two three dot one two three dot o dot four o`.
pub(super) fn machine(place: &Place) -> Option<Written> {
    let (mut len, mut text) = octet(place, 0)?;
    for _ in 0..3 {
        if place.word(len) != "dot" {
            return None;
        }
        let (more, octet) = octet(place, len + 1)?;
        len += 1 + more;
        text = format!("{text}.{octet}");
    }
    Written::new(len, text)
}

/// Rule: single letters and numbers, `x eighty six`, `five w k r a three one`.
pub(super) fn serial(place: &Place) -> Option<Written> {
    let (mut len, mut text) = (0, String::new());
    let (mut n_letters, mut n_numbers) = (0, 0);
    loop {
        let word = place.word(len);
        let after_number = text.ends_with(|last: char| last.is_ascii_digit());
        if word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            if word == "o" && after_number && digit(place.word(len + 1)).is_some() {
                text.push('0');
            } else {
                text.push_str(place.text(len));
                n_letters += 1;
            }
            len += 1;
        } else if let Some((more, value)) = below_hundred(place, len) {
            text.push_str(&value.to_string());
            n_numbers += 1;
            len += more;
        } else {
            break;
        }
    }
    // `a` and `i` are words where they are the only letter.
    let words =
        n_letters == 1 && (["a", "i"].contains(&place.word(0)) || !starts_with_letter(&text));
    (n_letters > 0 && n_numbers > 0 && !words).then_some(Written { n_words: len, text })
}

fn starts_with_letter(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
}
