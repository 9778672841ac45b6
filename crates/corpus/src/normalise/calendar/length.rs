//! Distances from the reference as JioNLP counts them: by days, a year being 365, and as exact as
//! their unit is, so that `three years ago` is a year and `half an hour ago` a moment.

use jiff::civil::{Date, DateTime};

use super::date::monday;
use super::duration::parts;
use super::first_last::Stretch;
use super::{When, midnight, plus_days, plus_months, plus_seconds, ymd};

/// How exact a distance is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Grain {
    Year,
    Month,
    Week,
    Day,
    /// Of so many seconds.
    Clock(i64),
}

/// Seconds of a unit, by its letters in a TIMEX.
fn seconds(unit: &str) -> f64 {
    match unit {
        "Y" => 365.0 * 86_400.0,
        "M" => 365.0 / 12.0 * 86_400.0,
        "W" => 604_800.0,
        "H" => 3600.0,
        "TM" => 60.0,
        "S" => 1.0,
        _ => 86_400.0,
    }
}

/// The exactness of a duration is that of its smallest unit; half a year is one of months.
fn grain(length: &When) -> Grain {
    let parts = parts(&length.timex);
    let Some((n, unit)) = parts.last() else { return Grain::Day };
    match (unit.as_str(), n.fract() == 0.0) {
        ("Y", true) => Grain::Year,
        ("Y", false) | ("M", _) => Grain::Month,
        ("W", _) => Grain::Week,
        ("H" | "TM" | "S", _) => Grain::Clock(seconds(unit) as i64),
        _ => Grain::Day,
    }
}

/// The moment so long after, or before for `sign` -1; by the calendar for whole years and months.
fn moved(at: DateTime, length: &When, sign: i64, by_calendar: bool) -> DateTime {
    let parts = parts(&length.timex);
    let whole = parts.iter().all(|(n, unit)| n.fract() == 0.0 && matches!(&**unit, "Y" | "M"));
    if by_calendar && whole {
        let months: i64 =
            parts.iter().map(|(n, unit)| *n as i64 * if unit == "Y" { 12 } else { 1 }).sum();
        return plus_months(at.date().first_of_month(), sign * months).to_datetime(at.time());
    }
    let sum: f64 = parts.iter().map(|(n, unit)| n * seconds(unit)).sum();
    plus_seconds(at, sign * sum.round() as i64)
}

/// The first and the last second of the year, month, week or day that a moment is in.
fn around(at: DateTime, grain: Grain) -> (DateTime, DateTime) {
    let day = at.date();
    let month = |day: Date, n| (day.first_of_month(), plus_months(day.first_of_month(), n));
    let (start, end) = match grain {
        Grain::Year => {
            let first = ymd(i64::from(day.year()), 1, 1).unwrap_or(day);
            (first, plus_months(first, 12))
        }
        Grain::Month => month(day, 1),
        Grain::Week => (monday(day), plus_days(monday(day), 7)),
        Grain::Day => (day, plus_days(day, 1)),
        Grain::Clock(_) => return (at, at),
    };
    (midnight(start), plus_seconds(midnight(end), -1))
}

/// So long before or after: a year, a month, a week, a day, or the unit of the clock at that end.
pub(super) fn ago(now: DateTime, length: &When, sign: i64) -> Stretch {
    let at = moved(now, length, sign, true);
    let (first, last) = match grain(length) {
        Grain::Clock(unit) if sign < 0 => {
            (plus_seconds(at, -unit.min(length.seconds.round() as i64)), at)
        }
        Grain::Clock(unit) => (at, plus_seconds(at, unit)),
        grain => around(at, grain),
    };
    let to_now = sign > 0 && grain(length) == Grain::Clock(3600);
    Stretch { to_now, ..Stretch::new(Some(first), Some(last)) }
}

/// Everything earlier than so long before, or later than so long after.
pub(super) fn beyond(now: DateTime, length: &When, sign: i64) -> Stretch {
    let (first, last) = around(moved(now, length, sign, true), grain(length));
    if sign < 0 { Stretch::new(None, Some(last)) } else { Stretch::new(Some(first), None) }
}

/// From now on to so long after.
pub(super) fn within(now: DateTime, length: &When) -> Stretch {
    let grain = match grain(length) {
        Grain::Week => Grain::Day,
        grain => grain,
    };
    let (_, last) = around(moved(now, length, 1, true), grain);
    let to_now = grain == Grain::Clock(3600);
    Stretch { to_now, ..Stretch::new(Some(now), Some(last)) }
}

/// From the year, month or day so long before until now.
pub(super) fn since(now: DateTime, length: &When) -> Stretch {
    let (first, _) = around(moved(now, length, -1, true), grain(length));
    Stretch { to_now: true, ..Stretch::new(Some(first), Some(now)) }
}

/// The last so long, or the next for `sign` 1: of years and months by whole days.
pub(super) fn last_or_next(now: DateTime, length: &When, sign: i64) -> Stretch {
    let at = moved(now, length, sign, false);
    let by_days = matches!(grain(length), Grain::Year | Grain::Month);
    let (first, last) = around(at, if by_days { Grain::Day } else { Grain::Clock(1) });
    if sign < 0 {
        Stretch { to_now: true, ..Stretch::new(Some(first), Some(now)) }
    } else {
        Stretch { to_now: true, ..Stretch::new(Some(now), Some(last)) }
    }
}
