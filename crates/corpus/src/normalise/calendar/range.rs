//! From one time to another.

use jiff::civil::DateTime;

use super::super::grammar::{Constructor, Context};
use super::clock::{afternoon_of, datetime, datetime_part};
use super::duration::{length_of_time, shift};
use super::{
    Ends, Sort, When, days_between, int, midnight, plus_days, plus_months, plus_seconds,
    seconds_between, some, when, ymd,
};

/// The constructors of ranges, by their names in rule files.
pub(crate) fn constructor(name: &str) -> Option<Constructor> {
    Some(match name {
        // date_range(from, to): days, months or years
        "date_range" => |cx, args| date_range(cx, when(args, 0)?, when(args, 1)?).and_then(some),
        // days_range(from day, to day, month stretch): from 4 to 22 this month
        "days_range" => |cx, args| {
            let (a, b, month) = (int(args, 0)?, int(args, 1)?, when(args, 2)?);
            let day = |n: i64| {
                let of = |at: DateTime| ymd(i64::from(at.year()), i64::from(at.month()), n);
                let (past, future) = (midnight(of(month.past.0)?), midnight(of(month.future.0)?));
                let timex = match month.timex.get(..7) {
                    Some(month) if !month.starts_with('(') => format!("{month}-{n:02}"),
                    _ => future.date().to_string(),
                };
                Some(When::new(Sort::Date, timex, (past, past), (future, future)))
            };
            if a >= b {
                return None;
            }
            date_range(cx, &day(a)?, &day(b)?).and_then(some)
        },
        // days_open(from, to): days of the month that is now or the next, or of the last
        "days_open" => |cx, args| {
            let day = |n: i64| super::date::date(cx, None, None, n);
            let (a, b) = (day(int(args, 0)?)?, day(int(args, 1)?)?);
            let near = |start: DateTime| {
                let mut end = b.future.0;
                for candidate in [b.past.0, b.future.0] {
                    if candidate > start {
                        end = candidate;
                        break;
                    }
                }
                (start, end)
            };
            let (past, future) = (near(a.past.0), near(a.future.0));
            let days = days_between(future.0.date(), future.1.date());
            let timex = format!("({},{},P{days}D)", a.timex, b.timex);
            some(When::new(Sort::DateRange, timex, past, future))
        },
        "time_range" => |_, args| time_range(when(args, 0)?, when(args, 1)?).and_then(some),
        // The same of times counted from 0 to 24: the second may still be of the afternoon.
        "time_range_zh" => |_, args| {
            let (a, b) = (when(args, 0)?, when(args, 1)?);
            let mut b = b.clone();
            let hour = b.future.0.hour();
            if !a.twelve_hours && b.future.0 < a.future.0 && (1..12).contains(&hour) {
                b.twelve_hours = false;
                b = afternoon_of(&b);
            }
            time_range(a, &b).and_then(some)
        },
        // short_range(day and part of it, from, to): this evening from seven to half past
        "short_range" => |_, args| {
            let (day_part, a, b) = (when(args, 0)?, when(args, 1)?, when(args, 2)?);
            let (date, part) = day_part.timex.split_once('T')?;
            let of_part = |time: &When| {
                let mut time = time.clone();
                time.twelve_hours = (1..=12).contains(&time.future.0.hour());
                super::clock::in_part(&time, &format!("T{part}"))
            };
            let times = time_range(&of_part(a), &of_part(b))?;
            let day = |at: DateTime| (midnight(at.date()), midnight(at.date()));
            let (past, future) = (day(day_part.past.0), day(day_part.future.0));
            let date = When::new(Sort::Date, date.to_owned(), past, future);
            datetime_part(&date, &times).and_then(some)
        },
        "datetime_range_zh" => {
            |_, args| datetime_range(when(args, 0)?, when(args, 1)?).and_then(some)
        }
        // time_for(time, duration): from 9 for 2.5 hours
        "time_for" => |_, args| {
            let (start, length) = (when(args, 0)?, when(args, 1)?);
            let at = start.future.0;
            let end = shift(at, length, 1);
            let timex =
                format!("({},T{},{})", start.timex, super::clock::hms(end), length_of(length));
            some(When::new(Sort::TimeRange, timex, (at, end), (at, end)))
        },
        // in_half(range, part of the day): between 5 and 6 in the afternoon
        "range_in" => |_, args| {
            let (range, part) = (when(args, 0)?, when(args, 1)?);
            if !range.twelve_hours {
                return some(range.clone());
            }
            let mut range = range.clone();
            range.twelve_hours = false;
            let afternoon = match part.timex.as_str() {
                "TMO" => false,
                "TNI" => range.future.0.hour() >= 5,
                _ => true,
            };
            some(if afternoon { afternoon_of(&range) } else { range })
        },
        // day_part_range(day and part of it, times): last night between 7 and 9
        "day_part_range" => |_, args| {
            let (day_part, times) = (when(args, 0)?, when(args, 1)?);
            let (date, part) = day_part.timex.split_once('T')?;
            let mut times = times.clone();
            if times.twelve_hours {
                times.twelve_hours = false;
                if part != "MO" {
                    times = afternoon_of(&times);
                }
            }
            let day = |at: DateTime| (midnight(at.date()), midnight(at.date()));
            let (past, future) = (day(day_part.past.0), day(day_part.future.0));
            let date = When::new(Sort::Date, date.to_owned(), past, future);
            datetime_part(&date, &times).and_then(some)
        },
        // datetime_range(from, to), either of which may be a time of day alone
        "datetime_range" => |_, args| datetime_range(when(args, 0)?, when(args, 1)?).and_then(some),
        // From now until a time of day or a moment.
        "from_now" => |cx, args| {
            let end = when(args, 0)?;
            let now = cx.reference;
            let at = if end.sort == Sort::Time {
                let candidates = [end.future.0, afternoon_of(end).future.0];
                let ahead = candidates.iter().filter(|at| **at > now).min();
                ahead.copied().unwrap_or(plus_seconds(end.future.0, 86_400))
            } else {
                end.future.0
            };
            let clock = if end.sort == Sort::Time {
                let colon = end.timex.len() > 3;
                let time = if colon {
                    format!("T{:02}:{:02}", at.hour(), at.minute())
                } else {
                    format!("T{:02}", at.hour())
                };
                format!("{}{time}", at.date())
            } else {
                end.timex.clone()
            };
            let seconds = seconds_between(now, at);
            let timex = format!("(PRESENT_REF,{clock},{})", length_of_time(seconds));
            some(When::new(Sort::DateTimeRange, timex, (now, at), (now, at)))
        },
        _ => return None,
    })
}

/// A duration's TIMEX with its parts of hours written as minutes.
fn length_of(length: &When) -> String {
    if length.timex.contains('.') {
        return length_of_time(length.seconds as i64);
    }
    length.timex.clone()
}

/// The first moment of a day or a stretch, and the last day that counts as within it.
fn date_range(cx: &Context, a: &When, b: &When) -> Option<When> {
    let kind = |when: &When| match (when.sort, when.timex.len()) {
        (Sort::DateRange, 4) => 'Y',
        (Sort::DateRange, 7) => 'M',
        _ => 'D',
    };
    // An end that the other's words name the year of: from May to Oct 2020.
    let (mut a, mut b) = (a.clone(), b.clone());
    let no_year = |when: &When| when.timex.starts_with("XXXX-") && !when.timex.contains('W');
    if no_year(&a) && b.definite() && !b.timex.starts_with('X') && b.timex.len() >= 7 {
        let end = b.future.0;
        let back = |at: DateTime| {
            let mut year = i64::from(end.year());
            let of = |year| ymd(year, i64::from(at.month()), i64::from(at.day()));
            if midnight(of(year)?) > end {
                year -= 1;
            }
            of(year)
        };
        let explicit = b.timex == b.future.0.date().to_string() || kind(&b) == 'M';
        if explicit {
            let day = back(a.future.0)?;
            let timex = match kind(&a) {
                'M' => format!("{:04}-{:02}", day.year(), day.month()),
                _ => day.to_string(),
            };
            let is_today = b.timex == cx.reference.date().to_string();
            let timex = if is_today && kind(&a) == 'D' { a.timex.clone() } else { timex };
            let at = midnight(day);
            (a.past, a.future) = ((at, at), (at, at));
            a.timex = timex;
        }
    } else if no_year(&b) && a.definite() && !a.timex.starts_with('X') {
        let start = a.future.0;
        let of = |year: i64| ymd(year, i64::from(b.future.0.month()), i64::from(b.future.0.day()));
        let mut day = of(i64::from(start.year()))?;
        if midnight(day) < start {
            day = of(i64::from(start.year()) + 1)?;
        }
        let at = midnight(day);
        let same_sort = kind(&a) == kind(&b) && a.timex != cx.reference.date().to_string();
        if same_sort && a.sort == Sort::DateRange {
            b.timex = format!("{:04}-{:02}", day.year(), day.month());
        }
        (b.past, b.future) = ((at, at), (at, at));
    }
    let (ka, kb) = (kind(&a), kind(&b));
    let stamp = |when: &When, k: char| match k {
        'Y' => format!("{}-01-01", when.timex),
        'M' => format!("{}-01", when.timex),
        _ if when.sort == Sort::DateRange && !when.timex.starts_with('X') => {
            when.future.0.date().to_string()
        }
        _ => when.timex.clone(),
    };
    let ordered = |start: DateTime, end: DateTime| (start < end).then_some((start, end));
    let (past, future): (Ends, Ends) = if a.definite() && b.definite() {
        let ends = ordered(a.future.0, b.future.0)?;
        (ends, ends)
    } else if no_year(&a) && no_year(&b) {
        let of = |shift: i64| {
            let start = a.future.0;
            let year = i64::from(cx.reference.year()) + shift;
            let first = ymd(year, i64::from(start.month()), i64::from(start.day()))?;
            let end = b.future.0;
            let mut last = ymd(year, i64::from(end.month()), i64::from(end.day()))?;
            if last <= first {
                last = ymd(year + 1, i64::from(end.month()), i64::from(end.day()))?;
            }
            Some((midnight(first), midnight(last)))
        };
        // A month at the end counts until its last day.
        let last =
            |end: DateTime| if kb == 'M' { midnight(plus_months(end.date(), 1)) } else { end };
        let future = (-2..3).filter_map(of).find(|(_, end)| last(*end) >= cx.reference)?;
        let past = (-2..3).rev().filter_map(of).find(|(start, _)| *start <= cx.reference)?;
        (past, future)
    } else {
        let after = |start: DateTime| {
            let mut end = [b.past.0, b.future.0].into_iter().find(|end| *end > start);
            if end.is_none() && b.timex.starts_with("XXXX-W") {
                end = Some(midnight(plus_days(b.future.0.date(), 7)));
            }
            end
        };
        let future = (a.future.0, after(a.future.0)?);
        let past = match after(a.past.0) {
            Some(end) if !a.definite() => (a.past.0, end),
            _ => future,
        };
        (past, future)
    };
    let (start, end) = future;
    let whole_months = start.day() == 1 && end.day() == 1;
    let weeks = a.timex.contains("-W") && b.timex.contains("-W") && a.timex.len() == 8;
    let length = match (ka, kb) {
        _ if weeks && b.timex.len() == 8 => {
            format!("P{}W", days_between(start.date(), end.date()) / 7)
        }
        ('Y', 'Y') => format!("P{}Y", end.year() - start.year()),
        ('M' | 'Y', 'M' | 'Y') if whole_months => format!(
            "P{}M",
            (i32::from(end.year()) - i32::from(start.year())) * 12 + i32::from(end.month())
                - i32::from(start.month())
        ),
        _ => format!("P{}D", days_between(start.date(), end.date())),
    };
    let timex = format!("({},{},{length})", stamp(&a, ka), stamp(&b, kb));
    Some(When::new(Sort::DateRange, timex, past, future))
}

/// Two times of day. Where neither says which half of the day, both may be either.
pub(crate) fn time_range(a: &When, b: &When) -> Option<When> {
    let (mut a, mut b) = (a.clone(), b.clone());
    let clock = |when: &When| {
        let at = when.future.0;
        i64::from(at.hour()) * 60 + i64::from(at.minute())
    };
    let mut either = false;
    match (a.twelve_hours, b.twelve_hours) {
        (true, true) => {
            either = true;
            for time in [&mut a, &mut b] {
                if time.future.0.hour() == 12 {
                    *time = afternoon_of(time);
                }
            }
            if clock(&a) >= clock(&b) {
                b = afternoon_of(&b);
                either = false;
            }
        }
        (true, false) => {
            let other = afternoon_of(&a);
            let at_noon = a.future.0.hour() == 12;
            if (clock(&other) < clock(&b) && (clock(&b) >= 720 || at_noon))
                && (clock(&other) > clock(&a) || at_noon && clock(&a) >= clock(&b))
            {
                a = other;
            }
        }
        (false, true) => {
            let other = afternoon_of(&b);
            if clock(&b) <= clock(&a) && clock(&other) > clock(&a) {
                b = other;
            }
        }
        (false, false) => {}
    }
    let start = a.future.0;
    let mut end = b.future.0;
    if end < start || (end == start && b.timex != a.timex) {
        end = plus_seconds(end, 86_400);
    }
    if end == start {
        return None;
    }
    let length = length_of_time(seconds_between(start, end));
    let timex = format!("({},{},{length})", a.timex, b.timex);
    let mut range = When::new(Sort::TimeRange, timex, (start, end), (start, end));
    range.twelve_hours = either;
    Some(range)
}

/// Two moments, one of which may be a time of day on the day of the other.
fn datetime_range(a: &When, b: &When) -> Option<When> {
    let day_of = |when: &When| {
        let (date, _) = when.timex.split_once('T')?;
        let at = |moment: DateTime| (midnight(moment.date()), midnight(moment.date()));
        Some(When::new(Sort::Date, date.to_owned(), at(when.past.0), at(when.future.0)))
    };
    let time_of = |when: &When| {
        let (_, clock) = when.timex.split_once('T')?;
        let mut time = When::new(Sort::Time, format!("T{clock}"), when.past, when.future);
        time.twelve_hours = when.twelve_hours;
        Some(time)
    };
    match (a.sort, b.sort) {
        (Sort::DateTime, Sort::Time) => {
            let day = day_of(a)?;
            let mut first = time_of(a)?;
            let today = b.future.0.date();
            let clock = first.future.0.time();
            first.future = (today.to_datetime(clock), today.to_datetime(clock));
            datetime_part(&day, &time_range(&first, b)?)
        }
        (Sort::Time, Sort::DateTime) => {
            let day = day_of(b)?;
            let mut second = time_of(b)?;
            let today = a.future.0.date();
            let clock = second.future.0.time();
            second.future = (today.to_datetime(clock), today.to_datetime(clock));
            datetime_part(&day, &time_range(a, &second)?)
        }
        _ => {
            let (mut start, mut end) = (a.clone(), b.clone());
            for moment in [&mut start, &mut end] {
                if moment.sort == Sort::Date {
                    let midnight = When::new(
                        Sort::Time,
                        "T00".to_owned(),
                        (moment.past.0, moment.past.0),
                        (moment.future.0, moment.future.0),
                    );
                    *moment = datetime(moment, &midnight)?;
                }
            }
            let (past, future) = ((start.past.0, end.past.0), (start.future.0, end.future.0));
            if future.1 <= future.0 {
                return None;
            }
            let length = length_of_time(seconds_between(future.0, future.1));
            let timex = format!("({},{},{length})", start.timex, end.timex);
            let mut range = When::new(Sort::DateTimeRange, timex, past, future);
            range.twelve_hours = start.twelve_hours && end.twelve_hours;
            Some(range)
        }
    }
}
