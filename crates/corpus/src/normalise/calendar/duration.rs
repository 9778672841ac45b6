//! Lengths of time.

use jiff::civil::DateTime;

use super::super::grammar::Constructor;
use super::super::number::write_number;
use super::{Sort, When, midnight, plus_days, plus_months, plus_seconds, some, when};

/// Seconds of one unit, by its letters in a TIMEX; `M` is the month, `TM` the minute.
fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "S" => 1.0,
        "TM" => 60.0,
        "H" => 3600.0,
        "D" | "WD" | "BD" => 86_400.0,
        "W" => 604_800.0,
        "WE" => 172_800.0,
        "M" => 2_592_000.0,
        "Q" => 7_776_000.0,
        "Y" => 31_536_000.0,
        _ => return None,
    })
}

/// Whether a duration's TIMEX is of whole days alone.
pub(crate) fn all_days(timex: &str) -> bool {
    !timex.contains('T')
}

/// The constructors of durations, by their names in rule files.
pub(crate) fn constructor(name: &str) -> Option<Constructor> {
    Some(match name {
        // duration(number, unit)
        "duration" => |_, args| {
            let (n, unit) = (args.first()?.real()?, args.get(1)?.text()?);
            duration(n, unit).and_then(some)
        },
        "duration_plus" => |_, args| {
            let (a, b) = (when(args, 0)?, when(args, 1)?);
            let (larger, smaller) = (smallest_unit(&a.timex)?, largest_unit(&b.timex)?);
            if larger <= smaller {
                return None;
            }
            let rest = b.timex.trim_start_matches('P');
            let timex = match (a.timex.contains('T'), rest.strip_prefix('T')) {
                (true, Some(times)) => format!("{}{times}", a.timex),
                _ => format!("{}{rest}", a.timex),
            };
            let mut sum = a.clone().with_timex(timex);
            sum.seconds += b.seconds;
            some(sum)
        },
        "set" => |_, args| some(set(args.first()?.text()?.to_owned())),
        // set_of(time): the same, again and again.
        "set_of" => |_, args| some(set(when(args, 0)?.timex.clone())),
        // set_at(set or day, time)
        "set_at" => |_, args| {
            let (day, time) = (when(args, 0)?, when(args, 1)?);
            let timex = match day.timex.as_str() {
                "P1D" => time.timex.clone(),
                part if part.starts_with('T') => super::clock::in_part(time, part).timex,
                day => format!("{day}{}", time.timex),
            };
            some(set(timex))
        },
        // Every other week: twice as long between.
        "set_double" => |_, args| {
            let timex = args.first()?.text()?.replace('1', "2");
            some(set(timex))
        },
        "set_every" => |_, args| {
            let timex = when(args, 0)?.timex.clone();
            some(set(timex))
        },
        _ => return None,
    })
}

fn set(timex: String) -> When {
    let never = DateTime::MIN;
    let mut set = When::new(Sort::Set, timex, (never, never), (never, never));
    set.resolved = false;
    set
}

/// So many units.
pub(crate) fn duration(n: f64, unit: &str) -> Option<When> {
    let seconds = n * unit_seconds(unit)?;
    let number = write_number(n);
    let timex = match unit {
        "S" | "H" => format!("PT{number}{unit}"),
        "TM" => format!("PT{number}M"),
        "Q" => format!("P{}M", write_number(n * 3.0)),
        _ => format!("P{number}{unit}"),
    };
    let never = DateTime::MIN;
    let mut when = When::new(Sort::Duration, timex, (never, never), (never, never));
    when.seconds = seconds;
    Some(when)
}

/// The parts of a duration's TIMEX: number and unit, minutes being `TM`.
pub(crate) fn parts(timex: &str) -> Vec<(f64, String)> {
    let mut parts = Vec::new();
    let mut in_time = false;
    let (mut number, mut unit) = (String::new(), String::new());
    let mut flush = |number: &mut String, unit: &mut String, in_time: bool| {
        if let Ok(n) = number.parse() {
            let unit = if in_time && unit == "M" { "TM".to_owned() } else { unit.clone() };
            parts.push((n, unit));
        }
        number.clear();
        unit.clear();
    };
    for c in timex.trim_start_matches('P').chars() {
        if c.is_ascii_digit() || c == '.' {
            if !unit.is_empty() {
                flush(&mut number, &mut unit, in_time);
            }
            number.push(c);
        } else if c == 'T' {
            flush(&mut number, &mut unit, in_time);
            in_time = true;
        } else {
            unit.push(c);
        }
    }
    flush(&mut number, &mut unit, in_time);
    parts
}

fn smallest_unit(timex: &str) -> Option<f64> {
    unit_seconds(&parts(timex).last()?.1)
}

fn largest_unit(timex: &str) -> Option<f64> {
    unit_seconds(&parts(timex).first()?.1)
}

/// A moment moved by a duration, forward for `sign` 1 and back for -1.
pub(crate) fn shift(at: DateTime, duration: &When, sign: i64) -> DateTime {
    let mut at = at;
    for (n, unit) in parts(&duration.timex) {
        let whole = n as i64 * sign;
        let is_whole = n.fract() == 0.0;
        at = match unit.as_str() {
            "Y" if is_whole => plus_months(at.date(), whole * 12).to_datetime(at.time()),
            "M" if is_whole => plus_months(at.date(), whole).to_datetime(at.time()),
            "W" if is_whole => plus_days(at.date(), whole * 7).to_datetime(at.time()),
            "D" if is_whole => plus_days(at.date(), whole).to_datetime(at.time()),
            "WD" | "BD" => business_days(at, whole),
            "Y" => {
                let months = (n * 12.0).round() as i64 * sign;
                plus_months(at.date(), months).to_datetime(at.time())
            }
            unit => {
                let seconds = n * unit_seconds(unit).unwrap_or(0.0);
                plus_seconds(at, seconds.round() as i64 * sign)
            }
        };
    }
    at
}

/// Working days later or earlier, Saturday and Sunday being none.
pub(crate) fn business_days(at: DateTime, days: i64) -> DateTime {
    let mut date = at.date();
    let mut left = days.abs().min(10_000);
    while left > 0 {
        date = plus_days(date, days.signum());
        if date.weekday().to_monday_one_offset() <= 5 {
            left -= 1;
        }
    }
    midnight(date).date().to_datetime(at.time())
}

/// How long it is between two moments, as a TIMEX of hours, minutes and seconds.
pub(crate) fn length_of_time(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut timex = String::from("PT");
    for (n, unit) in [(hours, 'H'), (minutes, 'M'), (seconds, 'S')] {
        if n != 0 {
            timex.push_str(&format!("{n}{unit}"));
        }
    }
    if timex == "PT" { "PT0S".to_owned() } else { timex }
}
