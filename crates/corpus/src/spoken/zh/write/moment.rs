//! Dates and times of day: 二零零八年八月八日, 下午三点四十.

use super::super::scan::{Found, Scan};
use super::numeral::{digit_string, multiplied, numerals};

/// The numeral at `at` of a value within bounds: its end and its value.
fn number(scan: &Scan, at: usize, low: u64, high: u64) -> Option<(usize, u64)> {
    let numeral = numerals(scan, at).into_iter().rfind(|numeral| !multiplied(scan, numeral.end))?;
    let value = numeral.value();
    (low..=high).contains(&value).then_some((numeral.end, value))
}

/// The same with one of these words behind it.
fn number_and(
    scan: &Scan,
    at: usize,
    bounds: (u64, u64),
    words: &[&str],
) -> Option<(usize, u64, String)> {
    let (middle, value) = number(scan, at, bounds.0, bounds.1)?;
    let (end, _) = scan.one_of(middle, words)?;
    Some((end, value, scan.text(middle, end)))
}

/// The year at `at`, its digits said one by one, 二零零八年, or by its value, 两千零八年八月.
fn year(scan: &Scan, at: usize, least: usize) -> Option<(usize, String)> {
    let Some((end, digits)) = digit_string(scan, at, least) else {
        let (middle, value) = number(scan, at, 1000, 2999)?;
        let end = scan.word(middle, "年")?;
        number_and(scan, end, (1, 12), &["月"])?;
        return Some((end, value.to_string()));
    };
    let end = scan.word(end, "年")?;
    (digits.len() <= 4).then_some((end, digits))
}

/// Whether the digits may be two neighbours: 五六年 is five or six years.
fn counts_years(digits: &str) -> bool {
    match digits.as_bytes() {
        [low, high] => *low > b'0' && *high == low + 1,
        _ => false,
    }
}

/// A date: a year, a month and a day, or two of these, or a year.
pub(super) fn date(scan: &Scan, at: usize) -> Option<Found> {
    let (start, era) = match scan.one_of(at, &["公元", "公元前", "纪元", "纪元前"]) {
        Some((end, place)) => (end, ["公元", "公元前"][place % 2]),
        None => (at, ""),
    };
    let least = if era.is_empty() { 2 } else { 1 };
    let year = year(scan, start, least);
    let after_year = year.as_ref().map_or(start, |(end, _)| *end);
    let month = number_and(scan, after_year, (1, 12), &["月", "月份"]);
    let whole_month = month.as_ref().filter(|(_, _, word)| word == "月");
    let day = whole_month.and_then(|(end, _, _)| number_and(scan, *end, (1, 31), &["日", "号"]));
    let end = match (&year, &month, &day) {
        (_, Some(_), Some((end, _, _))) => *end,
        (Some(_), Some((end, _, _)), None) => *end,
        (Some((end, digits)), None, None) if !counts_years(digits) || !era.is_empty() => *end,
        _ => return None,
    };
    if !era.is_empty() && year.is_none() {
        return None;
    }
    let text = if scan.nemo() {
        words(year.map(|(_, digits)| digits), month, day)
    } else {
        slashes(year.map(|(_, digits)| digits), month, day)
    };
    Some(Found { end, text: format!("{era}{text}") })
}

type Part = Option<(usize, u64, String)>;

/// 2008年8月8日.
fn words(year: Option<String>, month: Part, day: Part) -> String {
    let mut text = year.map_or_else(String::new, |year| year + "年");
    for (_, value, word) in [month, day].into_iter().flatten() {
        text += &format!("{value}{word}");
    }
    text
}

/// 2008/08/08.
fn slashes(year: Option<String>, month: Part, day: Part) -> String {
    if let (Some(year), None) = (&year, &month) {
        return format!("{year}年");
    }
    let parts = [month, day].into_iter().flatten().map(|(_, value, _)| format!("{value:02}"));
    year.into_iter().chain(parts).collect::<Vec<_>>().join("/")
}

/// Parts of the day, and the half they belong to.
const HALVES: [(&str, &str); 12] = [
    ("上午", "a.m."),
    ("早上", "a.m."),
    ("早晨", "a.m."),
    ("清晨", "a.m."),
    ("清早", "a.m."),
    ("凌晨", "a.m."),
    ("下午", "p.m."),
    ("午后", "p.m."),
    ("傍晚", "p.m."),
    ("晚上", "p.m."),
    ("夜晚", "p.m."),
    ("夜里", "p.m."),
];

/// Minutes and seconds behind an hour.
struct Minutes {
    end: usize,
    minute: u64,
    second: Option<u64>,
    /// Whether they may as well be decimals: 八点五分.
    as_decimals: bool,
    /// Whether a digit without 分 would leave it open what is meant.
    in_words: bool,
}

/// A time of day: an hour, its minutes, and perhaps its seconds.
pub(super) fn clock(scan: &Scan, at: usize) -> Option<Found> {
    let half = scan.one_of(at, &HALVES.map(|(word, _)| word)).filter(|_| !scan.nemo());
    let start = half.map_or(at, |(end, _)| end);
    let (middle, hour) = number(scan, start, 0, 24)?;
    let start = scan.one_of(middle, &["点", "点钟", "时"])?.0;
    let minutes = minutes(scan, start)?;
    let (minute, second) = (minutes.minute, minutes.second);
    if scan.nemo() {
        if minutes.in_words {
            return None;
        }
        let seconds = second.map_or_else(String::new, |second| format!(":{second:02}"));
        let text = format!("{hour:02}:{minute:02}{seconds}");
        return Some(Found { end: minutes.end, text });
    }
    if minutes.as_decimals && half.is_none() && second.is_none() {
        return None;
    }
    let hour = if hour == 0 { "00".to_owned() } else { hour.to_string() };
    let seconds = second.map_or_else(String::new, |second| format!(":{second:02}"));
    let half = half.map_or("", |(_, place)| HALVES[place].1);
    Some(Found { end: minutes.end, text: format!("{hour}:{minute:02}{seconds}{half}") })
}

fn minutes(scan: &Scan, at: usize) -> Option<Minutes> {
    let in_words =
        |end, minute| Minutes { end, minute, second: None, as_decimals: false, in_words: true };
    if let Some((end, place)) = scan.one_of(at, &["半", "一刻", "二刻", "两刻", "三刻"]) {
        return Some(in_words(end, [30, 15, 30, 30, 45][place]));
    }
    let zero = scan.one_of(at, &["零", "过", "过零"]).map_or(at, |(end, _)| end);
    let (end, minute) = number(scan, zero, 0, 59)?;
    let Some(after) = scan.word(end, "分").filter(|&after| scan.at(after) != '之') else {
        // 八点三十, but not 八点三.
        return (minute >= 10 && zero == at).then(|| in_words(end, minute));
    };
    let zero_before_second = scan.one_of(after, &["零"]).map_or(after, |(end, _)| end);
    let second = number(scan, zero_before_second, 0, 59)
        .and_then(|(end, second)| Some((scan.one_of(end, &["秒", "秒钟"])?.0, second)));
    Some(Minutes {
        end: second.map_or(after, |(end, _)| end),
        minute,
        second: second.map(|(_, second)| second),
        as_decimals: zero == at && minute < 10,
        in_words: false,
    })
}
