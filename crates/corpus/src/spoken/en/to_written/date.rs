//! Dates, years, decades and eras.

use super::number::{below_hundred, cardinal, ordinal, pair};
use super::time::is_hour;
use super::words::{Place, Written};
use crate::spoken::en::tables::MONTHS;

/// The years that a pair of numbers may be.
const PAIRED_YEARS: std::ops::RangeInclusive<u128> = 10..=21;

/// A year in words: `nineteen seventeen`, `two thousand and nine`.
fn year(place: &Place, n: usize) -> Option<(usize, u128)> {
    if let Some((len, first, second)) = pair(place, n)
        && PAIRED_YEARS.contains(&first)
    {
        return Some((len, first * 100 + second));
    }
    cardinal(place, n).filter(|(_, value)| (1000..3000).contains(value))
}

/// A day of the month, `fifteenth` or `thirty`.
fn day(place: &Place, n: usize) -> Option<(usize, u128)> {
    ordinal(place, n)
        .or_else(|| below_hundred(place, n))
        .filter(|(_, value)| (1..=31).contains(value))
}

/// Rule: a year alone.
pub(super) fn year_alone(place: &Place) -> Option<Written> {
    let (len, first, second) = pair(place, 0)?;
    if is_hour(place, first) || !PAIRED_YEARS.contains(&first) {
        return None;
    }
    Written::new(len, format!("{first}{second:02}"))
}

/// Rule: `nineteen eighties`, `two thousands`, `nineteen hundreds`.
pub(super) fn decade(place: &Place) -> Option<Written> {
    let (len, first) = below_hundred(place, 0)?;
    let word = place.word(len);
    if word == "hundreds" && (10..=20).contains(&first) {
        return Written::new(len + 1, format!("{first}00s"));
    }
    if word == "thousands" && (1..=3).contains(&first) {
        return Written::new(len + 1, format!("{first}000s"));
    }
    let decade = match word {
        "tens" => 10,
        "twenties" => 20,
        "thirties" => 30,
        "forties" => 40,
        "fifties" => 50,
        "sixties" => 60,
        "seventies" => 70,
        "eighties" => 80,
        "nineties" => 90,
        _ => return None,
    };
    PAIRED_YEARS
        .contains(&first)
        .then(|| Written { n_words: len + 1, text: format!("{first}{decade}s") })
}

/// An era's letters: `b c e`, `AD`.
fn era(place: &Place, n: usize) -> Option<(usize, String)> {
    ["b c e", "bce", "b c", "bc", "c e", "ce", "a d", "ad"].iter().find_map(|&spoken| {
        let len = place.phrase(n, spoken)?;
        Some((len, spoken.replace(' ', "").to_ascii_uppercase()))
    })
}

/// Rule: `seven fifty b c`.
pub(super) fn year_of_era(place: &Place) -> Option<Written> {
    let paired = pair(place, 0).map(|(len, first, second)| (len, first * 100 + second));
    let (len, year) = paired.or_else(|| cardinal(place, 0)).filter(|&(_, year)| year > 0)?;
    let (more, era) = era(place, len)?;
    Written::new(len + more, format!("{year}{era}"))
}

/// Rule: `july twenty fifth twenty twelve`, `july two thousand twelve`, `june thirty`.
pub(super) fn month_first(place: &Place) -> Option<Written> {
    if !MONTHS.contains(&place.word(0)) {
        return None;
    }
    let month = place.text(0);
    let with_day = day(place, 1).and_then(|(len, day)| match year(place, 1 + len) {
        Some((more, year)) => Written::new(1 + len + more, format!("{month} {day} {year}")),
        None => Written::new(1 + len, format!("{month} {day}")),
    });
    let with_year =
        year(place, 1).and_then(|(len, year)| Written::new(1 + len, format!("{month} {year}")));
    match (with_day, with_year) {
        // `july fifteen o six` is a year, as a day would leave `o six` behind.
        (Some(day), Some(year)) if year.n_words >= day.n_words => Some(year),
        (Some(day), _) => Some(day),
        (None, year) => year,
    }
}

/// Rule: `the twenty fifth of july twenty twelve`.
pub(super) fn day_first(place: &Place) -> Option<Written> {
    let the = usize::from(place.word(0) == "the");
    let (len, day) = ordinal(place, the).filter(|(_, value)| (1..=31).contains(value))?;
    let of = the + len;
    if place.word(of) != "of" || !MONTHS.contains(&place.word(of + 1)) {
        return None;
    }
    let month = place.text(of + 1);
    match year(place, of + 2) {
        Some((more, year)) => Written::new(of + 2 + more, format!("{day} {month} {year}")),
        None => Written::new(of + 2, format!("{day} {month}")),
    }
}
