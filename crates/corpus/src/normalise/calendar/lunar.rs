//! Days of the Chinese calendar and the solar terms.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

use jiff::civil::Date;

use super::super::grammar::{Constructor, Context};
use super::super::number::list;
use super::super::value::Value;
use super::{Ends, Sort, When, int, midnight, plus_days, some, ymd};

/// Chinese years, a line each: `2017 2017-01-28 6 -+-+-+-…`, the first day, the leap month or 0 and
/// each month's length, `+` for 30 days and `-` for 29.
const LUNAR_YEARS: &str = include_str!("../rules/lunar_years.txt");

/// A line a year: the days of its 24 solar terms, two a month from 小寒 on, a letter each.
const SOLAR_TERMS: &str = include_str!("../rules/solar_terms.txt");

/// A year of the Chinese calendar.
struct LunarYear {
    first: Date,
    /// The month that comes twice; 0 for none.
    leap: i64,
    /// The days of each month, the leap month after the one it repeats.
    lengths: Vec<i64>,
}

static LUNAR: LazyLock<HashMap<i64, LunarYear>> = LazyLock::new(|| {
    let year = |line: &str| {
        let mut words = line.split_whitespace();
        let year = words.next()?.parse().ok()?;
        let first = words.next()?.parse().ok()?;
        let leap = words.next()?.parse().ok()?;
        let lengths = words.next()?.chars().map(|c| if c == '+' { 30 } else { 29 }).collect();
        Some((year, LunarYear { first, leap, lengths }))
    };
    LUNAR_YEARS.lines().filter_map(year).collect()
});

static TERMS: LazyLock<HashMap<i64, &'static str>> = LazyLock::new(|| {
    let year = |line: &'static str| {
        let (year, days) = line.split_once(' ')?;
        Some((year.parse().ok()?, days))
    };
    SOLAR_TERMS.lines().filter_map(year).collect()
});

/// The constructors of such days, by their names in rule files.
pub(crate) fn constructor(name: &str) -> Option<Constructor> {
    Some(match name {
        "list" => |_, args| Some(Value::List(Rc::from(args))),
        // lunar_day(year, list(month, day, 1 for a leap month)), the year may be missing
        "lunar_day" => |cx, args| {
            let day = list(args.get(1)?)?;
            let (month, day, leap) = (int(day, 0)?, int(day, 1)?, int(day, 2) == Some(1));
            near(cx, int(args, 0), Sort::Date, &|year| {
                let at = midnight(lunar_day(year, month, leap, day)?);
                Some((at, at))
            })
            .and_then(some)
        },
        // lunar_month(year, list(month, 1 for a leap month)), the year may be missing
        "lunar_month" => |cx, args| {
            let month = list(args.get(1)?)?;
            let (month, leap) = (int(month, 0)?, int(month, 1) == Some(1));
            near(cx, int(args, 0), Sort::DateRange, &|year| {
                let (start, days) = lunar_month(year, month, leap)?;
                Some((midnight(start), midnight(plus_days(start, days))))
            })
            .and_then(some)
        },
        // solar_term(number from 小寒 on, year), the year may be missing
        "solar_term" => |cx, args| {
            let term = int(args, 0)?;
            near(cx, int(args, 1), Sort::Date, &|year| {
                let at = midnight(solar_term(year, term)?);
                Some((at, at))
            })
            .and_then(some)
        },
        // A season, from its solar term to the day before the next season's.
        "solar_season" => |cx, args| {
            let first = int(args, 0)?;
            near(cx, int(args, 1), Sort::DateRange, &|year| {
                let next = if first + 6 > 24 { (year + 1, first - 18) } else { (year, first + 6) };
                Some((midnight(solar_term(year, first)?), midnight(solar_term(next.0, next.1)?)))
            })
            .and_then(some)
        },
        _ => return None,
    })
}

/// What is in a year, or, of a year that is not said, the last one and the next one.
fn near(
    cx: &Context,
    year: Option<i64>,
    sort: Sort,
    of: &dyn Fn(i64) -> Option<Ends>,
) -> Option<When> {
    let month = |(start, _): Ends| match sort {
        Sort::DateRange => format!("{:04}-{:02}", start.year(), start.month()),
        _ => start.date().to_string(),
    };
    if let Some(year) = year {
        let ends = of(year)?;
        return Some(When::new(sort, month(ends), ends, ends));
    }
    let this_year = i64::from(cx.reference.year());
    let years = || (this_year - 2..=this_year + 2).filter_map(of);
    let future = years().find(|(start, _)| *start >= cx.reference)?;
    let past = years().take_while(|(start, _)| *start < cx.reference).last()?;
    let timex = month(of(this_year)?).replacen(&format!("{this_year:04}"), "XXXX", 1);
    Some(When::new(sort, timex, past, future))
}

/// A month of the Chinese calendar: its first day and its length.
fn lunar_month(year: i64, month: i64, leap: bool) -> Option<(Date, i64)> {
    let year = LUNAR.get(&year)?;
    if leap && year.leap != month {
        return None;
    }
    let after_leap = leap || (year.leap != 0 && month > year.leap);
    let before = usize::try_from(month - 1 + i64::from(after_leap)).ok()?;
    let length = *year.lengths.get(before)?;
    let passed: i64 = year.lengths[..before].iter().sum();
    Some((plus_days(year.first, passed), length))
}

/// A day of the Chinese calendar; of a month without a 30th day, its last.
pub(crate) fn lunar_day(year: i64, month: i64, leap: bool, day: i64) -> Option<Date> {
    let (start, length) = lunar_month(year, month, leap)?;
    (1..=30).contains(&day).then(|| plus_days(start, day.min(length) - 1))
}

/// The day of a solar term, by its number from 小寒, 1, to 冬至, 24.
fn solar_term(year: i64, term: i64) -> Option<Date> {
    let at = usize::try_from(term - 1).ok()?;
    let letter = *TERMS.get(&year)?.as_bytes().get(at)?;
    ymd(year, (term + 1) / 2, i64::from(letter - b'a') + 1)
}
