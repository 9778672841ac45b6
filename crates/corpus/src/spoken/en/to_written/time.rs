//! Times of day.

use super::number::{below_hundred, digit, pair};
use super::words::{Place, Written};
use crate::spoken::en::tables::ZONES;

/// `a m`, `p m`, `am`, `P M`: how many words, and how they are written, in their case.
fn half_of_day(place: &Place, n: usize) -> Option<(usize, String)> {
    let letters = |first: &str, second: &str| format!("{first}.{second}.");
    match (place.word(n), place.word(n + 1)) {
        ("a" | "p", "m") => Some((2, letters(place.text(n), place.text(n + 1)))),
        ("am" | "pm" | "a.m." | "p.m.", _) => {
            let text = place.text(n).replace('.', "");
            Some((1, letters(&text[..1], &text[1..])))
        }
        _ => None,
    }
}

/// A zone, `e s t` or `est`, joined, in its case.
fn zone(place: &Place, n: usize) -> Option<(usize, String)> {
    if ZONES.contains(&place.word(n)) {
        return Some((1, place.text(n).to_owned()));
    }
    (2..=4).rev().find_map(|len| {
        let letters = (n..n + len).all(|n| place.word(n).len() == 1);
        let lower: String = (n..n + len).map(|n| place.word(n)).collect();
        let text = || (n..n + len).map(|n| place.text(n)).collect();
        (letters && ZONES.contains(&lower.as_str())).then(|| (len, text()))
    })
}

/// What may follow a time: half of the day, then a zone.
fn suffix(place: &Place, n: usize) -> (usize, String) {
    let mut len = 0;
    let mut text = String::new();
    if let Some((more, half)) = half_of_day(place, n) {
        text = format!(" {half}");
        len = more;
    }
    if let Some((more, zone)) = zone(place, n + len) {
        text = format!("{text} {zone}");
        len += more;
    }
    (len, text)
}

fn clock(n_words: usize, hour: u128, minute: u128, suffix: &str) -> Option<Written> {
    Written::new(n_words, format!("{hour:02}:{minute:02}{suffix}"))
}

fn hour(place: &Place, n: usize) -> Option<(usize, u128)> {
    below_hundred(place, n).filter(|(_, hour)| (1..=24).contains(hour))
}

/// Rule: `eight fifty one`, `eleven o six p m`, `two p m e s t`.
pub(super) fn hour_and_minute(place: &Place) -> Option<Written> {
    if let Some((len, first, second)) = pair(place, 0)
        && first <= 24
        && second < 60
    {
        let (more, text) = suffix(place, len);
        let tells = more > 0 || is_hour(place, first);
        return if tells { clock(len + more, first, second, &text) } else { None };
    }
    let (len, hour) = hour(place, 0)?;
    half_of_day(place, len)?;
    let (more, text) = suffix(place, len);
    clock(len + more, hour, 0, &text)
}

/// Whether the first number of a pair, where nothing else tells, is rather an hour than a century:
/// `ten fifty`, and `eleven fifty` behind `at`.
pub(super) fn is_hour(place: &Place, first: u128) -> bool {
    first <= 10 || first <= 12 && matches!(place.before(), "at" | "until" | "till")
}

/// Rule: `three o'clock`.
pub(super) fn oclock(place: &Place) -> Option<Written> {
    let (len, hour) = hour(place, 0)?;
    let spoken = ["o'clock", "o’clock", "oclock", "o' clock", "o clock"];
    let len = len + spoken.iter().find_map(|spoken| place.phrase(len, spoken))?;
    let (more, text) = suffix(place, len);
    clock(len + more, hour, 0, &text)
}

/// Rule: `quarter past one`, `ten to eleven pm`, `one min to one am`.
pub(super) fn past_or_to(place: &Place) -> Option<Written> {
    let a = usize::from(place.word(0) == "a" && place.word(1) == "quarter");
    let (len, minutes, stated) = match place.word(a) {
        "quarter" => (a + 1, 15, true),
        "half" => (a + 1, 30, true),
        _ => {
            let (len, minutes) = below_hundred(place, 0).filter(|m| (1..60).contains(&m.1))?;
            let stated = matches!(place.word(len), "min" | "mins" | "minute" | "minutes");
            (len + usize::from(stated), minutes, stated)
        }
    };
    let past = match place.word(len) {
        "past" | "after" => true,
        "to" | "till" | "til" | "before" if minutes != 30 => false,
        _ => return None,
    };
    // `ten to eleven` alone may be a range.
    let stated = stated || place.word(len) == "past";
    let (more, hour) = hour(place, len + 1)?;
    // `twenty past hundred`, `quarter to one point five`: no hour.
    if matches!(place.word(len + 1 + more), "hundred" | "thousand" | "million" | "point") {
        return None;
    }
    let len = len + 1 + more;
    let (more, text) = suffix(place, len);
    if !(stated || more > 0) || digit(place.word(len)).is_some() {
        return None;
    }
    let (hour, minute) = match (past, hour) {
        (true, hour) => (hour, minutes),
        (false, 1) => (12, 60 - minutes),
        (false, hour) => (hour - 1, 60 - minutes),
    };
    clock(len + more, hour, minute, &text)
}
