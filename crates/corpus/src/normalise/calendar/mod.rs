//! Expressions of time and what they come to.
//!
//! An expression has a TIMEX, which says what the words say, and two readings, the last one before
//! the reference and the first one from it on: `on Friday` is `XXXX-WXX-5`, the last Friday or the
//! next. Where the words leave no choice both readings are the same.

mod clock;
mod date;
mod duration;
mod first_last;
mod holiday;
mod length;
mod lunar;
mod modifier;
mod period;
mod range;

use jiff::Span;
use jiff::civil::{Date, DateTime, Time};

pub use clock::afternoon_of;
pub(crate) use clock::hms;
pub use first_last::{Period, Stretch};

use super::grammar::Constructor;
use super::value::Value;

/// What sort of time an expression speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A day.
    Date,
    /// Days on end, from the first to the one after the last.
    DateRange,
    /// A time of day.
    Time,
    /// From one time of day to another.
    TimeRange,
    /// A time on a day.
    DateTime,
    /// From one time on a day to another.
    DateTimeRange,
    /// A length of time.
    Duration,
    /// Times that come again and again.
    Set,
}

impl Sort {
    /// The sort's name in resolutions.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Date => "date",
            Sort::DateRange => "daterange",
            Sort::Time => "time",
            Sort::TimeRange => "timerange",
            Sort::DateTime => "datetime",
            Sort::DateTimeRange => "datetimerange",
            Sort::Duration => "duration",
            Sort::Set => "set",
        }
    }
}

/// A beginning and an end; the same moment twice for a point of time.
pub type Ends = (DateTime, DateTime);

/// An expression of time.
#[derive(Debug, Clone, PartialEq)]
pub struct When {
    /// What sort of time it is.
    pub sort: Sort,
    /// Its TIMEX.
    pub timex: String,
    /// The last such time before the reference; of a time of day, on the day of the reference.
    pub past: Ends,
    /// The first such time from the reference on.
    pub future: Ends,
    /// Whether there is such a time: there is no 30 February.
    pub resolved: bool,
    /// The length of a duration.
    pub seconds: f64,
    /// How the words change it: `before`, `after`, `since`, `until`, `start`, `mid`, `end`.
    pub modifier: Option<String>,
    /// Which ends are left, where the words leave one: `before` has no beginning.
    pub open: Open,
    /// What the words that change it were said of: `datetimepoint`, `datetimerange`.
    pub source: Option<&'static str>,
    /// Whether its hours could be those of the afternoon as well.
    pub twelve_hours: bool,
}

/// Which ends an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// Both.
    No,
    /// It has no beginning.
    Start,
    /// It has no end.
    End,
}

impl When {
    /// An expression of that sort whose readings are `past` and `future`.
    pub(crate) fn new(sort: Sort, timex: String, past: Ends, future: Ends) -> When {
        When {
            sort,
            timex,
            past,
            future,
            resolved: true,
            seconds: 0.0,
            modifier: None,
            open: Open::No,
            source: None,
            twelve_hours: false,
        }
    }

    /// A day that is certain.
    pub(crate) fn day(date: Date) -> When {
        let at = midnight(date);
        When::new(Sort::Date, date.to_string(), (at, at), (at, at))
    }

    /// The same expression with another timex.
    pub(crate) fn with_timex(mut self, timex: String) -> When {
        self.timex = timex;
        self
    }

    /// Whether both readings are the same.
    pub fn definite(&self) -> bool {
        self.past == self.future
    }
}

/// The beginning of a day.
pub(crate) fn midnight(date: Date) -> DateTime {
    date.to_datetime(Time::midnight())
}

/// Days later, or earlier where negative; the day itself at the ends of the calendar.
pub(crate) fn plus_days(date: Date, days: i64) -> Date {
    Span::new().try_days(days).ok().and_then(|span| date.checked_add(span).ok()).unwrap_or(date)
}

/// Months later or earlier; the last day of the month where it has no such day.
pub(crate) fn plus_months(date: Date, months: i64) -> Date {
    Span::new().try_months(months).ok().and_then(|span| date.checked_add(span).ok()).unwrap_or(date)
}

/// Seconds later or earlier.
pub(crate) fn plus_seconds(at: DateTime, seconds: i64) -> DateTime {
    Span::new().try_seconds(seconds).ok().and_then(|span| at.checked_add(span).ok()).unwrap_or(at)
}

/// Days from `a` to `b`.
pub(crate) fn days_between(a: Date, b: Date) -> i64 {
    a.until(b).map_or(0, |span| i64::from(span.get_days()))
}

/// Seconds from `a` to `b`.
pub(crate) fn seconds_between(a: DateTime, b: DateTime) -> i64 {
    let days = days_between(a.date(), b.date());
    let of_day = |at: DateTime| {
        i64::from(at.hour()) * 3600 + i64::from(at.minute()) * 60 + i64::from(at.second())
    };
    days * 86_400 + of_day(b) - of_day(a)
}

/// The day of that number in that month, if there is one.
pub(crate) fn ymd(year: i64, month: i64, day: i64) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The constructors of times, by their names in rule files.
pub(crate) fn constructor(name: &str) -> Option<Constructor> {
    date::constructor(name)
        .or_else(|| period::constructor(name))
        .or_else(|| range::constructor(name))
        .or_else(|| clock::constructor(name))
        .or_else(|| duration::constructor(name))
        .or_else(|| modifier::constructor(name))
        .or_else(|| lunar::constructor(name))
        .or_else(|| first_last::constructor(name))
}

/// A time as a value.
fn some(when: When) -> Option<Value> {
    Some(Value::When(std::rc::Rc::new(when)))
}

/// The whole number that an argument is.
fn int(args: &[Value], at: usize) -> Option<i64> {
    args.get(at)?.int()
}

/// The time that an argument is.
fn when(args: &[Value], at: usize) -> Option<&When> {
    args.get(at)?.when()
}
