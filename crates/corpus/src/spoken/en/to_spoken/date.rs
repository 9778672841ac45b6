//! Dates, years, decades and eras.

use super::number::is_year;
use super::reader::{Reader, Said};
use super::words::{below_hundred, number, ordinal_of, plural, year};
use crate::spoken::Conventions;
use crate::spoken::en::tables::MONTHS;

/// A month, in full or short, with or without its point.
fn month(reader: &mut Reader) -> Option<&'static str> {
    let mut next = *reader;
    let word = next.letters();
    let short = word.len() == 3 || word.eq_ignore_ascii_case("sept");
    let month = MONTHS.iter().find(|month| {
        let begins = month.get(..word.len()).is_some_and(|m| m.eq_ignore_ascii_case(word));
        begins && (short || word.len() == month.len())
    })?;
    if short {
        next.eat(".");
    }
    *reader = next;
    Some(month)
}

/// A day of the month in digits, with or without its suffix.
fn day<'t>(reader: &mut Reader<'t>) -> Option<&'t str> {
    let mut next = *reader;
    let day = next.digits(1, 2).filter(|day| (1..=31).contains(&number(day)))?;
    let mut suffixed = next;
    let suffix = suffixed.letters().to_ascii_lowercase();
    if matches!(suffix.as_str(), "st" | "nd" | "rd" | "th") {
        next = suffixed;
    }
    if !next.at_number_end() || matches!(next.peek(), Some(':' | '%' | '/')) {
        return None;
    }
    *reader = next;
    Some(day)
}

/// A year of four digits that no digit follows.
fn four_digits<'t>(reader: &mut Reader<'t>) -> Option<&'t str> {
    let mut next = *reader;
    let year = next.digits(4, 4).filter(|_| next.at_number_end())?;
    *reader = next;
    Some(year)
}

/// A date in the order of the conventions.
fn date(reader: &Reader, day: &str, month: &str, day_first: bool) -> String {
    let day = ordinal_of(day);
    if !day_first {
        return format!("{month} {day}");
    }
    let before = reader.before();
    let the = if before.ends_with("the ") || before.ends_with("The ") { "" } else { "the " };
    format!("{the}{day} of {month}")
}

/// Rule: `Jan. 15 2020`, `august 23, 2002`, `Dec 2011`.
pub(super) fn month_first(mut reader: Reader) -> Option<Said> {
    let we_text = reader.conventions == Conventions::WeText;
    let month = month(&mut reader)?;
    let mark = reader.eat_any(&[' ', '-'])?;
    if let Some(digits) = four_digits(&mut reader) {
        return reader.say(format!("{month} {}", year(digits)));
    }
    let first = day(&mut reader)?;
    let mut said = date(&reader, first, month, we_text);
    let mut next = reader;
    if mark == ' '
        && next.eat_any(&['-', '–']).is_some()
        && let Some(last) = day(&mut next).filter(|last| number(last) > number(first))
    {
        said = format!("{said} to {}", ordinal_of(last));
        reader = next;
    }
    next = reader;
    let comma = if mark == ' ' && next.eat(",") { "," } else { "" };
    let same = next.eat_any(&[mark]).is_some();
    match four_digits(&mut next).filter(|_| same) {
        Some(digits) => next.say(format!("{said}{comma} {}", year(digits))),
        None => reader.say(said),
    }
}

/// Rule: `25th july 2012`, `4 March`.
pub(super) fn day_first(mut reader: Reader) -> Option<Said> {
    let day = day(&mut reader)?;
    let mark = reader.eat_any(&[' ', '-'])?;
    if mark == ' ' {
        reader.eat("of ");
    }
    let month = month(&mut reader).filter(|_| reader.at_end())?;
    let said = date(&reader, day, month, true);
    let mut next = reader;
    let comma = if mark == ' ' && next.eat(",") { "," } else { "" };
    let same = next.eat_any(&[mark]).is_some();
    match four_digits(&mut next).filter(|_| same) {
        Some(digits) => next.say(format!("{said}{comma} {}", year(digits))),
        None => reader.say(said),
    }
}

/// Rule: `2012-01-05`, `01.10.2010`, `11/17/05`.
pub(super) fn digits_alone(mut reader: Reader) -> Option<Said> {
    let we_text = reader.conventions == Conventions::WeText;
    let first = reader.digits(1, 4)?;
    let mark = reader.eat_any(&['-', '/', '.'])?;
    let second = reader.digits(1, 2)?;
    reader.eat_any(&[mark])?;
    let third = reader.digits(1, 4)?;
    if !reader.at_number_end() || matches!(reader.peek(), Some('-' | '/')) {
        return None;
    }
    let is_month = |digits: &str| (1..=12).contains(&number(digits));
    let is_day = |digits: &str| (1..=31).contains(&number(digits));
    let (day, month, digits, day_first) = if first.len() == 4 && third.len() <= 2 {
        (third, second, first, we_text)
    } else if third.len() == 4 || third.len() == 2 && first.len() <= 2 && mark == '/' {
        match is_month(first) {
            true if is_day(second) => (second, first, third, we_text),
            _ => (first, second, third, true),
        }
    } else {
        return None;
    };
    if !is_month(month) || !is_day(day) {
        return None;
    }
    let said = date(&reader, day, MONTHS[number(month) - 1], day_first);
    reader.say(format!("{said} {}", year(digits)))
}

/// A decade: `1980s`, `80s`, `'70s`.
pub(super) fn decade_words(reader: &mut Reader) -> Option<String> {
    let mut next = *reader;
    next.eat_any(&['\'', '’']);
    let digits = next.run(|next| next.is_ascii_digit());
    if !matches!(digits.len(), 2 | 4) || !digits.ends_with('0') {
        return None;
    }
    if digits.len() == 4 {
        next.eat(" ");
    }
    if !next.eat("s") || !next.at_end() {
        return None;
    }
    let words = year(digits);
    *reader = next;
    Some(plural(&words))
}

/// Rule: a decade alone.
pub(super) fn decade(mut reader: Reader) -> Option<Said> {
    let words = decade_words(&mut reader)?;
    reader.say(words)
}

/// Rule: `340 A.D`, `2024 BC`.
pub(super) fn year_of_era(mut reader: Reader) -> Option<Said> {
    let digits = reader.digits(1, 4)?;
    reader.eat(" ");
    let eras = ["B.C.E", "BCE", "B.C", "BC", "C.E", "CE", "A.D", "AD"];
    let era = eras.iter().find(|era| {
        let mut next = reader;
        next.eat(era) && next.at_end()
    })?;
    reader.eat(era);
    if era.contains('.') {
        reader.eat(".");
    }
    reader.say(format!("{} {}", year(digits), era.replace('.', "")))
}

/// Rule: `3Q22`.
pub(super) fn quarter(mut reader: Reader) -> Option<Said> {
    let quarter = reader.digits(1, 1).filter(|quarter| (1..=4).contains(&number(quarter)))?;
    if !reader.eat("Q") {
        return None;
    }
    let digits = reader.run(|next| next.is_ascii_digit());
    if !matches!(digits.len(), 2 | 4) || !reader.at_end() {
        return None;
    }
    reader.say(format!("the {} quarter of {}", ordinal_of(quarter), year(digits)))
}

/// Rule: `1960s-80s`, `1960-80`, `mid-1980s`.
pub(super) fn years(mut reader: Reader) -> Option<Said> {
    let from = reader.letters();
    if !from.is_empty() {
        if !matches!(from, "mid" | "early" | "late" | "pre" | "post" | "Mid") || !reader.eat("-") {
            return None;
        }
        let words = decade_words(&mut reader)?;
        return reader.say(format!("{from} {words}"));
    }
    if let Some(first) = decade_words(&mut reader) {
        reader.eat_any(&['-', '–'])?;
        let second = decade_words(&mut reader)?;
        return reader.say(format!("{first} to {second}"));
    }
    let first = reader.digits(4, 4).filter(|first| is_year(first, Conventions::Nemo))?;
    let mark = reader.eat_any(&['-', '/'])?;
    let second = reader.run(|next| next.is_ascii_digit());
    let follows = match second.len() {
        // `2019/20` is one season.
        2 if mark == '/' => number(second) == number(&first[2..]) + 1,
        4 if mark == '/' => false,
        2 => number(second) > number(&first[2..]),
        4 => number(second) > number(first) && is_year(second, Conventions::Nemo),
        _ => false,
    };
    if !follows || !reader.at_number_end() || reader.peek() == Some('-') {
        return None;
    }
    let second = if second.len() == 2 { below_hundred(number(second)) } else { year(second) };
    reader.say(format!("{} to {second}", year(first)))
}
