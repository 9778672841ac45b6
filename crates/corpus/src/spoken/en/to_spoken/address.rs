//! Streets and states of postal addresses.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::reader::{Reader, Said};
use super::words::{below_hundred, number, one_by_one, ordinal_of, zero};
use crate::spoken::en::tables::pairs;

static STREETS: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| pairs(include_str!("../tables/streets.tsv")));
static STATES: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| pairs(include_str!("../tables/states.tsv")));

/// The words between a house's number and `Street`.
const MOST_WORDS: usize = 4;

/// A house's number: in pairs where it has four digits, `seven zero eight` with a zero within.
fn house(digits: &str) -> String {
    let two = |digits: &str| below_hundred(number(digits));
    match digits.len() {
        1 | 2 => two(digits),
        3 if digits[1..].starts_with('0') => one_by_one(digits, "zero"),
        3 => format!("{} {}", two(&digits[..1]), two(&digits[1..])),
        4 if !digits[2..].starts_with('0') => {
            format!("{} {}", two(&digits[..2]), two(&digits[2..]))
        }
        4 if digits.ends_with("00") => format!("{} hundred", two(&digits[..2])),
        _ => one_by_one(digits, "zero"),
    }
}

fn direction(word: &str) -> Option<&'static str> {
    Some(match word {
        "N" => "North",
        "S" => "South",
        "E" => "East",
        "W" => "West",
        "NE" => "Northeast",
        "NW" => "Northwest",
        "SE" => "Southeast",
        "SW" => "Southwest",
        _ => return None,
    })
}

/// Rule: `708 N 1st St`, `2788 San Tomas Expy`.
pub(super) fn street(mut reader: Reader) -> Option<Said> {
    let mut said = house(reader.digits(1, 5)?);
    for n in 0..=MOST_WORDS {
        if !reader.eat(" ") {
            return None;
        }
        let word = reader.run(char::is_alphanumeric);
        let lower = word.to_ascii_lowercase();
        if let Some(street) = STREETS.get(lower.as_str()).filter(|_| n > 0 && reader.at_end()) {
            reader.eat(".");
            return reader.say(format!("{said} {street}"));
        }
        let digits = word.trim_end_matches(|last: char| last.is_ascii_alphabetic());
        let word = if n == 0
            && let Some(direction) = direction(word)
        {
            reader.eat(".");
            direction.to_owned()
        } else if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            if !matches!(&lower[digits.len()..], "st" | "nd" | "rd" | "th") {
                return None;
            }
            ordinal_of(digits)
        } else if word.starts_with(|first: char| first.is_ascii_uppercase()) {
            word.to_owned()
        } else {
            return None;
        };
        said = format!("{said} {word}");
    }
    None
}

/// Rule: `PA` behind a place and a comma, and the code behind it.
pub(super) fn state(mut reader: Reader) -> Option<Said> {
    let place = reader.before().strip_suffix(", ")?;
    let start = place.rfind(|c: char| !c.is_alphabetic()).map_or(0, |at| at + 1);
    let named = place.get(start..)?.starts_with(|first: char| first.is_ascii_uppercase());
    let state = STATES.get(reader.letters()).filter(|_| named && reader.at_end())?;
    let mut next = reader;
    let comma = if next.eat(",") { "," } else { "" };
    if next.eat(" ")
        && let Some(code) = next.digits(5, 5)
        && next.at_number_end()
    {
        let code = one_by_one(code, zero(reader.conventions));
        return next.say(format!("{state}{comma} {code}"));
    }
    reader.say(*state)
}
