//! Times of day and parts of the day.

use jiff::civil::{DateTime, Time};

use super::super::grammar::{Constructor, Context};
use super::{Sort, When, int, midnight, plus_days, plus_seconds, some, when};

/// How the hours of a time of day are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    /// Not said.
    Either,
    /// Before noon.
    Morning,
    /// After noon.
    Afternoon,
    /// Counted from 0 to 24.
    Whole,
}

impl Half {
    fn of(code: i64) -> Half {
        match code {
            1 => Half::Morning,
            2 => Half::Afternoon,
            3 => Half::Whole,
            _ => Half::Either,
        }
    }
}

/// The constructors of times of day, by their names in rule files.
pub(crate) fn constructor(name: &str) -> Option<Constructor> {
    Some(match name {
        // time(hour, minute, second, half): 0 either, 1 am, 2 pm, 3 of 24 hours
        "time" => |cx, args| {
            let half = Half::of(int(args, 3).unwrap_or(0));
            time(cx, int(args, 0)?, int(args, 1), int(args, 2), half).and_then(some)
        },
        // Four digits: 0730
        "time_hhmm" => |cx, args| {
            let n = int(args, 0)?;
            let half = Half::of(int(args, 1).unwrap_or(0));
            time(cx, n / 100, Some(n % 100), None, half).and_then(some)
        },
        // minutes_from(minutes, time): quarter past seven, ten to eight
        "minutes_from" => |cx, args| {
            let (minutes, base) = (int(args, 0)?, when(args, 1)?);
            let at = plus_seconds(base.future.0, minutes * 60).time();
            let hour = i64::from(at.hour());
            let half = if base.twelve_hours { Half::Either } else { Half::Whole };
            let hour = if hour == 0 && base.twelve_hours { 12 } else { hour };
            time(cx, hour, Some(i64::from(at.minute())), None, half).and_then(some)
        },
        // time_in(time, part of the day): seven in the evening
        "time_in" => |_, args| {
            let (time, part) = (when(args, 0)?, when(args, 1)?);
            some(in_part(time, &part.timex))
        },
        "part" => |cx, args| part(cx, args.first()?.text()?).and_then(some),
        // early morning, late afternoon
        "part_half" => |_, args| {
            let (which, part) = (args.first()?.text()?, when(args, 1)?);
            let two_hours = 7200;
            let mut half = part.clone();
            half.modifier = Some(which.to_owned());
            let (start, end) = part.future;
            let last_minute = end.minute() == 59;
            let ends = if which == "start" {
                (start, plus_seconds(start, two_hours))
            } else if last_minute {
                (plus_seconds(start, two_hours), end)
            } else {
                (plus_seconds(end, -two_hours), end)
            };
            (half.past, half.future) = (ends, ends);
            some(half)
        },
        "now" => |cx, _| {
            let now = cx.reference;
            some(When::new(Sort::DateTime, "PRESENT_REF".to_owned(), (now, now), (now, now)))
        },
        "soon" => |cx, _| {
            let now = cx.reference;
            some(When::new(Sort::DateTime, "FUTURE_REF".to_owned(), (now, now), (now, now)))
        },
        // The same time of day, of the morning or the afternoon.
        "either" => |_, args| {
            let mut time = when(args, 0)?.clone();
            time.twelve_hours = (1..=12).contains(&time.future.0.hour());
            some(time)
        },
        // time_with(time, half): 1 morning, 2 afternoon, 4 around noon, 5 around midnight
        "time_with" => |_, args| {
            let mut time = when(args, 0)?.clone();
            let hour = i64::from(time.future.0.hour());
            let afternoon = match int(args, 1)? {
                2 => (1..12).contains(&hour),
                4 => (1..5).contains(&hour),
                5 => (8..12).contains(&hour),
                _ => false,
            };
            time.twelve_hours = false;
            some(if afternoon { afternoon_of(&time) } else { time })
        },
        // datetime(date, time)
        "datetime" => |_, args| datetime(when(args, 0)?, when(args, 1)?).and_then(some),
        "datetime_part" => |_, args| datetime_part(when(args, 0)?, when(args, 1)?).and_then(some),
        "end_of_day" => |_, args| {
            let date = when(args, 0)?;
            let end = |at: DateTime| plus_seconds(midnight(plus_days(at.date(), 1)), -1);
            let (past, future) = (end(date.past.0), end(date.future.0));
            let timex = format!("{}T23:59:59", date.timex);
            some(When::new(Sort::DateTime, timex, (past, past), (future, future)))
        },
        // The time of day with the part of the day that the date was said with: last night at 8.
        "datetime_in" => |_, args| {
            let (day_part, time) = (when(args, 0)?, when(args, 1)?);
            let (date, part) = day_part.timex.split_once('T')?;
            let time = in_part(time, &format!("T{part}"));
            let clock = time.future.0.time();
            let at = |day: DateTime| day.date().to_datetime(clock);
            let (past, future) = (at(day_part.past.0), at(day_part.future.0));
            let timex = format!("{date}{}", time.timex);
            some(When::new(Sort::DateTime, timex, (past, past), (future, future)))
        },
        _ => return None,
    })
}

/// `hour:minute:second`, of which only the hour must be said.
fn time(
    cx: &Context,
    hour: i64,
    minute: Option<i64>,
    second: Option<i64>,
    half: Half,
) -> Option<When> {
    let (m, s) = (minute.unwrap_or(0), second.unwrap_or(0));
    if !(0..=24).contains(&hour) || !(0..60).contains(&m) || !(0..60).contains(&s) {
        return None;
    }
    let hour = match half {
        Half::Morning if hour == 12 => 0,
        Half::Afternoon if hour < 12 => hour + 12,
        _ => hour,
    };
    let mut timex = format!("T{hour:02}");
    if let Some(minute) = minute {
        timex.push_str(&format!(":{minute:02}"));
    }
    if let Some(second) = second {
        timex.push_str(&format!(":{second:02}"));
    }
    let clock = Time::new((hour % 24) as i8, m as i8, s as i8, 0).ok()?;
    let at = cx.reference.date().to_datetime(clock);
    let mut when = When::new(Sort::Time, timex, (at, at), (at, at));
    when.twelve_hours = half == Half::Either && (1..=12).contains(&hour);
    Some(when)
}

/// `HH:MM:SS` of a moment.
pub(crate) fn hms(at: DateTime) -> String {
    format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

/// A time of day that was said with a part of the day.
pub(crate) fn in_part(time: &When, part: &str) -> When {
    let mut time = time.clone();
    let hour = i64::from(time.future.0.hour());
    if !time.twelve_hours {
        return time;
    }
    let afternoon = match part {
        "TMO" | "TMEB" => false,
        "TNI" => hour >= 5 && hour != 12,
        _ => hour != 12,
    };
    time.twelve_hours = false;
    // Twelve at night is midnight.
    let midnight = hour == 12 && matches!(part, "TNI" | "TMO");
    if afternoon || midnight { afternoon_of(&time) } else { time }
}

/// The same with every hour twelve hours later; of noon, midnight.
pub fn afternoon_of(when: &When) -> When {
    let later = |at: DateTime| {
        let hour = (at.hour() + 12) % 24;
        let clock = Time::new(hour, at.minute(), at.second(), 0).unwrap_or(at.time());
        at.date().to_datetime(clock)
    };
    let mut other = when.clone();
    other.past = (later(when.past.0), later(when.past.1));
    other.future = (later(when.future.0), later(when.future.1));
    let mut timex = String::with_capacity(when.timex.len());
    let mut rest = when.timex.as_str();
    while let Some(at) = rest.find('T') {
        let (before, after) = rest.split_at(at + 1);
        timex.push_str(before);
        let is_length = before.ends_with("PT");
        match after.get(..2).and_then(|hour| hour.parse::<u32>().ok()) {
            Some(hour) if !is_length => {
                timex.push_str(&format!("{:02}", (hour + 12) % 24));
                rest = &after[2..];
            }
            _ => rest = after,
        }
    }
    timex.push_str(rest);
    other.timex = timex;
    other
}

/// A part of the day, by its letters in a TIMEX.
fn part(cx: &Context, name: &str) -> Option<When> {
    let (start, end) = match name {
        "TMO" | "TMEB" => (8, 12),
        "TAF" => (12, 16),
        "TEV" | "TMED" => (16, 20),
        "TMI" => (11, 13),
        "TDA" => (0, 8),
        "TNI" => (20, 24),
        "TDT" => (8, 18),
        "TMEL" => (11, 13),
        "TDW" => (4, 8),
        _ => return None,
    };
    let today = midnight(cx.reference.date());
    let at = |hours: i64| match hours {
        24 => plus_seconds(today, 24 * 3600 - 1),
        hours => plus_seconds(today, hours * 3600),
    };
    let ends = (at(start), at(end));
    Some(When::new(Sort::TimeRange, name.to_owned(), ends, ends))
}

/// A day and a time of day.
pub(crate) fn datetime(date: &When, time: &When) -> Option<When> {
    let clock = time.future.0.time();
    let on = |day: DateTime| day.date().to_datetime(clock);
    let (past, future) = (on(date.past.0), on(date.future.0));
    let timex = format!("{}{}", date.timex, time.timex);
    let mut when = When::new(Sort::DateTime, timex, (past, past), (future, future));
    when.twelve_hours = time.twelve_hours;
    when.resolved = date.resolved && time.resolved;
    when.modifier.clone_from(&time.modifier);
    Some(when)
}

/// A day and a part of it, or a stretch between two times of day.
pub(crate) fn datetime_part(date: &When, part: &When) -> Option<When> {
    let on = |day: DateTime| {
        let (start, end) = part.future;
        let next = i64::from(end.time() < start.time());
        let last = plus_days(day.date(), next);
        (day.date().to_datetime(start.time()), last.to_datetime(end.time()))
    };
    let (past, future) = (on(date.past.0), on(date.future.0));
    let timex = match part.timex.strip_prefix('(') {
        Some(inside) => {
            let mut pieces = inside.trim_end_matches(')').split(',');
            let (start, end) = (pieces.next()?, pieces.next()?);
            let length = pieces.next()?;
            let day = if past.0.date() == past.1.date() {
                date.timex.clone()
            } else if date.definite() {
                past.1.date().to_string()
            } else {
                date.timex.clone()
            };
            format!("({}{start},{day}{end},{length})", date.timex)
        }
        None => format!("{}{}", date.timex, part.timex),
    };
    let mut when = When::new(Sort::DateTimeRange, timex, past, future);
    when.twelve_hours = part.twelve_hours;
    when.resolved = date.resolved;
    when.modifier.clone_from(&part.modifier);
    Some(when)
}
