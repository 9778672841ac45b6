//! Times of day.

use super::reader::{Reader, Said};
use super::words::{below_hundred, number};
use crate::spoken::en::tables::ZONES;

/// `a.m.`, `PM`: in capitals without points.
fn half_of_day(reader: &mut Reader) -> Option<&'static str> {
    let mut next = *reader;
    next.eat(" ");
    let letter = next.eat_any(&['a', 'A', 'p', 'P'])?;
    let point = next.eat(".");
    next.eat_any(&['m', 'M'])?;
    let point = point && next.eat(".");
    if !point && !next.at_end() {
        return None;
    }
    *reader = next;
    Some(if letter.eq_ignore_ascii_case(&'a') { "AM" } else { "PM" })
}

/// A zone, `est` or `e.s.t`, in capitals.
fn zone(reader: &mut Reader) -> Option<String> {
    let mut next = *reader;
    next.eat(" ");
    let word = next.run(|next| next.is_ascii_alphabetic() || next == '.');
    let letters: String = word.chars().filter(char::is_ascii_alphabetic).collect();
    let known = ZONES.contains(&letters.to_ascii_lowercase().as_str());
    // Two letters, such as `et`, are words unless in capitals.
    let told = letters.len() > 2 || letters.bytes().all(|letter| letter.is_ascii_uppercase());
    if !known || !told || !next.at_end() {
        return None;
    }
    let points = word.len() - word.trim_end_matches('.').len();
    reader.skip(reader.rest().len() - next.rest().len() - points);
    Some(letters.to_ascii_uppercase())
}

/// What follows a time, each with a space before it.
fn suffix(reader: &mut Reader) -> (bool, String) {
    let half = half_of_day(reader);
    let mut text = half.map_or(String::new(), |half| format!(" {half}"));
    if let Some(zone) = zone(reader) {
        text = format!("{text} {zone}");
    }
    (half.is_some(), text)
}

fn counted(n: usize, one: &str) -> String {
    let many = if n == 1 { "" } else { "s" };
    format!("{} {one}{many}", below_hundred(n))
}

/// A time in words, with what follows it.
pub(super) fn time_words(reader: &mut Reader) -> Option<String> {
    let mut next = *reader;
    let hour = number(next.digits(1, 2)?);
    let mark = next.eat_any(&[':', '.']);
    let minute = match mark {
        Some(_) => next.digits(2, 2).map(number)?,
        None => 0,
    };
    if hour > 24 || minute > 59 {
        return None;
    }
    if mark == Some(':') && next.eat(":") {
        let second = next.digits(2, 2).map(number).filter(|second| *second < 60)?;
        if !next.at_number_end() {
            return None;
        }
        let (_, text) = suffix(&mut next);
        let (hours, minutes) = (counted(hour, "hour"), counted(minute, "minute"));
        *reader = next;
        return Some(format!("{hours} {minutes} and {}{text}", counted(second, "second")));
    }
    let (half, text) = suffix(&mut next);
    if !half && (mark != Some(':') || !next.at_number_end() || next.peek() == Some(':')) {
        return None;
    }
    let hour = below_hundred(hour);
    *reader = next;
    Some(match minute {
        0 if half => format!("{hour}{text}"),
        0 => format!("{hour} o'clock{text}"),
        1..10 => format!("{hour} oh {}{text}", below_hundred(minute)),
        _ => format!("{hour} {}{text}", below_hundred(minute)),
    })
}

/// Rule: `5-7 pm`.
pub(super) fn hours(mut reader: Reader) -> Option<Said> {
    let first = number(reader.digits(1, 2)?);
    if !(1..=12).contains(&first) || reader.eat_any(&['-', '–']).is_none() {
        return None;
    }
    let second = time_words(&mut reader).filter(|words| words.ends_with('M'))?;
    reader.say(format!("{} to {second}", below_hundred(first)))
}

/// Rule: `1:59 p.m. est`, `5pm`, `21:51:31`; and `5pm-7 pm`.
pub(super) fn time(mut reader: Reader) -> Option<Said> {
    let first = time_words(&mut reader)?;
    let mut next = reader;
    if next.eat_any(&['-', '–']).is_some()
        && let Some(second) = time_words(&mut next)
    {
        return next.say(format!("{first} to {second}"));
    }
    reader.say(first)
}
