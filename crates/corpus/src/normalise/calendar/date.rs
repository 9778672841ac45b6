//! Days: by number, by weekday, by their distance from another.

use jiff::civil::{Date, Weekday};

use super::super::grammar::{Constructor, Context};
use super::super::value::Value;
use super::duration::{all_days, shift};
use super::{Sort, When, holiday, int, midnight, plus_days, plus_months, some, when, ymd};

/// The constructors of days, by their names in rule files.
pub(crate) fn constructor(name: &str) -> Option<Constructor> {
    Some(match name {
        // date(year, month, day), each of which may be missing.
        "date" => |cx, args| date(cx, int(args, 0), int(args, 1), int(args, 2)?).and_then(some),
        // Digits whose order of month and day is the reader's guess: month first, unless it cannot be.
        "date_mdy" => |cx, args| {
            let (a, b) = (int(args, 1)?, int(args, 2)?);
            let (month, day) = if a > 12 { (b, a) } else { (a, b) };
            (month <= 12).then(|| date(cx, int(args, 0), Some(month), day)).flatten().and_then(some)
        },
        "compact_date" => |cx, args| {
            let n = int(args, 0)?;
            let found = ymd(n / 10_000, n / 100 % 100, n % 100)?;
            date(cx, Some(i64::from(found.year())), Some(n / 100 % 100), n % 100).and_then(some)
        },
        "year2" => |_, args| {
            let year = int(args, 0)?;
            Some(Value::Int(if year < 40 { 2000 + year } else { 1900 + year }))
        },
        "year_words" => |_, args| {
            let (century, rest) = (int(args, 0)?, int(args, 1).unwrap_or(0));
            Some(Value::Int(century * 100 + rest))
        },
        "sum" => |_, args| Some(Value::Int(int(args, 0)? + int(args, 1)?)),
        "digits_year" => |_, args| {
            let digits = super::super::number::list(args.first()?)?;
            digits.iter().try_fold(0, |year, digit| Some(year * 10 + digit.int()?)).map(Value::Int)
        },
        "weekday" => |cx, args| weekday(cx, int(args, 0)?).and_then(some),
        // weekday_of(shift of the week, weekday)
        "weekday_of" => |cx, args| {
            let monday = monday(cx.reference.date());
            some(When::day(plus_days(monday, 7 * int(args, 0)? + int(args, 1)? - 1)))
        },
        "weekday_near" => |cx, args| {
            let both = weekday(cx, int(args, 1)?)?;
            let at = if int(args, 0)? < 0 { both.past.0 } else { both.future.0 };
            some(When::day(at.date()))
        },
        // A weekday and a day of the month, of which the month is not said.
        "weekday_day" => weekday_day,
        "weekday_in_month" => |cx, args| weekday_in_month(cx, args).and_then(some),
        "weekday_date" => |_, args| some(when(args, 1)?.clone()),
        "day" => |cx, args| some(When::day(plus_days(cx.reference.date(), int(args, 0)?))),
        "day_of_month" => |cx, args| {
            let first = cx.reference.date().first_of_month();
            let first = plus_months(first, int(args, 0)?);
            let day = ymd(i64::from(first.year()), i64::from(first.month()), int(args, 1)?)?;
            some(When::day(day))
        },
        // The day after n - 1 weeks of the next such weekday: two Sundays from now.
        "weekday_near_by" => |cx, args| {
            let next = weekday(cx, int(args, 0)?)?.future.0.date();
            some(When::day(plus_days(next, 7 * (int(args, 1)? - 1))))
        },
        // The same day, whatever words led to it.
        "plain_day" => |_, args| some(When::day(when(args, 0)?.future.0.date())),
        // day_of_month_any(shift of the month, day), whether or not the month has such a day
        "day_of_month_any" => |cx, args| {
            let first = plus_months(cx.reference.date().first_of_month(), int(args, 0)?);
            let (year, month) = (i64::from(first.year()), i64::from(first.month()));
            date(cx, Some(year), Some(month), int(args, 1)?).and_then(some)
        },
        "present" => |cx, _| {
            let today = When::day(cx.reference.date());
            some(today.with_timex("PRESENT_REF".to_owned()))
        },
        "day_from" => |_, args| {
            if !all_days(&when(args, 0)?.timex) {
                return None;
            }
            let from = when(args, 1)?;
            some(When::day(shift(from.future.0, when(args, 0)?, int(args, 2)?).date()))
        },
        "ago" => |cx, args| ago(cx, when(args, 0)?, int(args, 1)?),
        // The last such weekday up to a day.
        "weekday_up_to" => |_, args| {
            let (weekday, from) = (int(args, 0)?, when(args, 1)?.future.0.date());
            let back = (i64::from(from.weekday().to_monday_one_offset()) - weekday).rem_euclid(7);
            some(When::day(plus_days(from, -back)))
        },
        "holiday" => |cx, args| {
            let name = args.first()?.text()?;
            holiday::date(cx, name, int(args, 1)).and_then(some)
        },
        // holiday_of(name, shift of the year)
        "holiday_of" => |cx, args| {
            let year = i64::from(cx.reference.year()) + int(args, 1)?;
            holiday::date(cx, args.first()?.text()?, Some(year)).and_then(some)
        },
        // The one after today, or the one before: next Christmas, the previous Easter.
        "holiday_near" => |cx, args| {
            let both = holiday::date(cx, args.first()?.text()?, None)?;
            let at = if int(args, 1)? < 0 { both.past.0 } else { both.future.0 };
            some(When::day(at.date()))
        },
        // this 5/12, next 5/12: the year is that of the reference or the one after.
        "date_of_year" => |cx, args| {
            let date = when(args, 1)?;
            let year = i64::from(cx.reference.year()) + int(args, 0)?;
            let same = date.future.0.date();
            let day = ymd(year, i64::from(same.month()), i64::from(same.day()))?;
            let mut found = When::day(day).with_timex(date.timex.clone());
            found.resolved = date.resolved;
            some(found)
        },
        // The n-th day of a stretch of days: the 15th day of next month.
        "nth_day" => |_, args| {
            let stretch = when(args, 1)?;
            let n = int(args, 0)?;
            let day = if n > 0 {
                plus_days(stretch.future.0.date(), n - 1)
            } else {
                plus_days(stretch.future.1.date(), n)
            };
            (day < stretch.future.1.date()).then(|| some(When::day(day))).flatten()
        },
        _ => return None,
    })
}

/// `year-month-day`, of which the year or the month too may not be said.
pub(crate) fn date(cx: &Context, year: Option<i64>, month: Option<i64>, day: i64) -> Option<When> {
    let reference = cx.reference;
    match (year, month) {
        (Some(year), Some(month)) => {
            let timex = format!("{year:04}-{month:02}-{day:02}");
            match ymd(year, month, day) {
                Some(found) => Some(When::day(found)),
                None if (1..=12).contains(&month) && (1..=31).contains(&day) => {
                    let at = reference;
                    let mut when = When::new(Sort::Date, timex, (at, at), (at, at));
                    when.resolved = false;
                    Some(when)
                }
                None => None,
            }
        }
        (None, Some(month)) => {
            let timex = format!("XXXX-{month:02}-{day:02}");
            let this_year = i64::from(reference.year());
            let exists = |year: &i64| ymd(*year, month, day);
            let mut years = this_year - 8..=this_year + 8;
            let future =
                years.clone().filter_map(|y| exists(&y)).find(|d| midnight(*d) >= reference);
            let past =
                years.by_ref().filter_map(|y| exists(&y)).take_while(|d| midnight(*d) < reference);
            let past = past.last();
            match (past, future) {
                (Some(past), Some(future)) => {
                    let (past, future) = (midnight(past), midnight(future));
                    Some(When::new(Sort::Date, timex, (past, past), (future, future)))
                }
                _ if (1..=12).contains(&month) && (1..=31).contains(&day) => {
                    let mut when = When::new(
                        Sort::Date,
                        timex,
                        (reference, reference),
                        (reference, reference),
                    );
                    when.resolved = false;
                    Some(when)
                }
                _ => None,
            }
        }
        (_, None) => {
            let timex = format!("XXXX-XX-{day:02}");
            let first = reference.date().first_of_month();
            let exists = |shift: i64| {
                let first = plus_months(first, shift);
                ymd(i64::from(first.year()), i64::from(first.month()), day)
            };
            let future = (0..4).filter_map(exists).find(|d| midnight(*d) >= reference)?;
            let past =
                (-3..=0).filter_map(exists).take_while(|d| midnight(*d) < reference).last()?;
            let (past, future) = (midnight(past), midnight(future));
            Some(When::new(Sort::Date, timex, (past, past), (future, future)))
        }
    }
}

/// Monday of the week of a day.
pub(crate) fn monday(date: Date) -> Date {
    plus_days(date, 1 - i64::from(date.weekday().to_monday_one_offset()))
}

/// A weekday, 1 for Monday.
pub(crate) fn weekday(cx: &Context, weekday: i64) -> Option<When> {
    let wanted = Weekday::from_monday_one_offset(i8::try_from(weekday).ok()?).ok()?;
    let today = cx.reference.date();
    let ahead = i64::from(today.weekday().until(wanted));
    let future = plus_days(today, ahead);
    let past = plus_days(future, -7);
    let (past, future) = (midnight(past), midnight(future));
    let timex = format!("XXXX-WXX-{weekday}");
    Some(When::new(Sort::Date, timex, (past, past), (future, future)))
}

/// `Friday the 13th`: the nearest such days before and after; certain where this month has one and
/// the words are `certain`.
fn weekday_day(cx: &Context, args: &[Value]) -> Option<Value> {
    let (weekday, day) = (int(args, 0)?, int(args, 1)?);
    let certain = int(args, 2).unwrap_or(0) != 0;
    let first = cx.reference.date().first_of_month();
    let of_month = |shift: i64| {
        let first = plus_months(first, shift);
        let found = ymd(i64::from(first.year()), i64::from(first.month()), day)?;
        let is = i64::from(found.weekday().to_monday_one_offset());
        (is == weekday).then_some(found)
    };
    if let (true, Some(found)) = (certain, of_month(0)) {
        return some(When::day(found));
    }
    let today = cx.reference.date();
    let future = (0..60).filter_map(of_month).find(|found| *found >= today)?;
    let past = (0..60).filter_map(|back| of_month(-back)).find(|found| *found < today)?;
    let (past, future) = (midnight(past), midnight(future));
    let timex = format!("XXXX-WXX-{weekday}");
    some(When::new(Sort::Date, timex, (past, past), (future, future)))
}

/// `weekday_in_month(n, weekday, month range)`: the first Friday of July; the last for n = -1.
fn weekday_in_month(cx: &Context, args: &[Value]) -> Option<When> {
    let (n, weekday) = (int(args, 0)?, int(args, 1)?);
    let month = when(args, 2)?;
    let of =
        |start: Date| nth_weekday(i64::from(start.year()), i64::from(start.month()), weekday, n);
    let (past, future) = (of(month.past.0.date())?, of(month.future.0.date())?);
    // The last one is written by its number.
    let number = if n < 0 { i64::from(future.day() - 1) / 7 + 1 } else { n };
    if month.definite() {
        let timex = format!("{}-WXX-{weekday}-#{number}", month.timex);
        return Some(When::day(future).with_timex(timex));
    }
    // The month that is now may have had its day already.
    let mut past = past;
    let mut future = future;
    let reference = cx.reference.date();
    if future < reference {
        past = future;
        future = of(plus_months(future.first_of_month(), 12))?;
    }
    let timex = format!("{}-WXX-{weekday}-#{number}", month.timex);
    let (past, future) = (midnight(past), midnight(future));
    Some(When::new(Sort::Date, timex, (past, past), (future, future)))
}

/// The n-th weekday of a month; the last for n = -1.
pub(crate) fn nth_weekday(year: i64, month: i64, weekday: i64, n: i64) -> Option<Date> {
    let first = ymd(year, month, 1)?;
    let wanted = Weekday::from_monday_one_offset(i8::try_from(weekday).ok()?).ok()?;
    let nth = i8::try_from(n).ok()?;
    first.nth_weekday_of_month(nth, wanted).ok()
}

/// `ago(duration, -1)` and `ago(duration, 1)`: so long before or after the reference.
fn ago(cx: &Context, duration: &When, sign: i64) -> Option<Value> {
    let at = shift(cx.reference, duration, sign);
    let by_days = all_days(&duration.timex);
    if by_days {
        return some(When::day(at.date()));
    }
    let timex = format!("{}T{}", at.date(), super::clock::hms(at));
    some(When::new(Sort::DateTime, timex, (at, at), (at, at)))
}
