//! Stretches of days: weeks, months, quarters, years, and so many of them from now.

use jiff::civil::{Date, DateTime};

use super::super::grammar::{Constructor, Context};
use super::super::value::Value;
use super::date::monday;
use super::duration::shift;
use super::{
    Ends, Sort, When, days_between, int, midnight, plus_days, plus_months, some, when, ymd,
};

/// The constructors of stretches of days, by their names in rule files.
pub(crate) fn constructor(name: &str) -> Option<Constructor> {
    Some(match name {
        // month(year, month), the year may be missing
        "month" => |cx, args| month(cx, int(args, 0), int(args, 1)?).and_then(some),
        // month_of(shift of the year, month)
        "month_of" => |cx, args| {
            let year = i64::from(cx.reference.year()) + int(args, 0)?;
            month(cx, Some(year), int(args, 1)?).and_then(some)
        },
        "year" => |_, args| year(int(args, 0)?).and_then(some),
        // relative(shift, unit): last week, this month, next year
        "relative_period" => {
            |cx, args| relative(cx, int(args, 0)?, args.get(1)?.text()?).and_then(some)
        }
        // The same week: which one it is the words before say.
        "same_period" => |cx, args| {
            let unit = args.first()?.text()?;
            let timex = match unit {
                "W" => "XXXX-WXX",
                "M" => "XXXX-XX",
                "WE" => "XXXX-WXX-WE",
                _ => "XXXX",
            };
            let mut same = relative(cx, 0, unit)?.with_timex(timex.to_owned());
            same.modifier = Some("ref_undef".to_owned());
            some(same)
        },
        // units(duration, 1) and units(duration, -1): the next and the last so many
        "units" => |cx, args| units(cx, when(args, 0)?, int(args, 1)?).and_then(some),
        // decades(n, 1) and decades(n, -1): whole decades after and before this one
        "decades" => |cx, args| {
            let (n, sign) = (int(args, 0)?, int(args, 1)?);
            let this = i64::from(cx.reference.year()).div_euclid(10) * 10;
            let (start, end) =
                if sign < 0 { (this - 10 * n, this) } else { (this + 10, this + 10 + 10 * n) };
            let (start, end) = (ymd(start, 1, 1)?, ymd(end, 1, 1)?);
            let ends = stretch(start, end);
            let timex = format!("({start},{end},P{}Y)", 10 * n);
            some(When::new(Sort::DateRange, timex, ends, ends))
        },
        // quarters(n, 1) and quarters(n, -1): whole quarters after and before this one
        "quarters" => |cx, args| {
            let (n, sign) = (int(args, 0)?, int(args, 1)?);
            let this = relative(cx, 0, "Q")?.future;
            let (start, end) = if sign < 0 {
                (plus_months(this.0.date(), -3 * n), this.0.date())
            } else {
                (this.1.date(), plus_months(this.1.date(), 3 * n))
            };
            let timex = format!("({start},{end},P{}M)", 3 * n);
            let ends = stretch(start, end);
            some(When::new(Sort::DateRange, timex, ends, ends))
        },
        "within_from" => |_, args| within(when(args, 0)?, when(args, 1)?.future.0).and_then(some),
        // edge(stretch, 0 | 1 | 2): the day it begins, the day after its end, its middle
        "edge" => |_, args| {
            let (stretch, which) = (when(args, 0)?, int(args, 1)?);
            let months = |day: Date| format!("{:04}-{:02}", day.year(), day.month());
            let at = |(start, end): Ends| match which {
                0 => start,
                1 => end,
                _ if days_between(start.date(), end.date()) > 360 => {
                    midnight(plus_months(start.date(), 6))
                }
                _ => midnight(plus_days(start.date(), 15)),
            };
            let (past, future) = (at(stretch.past), at(stretch.future));
            let day = future.date();
            let month = if stretch.timex.starts_with('X') {
                format!("XXXX-{:02}", day.month())
            } else {
                months(day)
            };
            let (sort, timex) = if day.day() == 1 {
                (Sort::DateRange, month)
            } else {
                (Sort::Date, format!("{month}-{:02}", day.day()))
            };
            some(When::new(sort, timex, (past, past), (future, future)))
        },
        "no_mod" => |_, args| {
            let mut plain = when(args, 0)?.clone();
            plain.modifier = None;
            some(plain)
        },
        // The middle, the beginning or the end of a day.
        "day_slice" => |_, args| {
            let (day, part) = (when(args, 0)?, args.get(1)?.text()?);
            let hours = match part {
                "mid" => (10, 14),
                "start" => (0, 12),
                _ => (12, 24),
            };
            let at = |hour: i64| super::plus_seconds(day.future.0, hour * 3600);
            let ends = (at(hours.0), at(hours.1));
            let mut slice = When::new(Sort::DateTimeRange, day.timex.clone(), ends, ends);
            slice.modifier = Some(part.to_owned());
            some(slice)
        },
        // within(duration): from now on for so long
        "within" => |cx, args| within(when(args, 0)?, cx.reference).and_then(some),
        // starting(duration, date)
        "starting" => |cx, args| {
            let (length, start) = (when(args, 0)?, when(args, 1)?);
            if start.sort == Sort::DateTime {
                let at = start.future.0;
                let end = shift(at, length, 1);
                let stamp = |at: DateTime| format!("{}T{}", at.date(), super::clock::hms(at));
                let timex = format!("({},{},{})", stamp(at), stamp(end), length.timex);
                return some(When::new(Sort::DateTimeRange, timex, (at, end), (at, end)));
            }
            let reading = |at: DateTime| (at, shift(at, length, 1));
            let (past, future) = (reading(start.past.0), reading(start.future.0));
            // A start in the year that is now is meant, whether or not it has passed.
            let this_year =
                [past, future].into_iter().find(|(at, _)| at.year() == cx.reference.year());
            let ends = this_year.unwrap_or(future);
            let timex = format!("({},{},{})", ends.0.date(), ends.1.date(), length.timex);
            some(When::new(Sort::DateRange, timex, ends, ends))
        },
        "week_of" => |_, args| {
            let date = when(args, 0)?;
            let week = |at: DateTime| {
                let start = monday(at.date());
                (midnight(start), midnight(plus_days(start, 7)))
            };
            let (past, future) = (week(date.past.0), week(date.future.0));
            some(When::new(Sort::DateRange, date.timex.clone(), past, future))
        },
        // week(number, year), the year may be missing
        "week" => |cx, args| {
            let year = int(args, 1).unwrap_or(i64::from(cx.reference.year()));
            week(year, int(args, 0)?).and_then(some)
        },
        "week_in" => |_, args| week_in(int(args, 0)?, when(args, 1)?).and_then(some),
        // first_weeks(n, stretch): the first n whole weeks of a year
        "first_weeks" => |_, args| {
            let (n, year) = (int(args, 0)?, when(args, 1)?);
            let start = week_in(1, year)?.future.0.date();
            let ends = stretch(start, plus_days(start, 7 * n));
            let timex = format!("({},{},P{n}W)", ends.0.date(), ends.1.date());
            some(When::new(Sort::DateRange, timex, ends, ends))
        },
        // The n-th month or quarter of a stretch: the third month of 2021.
        "month_in" => |cx, args| {
            let (n, year) = (int(args, 0)?, when(args, 1)?);
            let year = i64::from(year.future.0.year());
            month(cx, Some(year), if n < 0 { 13 + n } else { n }).and_then(some)
        },
        "quarter" => |cx, args| quarter(cx, int(args, 0)?, int(args, 1)).and_then(some),
        "half_year" => |cx, args| {
            let (half, year) = (int(args, 0)?, int(args, 1));
            let year = year.unwrap_or(i64::from(cx.reference.year()));
            months(year, 6 * half - 5, 6).and_then(some)
        },
        // half_of(stretch of days, 1 or 2), the first half being the longer
        "half_of" => |_, args| {
            let (start, end) = when(args, 0)?.future;
            let middle = midnight(plus_days(
                start.date(),
                if days_between(start.date(), end.date()) > 7 { 15 } else { 3 },
            ));
            let ends = if int(args, 1)? == 1 { (start, middle) } else { (middle, end) };
            let days = days_between(ends.0.date(), ends.1.date());
            let timex = format!("({},{},P{days}D)", ends.0.date(), ends.1.date());
            some(When::new(Sort::DateRange, timex, ends, ends))
        },
        "this_month" => {
            |cx, args| Some(Value::Int(i64::from(cx.reference.month()) + int(args, 0)?))
        }
        "decade" => |cx, args| decade(cx, int(args, 0)?, int(args, 1)).and_then(some),
        "decade_of" => |cx, args| {
            let year = int(args, 0)?;
            (year % 10 == 0)
                .then(|| decade(cx, year % 100, Some(year / 100)))
                .flatten()
                .and_then(some)
        },
        "shift_year" => |cx, args| Some(Value::Int(i64::from(cx.reference.year()) + int(args, 0)?)),
        "century" => |_, args| {
            let n = int(args, 0)?;
            let (start, end) = (ymd(100 * (n - 1), 1, 1)?, ymd(100 * n, 1, 1)?);
            let ends = (midnight(start), midnight(end));
            some(When::new(Sort::DateRange, format!("({start},{end},P100Y)"), ends, ends))
        },
        // season(name, year), the year may be missing
        "season" => |cx, args| {
            let name = args.first()?.text()?;
            let timex = match int(args, 1) {
                Some(year) => format!("{year:04}-{name}"),
                None => name.to_owned(),
            };
            some(unresolved(cx, timex))
        },
        "season_of" => |cx, args| {
            let year = i64::from(cx.reference.year()) + int(args, 0)?;
            some(unresolved(cx, format!("{year:04}-{}", args.get(1)?.text()?)))
        },
        // Years of another reckoning: fiscal years, school years.
        "special_year" => |cx, args| {
            let name = args.first()?.text()?;
            let timex = match int(args, 1) {
                Some(year) => format!("{name}{year:04}"),
                None => format!("{name}XXXX"),
            };
            some(unresolved(cx, timex))
        },
        "special_year_of" => |cx, args| {
            let year = i64::from(cx.reference.year()) + int(args, 1)?;
            some(unresolved(cx, format!("{}{year:04}", args.first()?.text()?)))
        },
        // part_of(stretch, start | mid | end)
        "part_of" => |_, args| part_of(when(args, 0)?, args.get(1)?.text()?).and_then(some),
        // later this month: from now to its end
        "rest_of" => |cx, args| {
            let mut rest = when(args, 0)?.clone();
            let now = midnight(cx.reference.date());
            let end = rest.future.1;
            (rest.past, rest.future) = ((now, end), (now, end));
            some(rest)
        },
        "remaining" => |cx, args| {
            let stretch = when(args, 0)?;
            let (today, last) = (cx.reference.date(), plus_days(stretch.future.1.date(), -1));
            // The rest of a year counts its last day too.
            let long = days_between(stretch.future.0.date(), stretch.future.1.date()) > 360;
            let days = days_between(today, last) + i64::from(long);
            let ends = (midnight(today), midnight(last));
            let timex = format!("({today},{last},P{days}D)");
            (days >= 0).then(|| some(When::new(Sort::DateRange, timex, ends, ends))).flatten()
        },
        // The rest of the day that is now.
        "rest_of_day" => |cx, _| {
            let now = cx.reference;
            let end = super::plus_seconds(midnight(plus_days(now.date(), 1)), -1);
            let stamp = |at: DateTime| format!("{}T{}", at.date(), super::clock::hms(at));
            let seconds = super::seconds_between(now, end);
            let timex = format!("({},{},PT{seconds}S)", stamp(now), stamp(end));
            some(When::new(Sort::DateTimeRange, timex, (now, end), (now, end)))
        },
        "to_date" => |cx, args| {
            let mut stretch = when(args, 0)?.clone();
            let ends = (stretch.future.0, midnight(cx.reference.date()));
            (stretch.past, stretch.future) = (ends, ends);
            some(stretch)
        },
        // The weekend after or around a holiday.
        "weekend_of" => |_, args| {
            let day = when(args, 0)?;
            // A holiday next to the weekend makes it longer.
            let weekend = |at: DateTime| {
                let day = at.date();
                let saturday = plus_days(monday(day), 5);
                let (start, end) = match day.weekday().to_monday_one_offset() {
                    1 => (plus_days(day, -2), plus_days(day, 1)),
                    4 | 5 => (day, plus_days(saturday, 2)),
                    _ => (saturday, plus_days(saturday, 2)),
                };
                (midnight(start), midnight(end))
            };
            let (past, future) = (weekend(day.past.0), weekend(day.future.0));
            let week = future.0.date().iso_week_date();
            let timex = format!("{:04}-W{:02}-WE", week.year(), week.week());
            some(When::new(Sort::DateRange, timex, past, future))
        },
        // months_of(n, year, -1): the last four months of 2021
        "first_or_last" => |_, args| {
            let (length, stretch, sign) = (when(args, 0)?, when(args, 1)?, int(args, 2)?);
            let (start, end) = stretch.future;
            let ends = if sign < 0 {
                (shift(end, length, -1), end)
            } else {
                (start, shift(start, length, 1))
            };
            let timex = format!("({},{},{})", ends.0.date(), ends.1.date(), length.timex);
            some(When::new(Sort::DateRange, timex, ends, ends))
        },
        _ => return None,
    })
}

fn unresolved(cx: &Context, timex: String) -> When {
    let at = cx.reference;
    let mut when = When::new(Sort::DateRange, timex, (at, at), (at, at));
    when.resolved = false;
    when
}

fn stretch(start: Date, end: Date) -> Ends {
    (midnight(start), midnight(end))
}

/// A month, of a year or around the reference.
pub(crate) fn month(cx: &Context, year: Option<i64>, month: i64) -> Option<When> {
    let of = |year: i64| {
        let start = ymd(year, month, 1)?;
        Some(stretch(start, plus_months(start, 1)))
    };
    if let Some(year) = year {
        let ends = of(year)?;
        return Some(When::new(Sort::DateRange, format!("{year:04}-{month:02}"), ends, ends));
    }
    let (this_year, this_month) = (i64::from(cx.reference.year()), i64::from(cx.reference.month()));
    let future = of(this_year + i64::from(month < this_month))?;
    let past = of(this_year - i64::from(month >= this_month))?;
    Some(When::new(Sort::DateRange, format!("XXXX-{month:02}"), past, future))
}

/// A year.
pub(crate) fn year(year: i64) -> Option<When> {
    let ends = stretch(ymd(year, 1, 1)?, ymd(year + 1, 1, 1)?);
    Some(When::new(Sort::DateRange, format!("{year:04}"), ends, ends))
}

/// `n` months from a month on, as a range.
fn months(year: i64, first: i64, n: i64) -> Option<When> {
    let start = ymd(year, first, 1)?;
    let end = plus_months(start, n);
    let ends = stretch(start, end);
    Some(When::new(Sort::DateRange, format!("({start},{end},P{n}M)"), ends, ends))
}

fn quarter(cx: &Context, quarter: i64, year: Option<i64>) -> Option<When> {
    let first = 3 * quarter - 2;
    if let Some(year) = year {
        return months(year, first, 3);
    }
    let this_year = i64::from(cx.reference.year());
    let this_quarter = (i64::from(cx.reference.month()) + 2) / 3;
    let future = months(this_year + i64::from(quarter < this_quarter), first, 3)?;
    let past = months(this_year - i64::from(quarter >= this_quarter), first, 3)?;
    let timex = format!("(XXXX-{first:02}-01,XXXX-{:02}-01,P3M)", (first + 2) % 12 + 1);
    Some(When::new(Sort::DateRange, timex, past.future, future.future))
}

/// The week of a number, by ISO 8601.
fn week(year: i64, number: i64) -> Option<When> {
    if !(1..=53).contains(&number) {
        return None;
    }
    let start = plus_days(monday(ymd(year, 1, 4)?), 7 * (number - 1));
    let ends = stretch(start, plus_days(start, 7));
    Some(When::new(Sort::DateRange, format!("{year:04}-W{number:02}"), ends, ends))
}

/// The n-th week of a month or a year, the last for -1; a week belongs where its Thursday is.
fn week_in(n: i64, within: &When) -> Option<When> {
    let of = |(start, end): Ends| {
        let week = if n > 0 {
            plus_days(monday(plus_days(start.date(), 3)), 7 * (n - 1))
        } else {
            monday(plus_days(end.date(), -4))
        };
        let first = monday(plus_days(start.date(), 3));
        // The last week of a month is called its fifth, whatever the month.
        let of_month = days_between(start.date(), end.date()) < 32;
        let number = if n < 0 && of_month { 5 } else { days_between(first, week) / 7 + 1 };
        (stretch(week, plus_days(week, 7)), number)
    };
    let (past, _) = of(within.past);
    let (future, number) = of(within.future);
    let timex = format!("{}-W{number:02}", within.timex);
    Some(When::new(Sort::DateRange, timex, past, future))
}

/// `relative(-1, "W")` is last week.
pub(crate) fn relative(cx: &Context, shift: i64, unit: &str) -> Option<When> {
    let today = cx.reference.date();
    let (start, end, timex) = match unit {
        "D" => return Some(When::day(plus_days(today, shift))),
        "W" => {
            let start = plus_days(monday(today), 7 * shift);
            let week = start.iso_week_date();
            let timex = format!("{:04}-W{:02}", week.year(), week.week());
            (start, plus_days(start, 7), timex)
        }
        "WE" => {
            let start = plus_days(monday(today), 7 * shift + 5);
            let week = start.iso_week_date();
            let timex = format!("{:04}-W{:02}-WE", week.year(), week.week());
            (start, plus_days(start, 2), timex)
        }
        // A working week ends after its fifth day.
        "WD" => {
            let start = plus_days(monday(today), 7 * shift);
            let week = start.iso_week_date();
            let timex = format!("{:04}-W{:02}", week.year(), week.week());
            (start, plus_days(start, 5), timex)
        }
        "M" => {
            let start = plus_months(today.first_of_month(), shift);
            let timex = format!("{:04}-{:02}", start.year(), start.month());
            (start, plus_months(start, 1), timex)
        }
        "Q" => {
            let first = (today.month() - 1) / 3 * 3 + 1;
            let start = ymd(i64::from(today.year()), i64::from(first), 1)?;
            let start = plus_months(start, 3 * shift);
            let end = plus_months(start, 3);
            (start, end, format!("({start},{end},P3M)"))
        }
        "Y" => return year(i64::from(today.year()) + shift),
        "DE" => {
            let start = i64::from(today.year()).div_euclid(10) * 10 + 10 * shift;
            let (start, end) = (ymd(start, 1, 1)?, ymd(start + 10, 1, 1)?);
            (start, end, format!("({start},{end},P10Y)"))
        }
        "C" => {
            let start = i64::from(today.year()).div_euclid(100) * 100 + 100 * shift;
            let (start, end) = (ymd(start, 1, 1)?, ymd(start + 100, 1, 1)?);
            (start, end, format!("({start},{end},P100Y)"))
        }
        _ => return None,
    };
    let ends = stretch(start, end);
    Some(When::new(Sort::DateRange, timex, ends, ends))
}

/// So many units before or after now: days from tomorrow on, quarters and decades whole.
fn units(cx: &Context, length: &When, sign: i64) -> Option<When> {
    if length.timex.contains('T') {
        let at = cx.reference;
        return within(length, if sign < 0 { shift(at, length, -1) } else { at });
    }
    let today = midnight(cx.reference.date());
    let ends = if sign < 0 {
        (shift(today, length, -1), today)
    } else {
        let tomorrow = midnight(plus_days(today.date(), 1));
        (tomorrow, shift(tomorrow, length, 1))
    };
    let timex = format!("({},{},{})", ends.0.date(), ends.1.date(), length.timex);
    Some(When::new(Sort::DateRange, timex, ends, ends))
}

/// From a moment on for so long; of days alone, from the day on.
fn within(length: &When, from: DateTime) -> Option<When> {
    if length.timex.contains('T') {
        let ends = (from, shift(from, length, 1));
        let stamp = |at: DateTime| format!("{}T{}", at.date(), super::clock::hms(at));
        let timex = format!("({},{},{})", stamp(ends.0), stamp(ends.1), length.timex);
        return Some(When::new(Sort::DateTimeRange, timex, ends, ends));
    }
    let start = midnight(from.date());
    let ends = (start, shift(start, length, 1));
    let timex = format!("({},{},{})", ends.0.date(), ends.1.date(), length.timex);
    Some(When::new(Sort::DateRange, timex, ends, ends))
}

/// `decade(90, 19)` is the 1990s; `decade(90)` leaves the century open.
fn decade(cx: &Context, decade: i64, century: Option<i64>) -> Option<When> {
    let of = |century: i64| {
        let start = ymd(100 * century + decade, 1, 1)?;
        let end = ymd(100 * century + decade + 10, 1, 1)?;
        Some((stretch(start, end), format!("({start},{end},P10Y)")))
    };
    if let Some(century) = century {
        let (ends, timex) = of(century)?;
        return Some(When::new(Sort::DateRange, timex, ends, ends));
    }
    let this_century = i64::from(cx.reference.year()) / 100;
    let ahead = 100 * this_century + decade >= i64::from(cx.reference.year());
    let (future, _) = of(this_century + i64::from(!ahead))?;
    let (past, _) = of(this_century - i64::from(ahead))?;
    let timex = format!("(XX{decade:02}-01-01,XX{:02}-01-01,P10Y)", (decade + 10) % 100);
    Some(When::new(Sort::DateRange, timex, past, future))
}

/// The beginning, the middle or the end of a stretch.
fn part_of(stretch: &When, part: &str) -> Option<When> {
    let cut = |(start, end): Ends| {
        let (first, last) = (start.date(), end.date());
        let days = days_between(first, last);
        let ends = match (part, days) {
            ("early", 360..) => (first, plus_months(first, 6)),
            ("late", 360..) => (plus_months(first, 6), last),
            ("start", 360..) => (first, plus_months(first, 4)),
            ("mid", 360..) => (plus_months(first, 4), plus_months(first, 8)),
            ("end", 360..) => (plus_months(first, 8), last),
            ("start" | "early", 28..) => (first, plus_days(first, 15)),
            ("mid", 28..) => (plus_days(first, 10), plus_days(first, 20)),
            ("end" | "late", 28..) => (plus_days(first, 15), last),
            ("start" | "early", 4..) => (first, plus_days(first, 4)),
            ("mid", 4..) => (plus_days(first, 1), plus_days(first, 5)),
            ("end" | "late", 4..) => (plus_days(first, 3), last),
            _ => return None,
        };
        Some((midnight(ends.0), midnight(ends.1)))
    };
    let mut found = stretch.clone();
    found.past = cut(stretch.past)?;
    found.future = cut(stretch.future)?;
    let name = match part {
        "early" => "start",
        "late" => "end",
        part => part,
    };
    found.modifier = Some(name.to_owned());
    Some(found)
}
