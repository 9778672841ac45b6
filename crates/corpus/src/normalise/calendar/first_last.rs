//! Times by their first and their last second, the form of JioNLP's results.
//!
//! A [`When`] keeps what the words leave open; here one reading is taken, that of the year, month
//! or week of the reference, and written out: a day to its last second, `since 2019` until now.

use std::rc::Rc;

use jiff::civil::DateTime;

use super::super::grammar::{Constructor, Context};
use super::super::value::Value;
use super::date::monday;
use super::length::{ago, beyond, last_or_next, since, within};
use super::{Ends, Sort, When, holiday, int, midnight, plus_days, plus_seconds, some, when};

/// Time by its ends or by its length.
#[derive(Debug, Clone, PartialEq)]
pub enum Period {
    /// From a first to a last second.
    Stretch(Stretch),
    /// A length of time: its parts by their unit in a TIMEX, minutes being `TM`.
    Length(Vec<(f64, String)>),
    /// Lengths between two, of which either may be missing.
    Lengths(Option<Vec<(f64, String)>>, Option<Vec<(f64, String)>>),
    /// What comes again after a length of time, and when it does first.
    Cycle(Vec<(f64, String)>, Option<Stretch>),
}

/// From a first to a last second; without an end that is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Its first second.
    pub first: Option<DateTime>,
    /// Its last second.
    pub last: Option<DateTime>,
    /// Whether the last second is counted from the reference, and is no more exact than that is.
    pub to_now: bool,
}

impl Stretch {
    pub(super) fn new(first: Option<DateTime>, last: Option<DateTime>) -> Stretch {
        Stretch { first, last, to_now: false }
    }
}

/// The constructors of such times, by their names in rule files.
pub(crate) fn constructor(name: &str) -> Option<Constructor> {
    Some(match name {
        "seconds_of" => |cx, args| stretch(seconds_of(cx, when(args, 0)?)?),
        // Times of day on both ends, which are moments.
        "ends_of" => |cx, args| {
            let between = when(args, 0)?;
            let (start, end) = reading(cx, between);
            let to = between.timex.split(',').nth(1).unwrap_or("");
            stretch(Stretch::new(Some(start), Some(to_minute(end, to))))
        },
        // closed(from, to): both ends are within
        "closed" => |cx, args| closed(cx, when(args, 0)?, when(args, 1)?).and_then(stretch),
        // closed_holiday(from, name): the first such day after
        "closed_holiday" => |cx, args| {
            let from = when(args, 0)?;
            let start = reading(cx, from).0;
            let year = i64::from(start.year());
            let day = |year| holiday::date(cx, args.get(1)?.text()?, Some(year));
            let to = [year, year + 1].into_iter().filter_map(day);
            let to = to.into_iter().find(|day| day.future.0 >= start)?;
            closed(cx, from, &to).and_then(stretch)
        },
        "since_time" => |cx, args| {
            let first = seconds_of(cx, when(args, 0)?)?.first;
            stretch(Stretch { to_now: true, ..Stretch::new(first, Some(cx.reference)) })
        },
        // What is after a time that has passed ends now, else never.
        "after_time" => |cx, args| {
            let first = seconds_of(cx, when(args, 0)?)?.first?;
            let passed = first < cx.reference;
            let last = passed.then_some(cx.reference);
            stretch(Stretch { to_now: passed, ..Stretch::new(Some(first), last) })
        },
        "before_time" => {
            |cx, args| stretch(Stretch::new(None, seconds_of(cx, when(args, 0)?)?.last))
        }
        // distance(duration, -1 | 1), and what lies beyond it
        "distance" => |cx, args| stretch(ago(cx.reference, when(args, 0)?, int(args, 1)?)),
        "beyond" => |cx, args| stretch(beyond(cx.reference, when(args, 0)?, int(args, 1)?)),
        "inside" => |cx, args| stretch(within(cx.reference, when(args, 0)?)),
        "since_long" => |cx, args| stretch(since(cx.reference, when(args, 0)?)),
        "last_or_next" => {
            |cx, args| stretch(last_or_next(cx.reference, when(args, 0)?, int(args, 1)?))
        }
        // A day so far away, for the time of day that follows.
        "day_away" => |cx, args| {
            let day = ago(cx.reference, when(args, 0)?, int(args, 1)?).first?;
            some(When::day(day.date()))
        },
        "length_of" => |_, args| period(Period::Length(parts(args, 0)?)),
        // lengths(shortest, longest), either of which may be missing
        "lengths" => |_, args| period(Period::Lengths(parts(args, 0), parts(args, 1))),
        // cycle(duration, time), the time may be missing
        "cycle" => |cx, args| {
            let at = when(args, 1).and_then(|when| seconds_of(cx, when));
            period(Period::Cycle(parts(args, 0)?, at))
        },
        // hours(from, to): a part of the day that is now
        "hours" => |cx, args| {
            let at = |hour: i64| plus_seconds(midnight(cx.reference.date()), hour * 3600);
            let ends = (at(int(args, 0)?), at(int(args, 1)?));
            some(When::new(Sort::TimeRange, String::new(), ends, ends))
        },
        // on_day(day, hours)
        "on_day" => |cx, args| {
            let (day, hours) = (reading(cx, when(args, 0)?).0, when(args, 1)?.future);
            let days = super::days_between(hours.0.date(), day.date());
            let at = |moment| plus_seconds(moment, days * 86_400);
            let ends = (at(hours.0), at(hours.1));
            some(When::new(Sort::TimeRange, String::new(), ends, ends))
        },
        // days_of(stretch, from, to): its days of these numbers, to its end for 0
        "days_of" => |cx, args| {
            let (start, end) = reading(cx, when(args, 0)?);
            let (from, to) = (int(args, 1)?, int(args, 2)?);
            let day = |n| midnight(plus_days(start.date(), n));
            let ends = (day(from - 1), if to == 0 { end } else { day(to) });
            some(When::new(Sort::DateRange, String::new(), ends, ends))
        },
        // months_of(stretch, from, to): its months of these numbers
        "months_of" => |cx, args| {
            let (start, _) = reading(cx, when(args, 0)?);
            let month = |n| midnight(super::plus_months(start.date(), n));
            let ends = (month(int(args, 1)? - 1), month(int(args, 2)?));
            some(When::new(Sort::DateRange, String::new(), ends, ends))
        },
        _ => return None,
    })
}

fn period(period: Period) -> Option<Value> {
    Some(Value::Period(Rc::new(period)))
}

fn stretch(stretch: Stretch) -> Option<Value> {
    period(Period::Stretch(stretch))
}

/// The parts of the duration that an argument is.
fn parts(args: &[Value], at: usize) -> Option<Vec<(f64, String)>> {
    let parts = super::duration::parts(&when(args, at)?.timex);
    (!parts.is_empty()).then_some(parts)
}

/// The reading of the reference's own year, month or week.
fn reading(cx: &Context, when: &When) -> Ends {
    let (now, own) = (cx.reference, when.timex.as_str());
    let is_own = |(start, _): &Ends| {
        if own.starts_with("XXXX-WXX") {
            monday(start.date()) == monday(now.date())
        } else {
            start.year() == now.year()
                && (!own.starts_with("XXXX-XX") || start.month() == now.month())
        }
    };
    // The nineties are those that were.
    let otherwise = if own.starts_with("(XX") { when.past } else { when.future };
    [when.future, when.past].into_iter().find(is_own).unwrap_or(otherwise)
}

/// The first and the last second of a time, by how exactly it was said.
fn seconds_of(cx: &Context, when: &When) -> Option<Stretch> {
    if !when.resolved {
        return None;
    }
    let (start, end) = reading(cx, when);
    let last = last_second(when, start, end);
    Some(Stretch { to_now: when.timex.ends_with("_REF"), ..Stretch::new(Some(start), Some(last)) })
}

fn last_second(when: &When, start: DateTime, end: DateTime) -> DateTime {
    let clock = when.timex.rsplit('T').next().unwrap_or("");
    match when.sort {
        Sort::Date => plus_seconds(midnight(plus_days(start.date(), 1)), -1),
        Sort::Time | Sort::DateTime if !when.timex.ends_with("_REF") => {
            let exact = [3599, 59].get(clock.matches(':').count()).copied().unwrap_or(0);
            plus_seconds(start, exact)
        }
        Sort::DateRange | Sort::TimeRange | Sort::DateTimeRange => plus_seconds(end, -1),
        _ => end,
    }
}

/// An end that was said by the minute includes it; one said by the hour is that moment.
fn to_minute(at: DateTime, timex: &str) -> DateTime {
    plus_seconds(at, if timex.matches(':').count() == 1 { 59 } else { 0 })
}

/// From one time to the next such time after it.
fn closed(cx: &Context, from: &When, to: &When) -> Option<Stretch> {
    let first = reading(cx, from).0;
    let own = reading(cx, to);
    let on_day = |at: DateTime| match to.sort {
        Sort::Time => first.date().to_datetime(at.time()),
        _ => at,
    };
    let year_later = |(start, end): Ends| {
        let years = i64::from(first.year()) - i64::from(start.year());
        let moved = |at: DateTime| super::plus_months(at.date(), 12 * years).to_datetime(at.time());
        (moved(start), moved(end))
    };
    let named = !to.timex.starts_with('X');
    let candidates = if named { vec![own] } else { vec![year_later(own), own, to.past, to.future] };
    let (start, end) = candidates.into_iter().find(|(start, _)| on_day(*start) >= first)?;
    let last = match to.sort {
        Sort::Time | Sort::DateTime => to_minute(on_day(start), &to.timex),
        _ => last_second(to, start, end),
    };
    Some(Stretch::new(Some(first), Some(last)))
}
