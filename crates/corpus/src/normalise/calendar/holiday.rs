//! Days with a name.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::civil::Date;

use super::super::grammar::Context;
use super::date::nth_weekday;
use super::lunar::lunar_day;
use super::{Sort, When, midnight, plus_days, ymd};

/// One line a holiday: its name in rule files and when it is.
const HOLIDAYS: &str = include_str!("../rules/holidays.txt");

/// When a holiday is.
#[derive(Debug, Clone)]
enum Rule {
    /// `12-25`
    Fixed(i64, i64),
    /// `11 4 4`: of November the fourth Thursday; the last for -1.
    Weekday(i64, i64, i64),
    /// `easter -2`
    Easter(i64),
    /// `lunar 8-15`
    Lunar(i64, i64),
    /// `11 4 4 +1`: the day after.
    AfterWeekday(i64, i64, i64, i64),
}

static RULES: LazyLock<HashMap<&'static str, Rule>> = LazyLock::new(|| {
    let rule = |line: &'static str| {
        let (name, when) = line.split_once(':')?;
        let words: Vec<&str> = when.split_whitespace().collect();
        let numbers: Option<Vec<i64>> = words.iter().map(|word| word.parse().ok()).collect();
        let rule = match (words.as_slice(), numbers.as_deref()) {
            (_, Some([month, weekday, n])) => Rule::Weekday(*month, *weekday, *n),
            (_, Some([month, weekday, n, plus])) => Rule::AfterWeekday(*month, *weekday, *n, *plus),
            (["easter", plus], _) => Rule::Easter(plus.parse().ok()?),
            (["lunar", day], _) => {
                let (month, day) = day.split_once('-')?;
                Rule::Lunar(month.parse().ok()?, day.parse().ok()?)
            }
            ([day], _) => {
                let (month, day) = day.split_once('-')?;
                Rule::Fixed(month.parse().ok()?, day.parse().ok()?)
            }
            _ => return None,
        };
        Some((name.trim(), rule))
    };
    HOLIDAYS.lines().filter_map(rule).collect()
});

impl Rule {
    fn in_year(&self, year: i64) -> Option<Date> {
        match *self {
            Rule::Fixed(month, day) => ymd(year, month, day),
            Rule::Weekday(month, weekday, n) => nth_weekday(year, month, weekday, n),
            Rule::AfterWeekday(month, weekday, n, plus) => {
                Some(plus_days(nth_weekday(year, month, weekday, n)?, plus))
            }
            Rule::Easter(plus) => Some(plus_days(easter(year)?, plus)),
            Rule::Lunar(month, day) => lunar_day(year, month, false, day),
        }
    }
}

/// The holiday of that name, in a year or around the reference.
pub(crate) fn date(cx: &Context, name: &str, year: Option<i64>) -> Option<When> {
    let rule = RULES.get(name)?;
    if let Some(year) = year {
        let day = When::day(rule.in_year(year)?);
        return Some(match rule {
            Rule::Weekday(month, weekday, n) => {
                day.with_timex(format!("{year:04}-{month:02}-WXX-{weekday}-{n}"))
            }
            _ => day,
        });
    }
    let reference = cx.reference;
    let this_year = i64::from(reference.year());
    let days = |shift: i64| rule.in_year(this_year + shift);
    let future = (0..3).filter_map(days).find(|day| midnight(*day) >= reference)?;
    let past = (-2..=0).filter_map(days).take_while(|day| midnight(*day) < reference).last()?;
    let timex = match rule {
        Rule::Fixed(month, day) => format!("XXXX-{month:02}-{day:02}"),
        Rule::Weekday(month, weekday, n) => format!("XXXX-{month:02}-WXX-{weekday}-{n}"),
        _ => {
            days(0).map_or(String::new(), |day| format!("XXXX-{:02}-{:02}", day.month(), day.day()))
        }
    };
    let (past, future) = (midnight(past), midnight(future));
    Some(When::new(Sort::Date, timex, (past, past), (future, future)))
}

/// Easter Sunday of the Gregorian calendar, by the anonymous computus of 1876.
fn easter(year: i64) -> Option<Date> {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    ymd(year, month, day)
}
