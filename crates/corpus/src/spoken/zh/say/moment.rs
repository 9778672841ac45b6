//! Dates and times of day: 2008-08-08, 8:00 a.m.

use super::super::scan::{Found, Scan};
use super::numeral::{cardinal, digits};

/// The run of digits at `at`: its end and the digits.
fn run(scan: &Scan, at: usize) -> Option<(usize, String)> {
    let end = scan.digits(at);
    (end > at).then(|| (end, scan.folded(at, end)))
}

/// The value of at most two digits within bounds.
fn small(digits: &str, low: u64, high: u64) -> Option<u64> {
    let value = digits.parse().ok().filter(|value| (low..=high).contains(value))?;
    (digits.len() <= 2).then_some(value)
}

/// The digits of a year of four digits.
fn is_year(digits: &str) -> bool {
    digits.len() == 4 && matches!(digits.as_bytes()[0], b'1' | b'2')
}

/// Numbers with the same mark between them: 2008-08-08, 08-08-2008, 2008-08, 08.2008, 08-08.
pub(super) fn date(scan: &Scan, at: usize) -> Option<Found> {
    let (first_end, first) = run(scan, at)?;
    let mark = scan.at(first_end);
    if !"-/.·".contains(mark) || scan.latin_before(at) {
        return None;
    }
    let (second_end, second) = run(scan, first_end + 1)?;
    let third = if scan.at(second_end) == mark { run(scan, second_end + 1) } else { None };
    let (end, text) = match third {
        Some((end, third)) => (end, whole_date(&first, &second, &third)?),
        None => (second_end, half_date(mark, &first, &second)?),
    };
    let goes_on = scan.at(end) == mark && scan.at(end + 1).is_ascii_digit();
    let (end, era) = era(scan, end).unwrap_or((end, ""));
    (!goes_on && !scan.latin(end)).then(|| Found { end, text: format!("{era}{text}") })
}

fn whole_date(first: &str, second: &str, third: &str) -> Option<String> {
    let (year, month, day) = match (first.len(), third.len()) {
        (4, _) => (first, second, third),
        (_, 4) => (third, first, second),
        (2, _) => (first, second, third),
        _ => return None,
    };
    let plausible = year.len() == 2 || is_year(year);
    let (month, day) = (small(month, 1, 12)?, small(day, 1, 31)?);
    plausible.then(|| format!("{}年{}{}", digits(year), said(month, "月"), said(day, "日")))
}

/// A year and a month, or a month and a day, the zero of which tells them from decimals.
fn half_date(mark: char, first: &str, second: &str) -> Option<String> {
    if mark == '·' {
        return None;
    }
    let zero = first.starts_with('0') || second.starts_with('0');
    let (year, month) = if first.len() == 4 { (first, second) } else { (second, first) };
    if is_year(year) && month.len() == 2 && (zero || mark == '-') {
        return Some(format!("{}年{}", digits(year), said(small(month, 1, 12)?, "月")));
    }
    let zero = first.starts_with('0') || (mark == '-' && zero);
    if !zero || first.len() != 2 || second.len() != 2 {
        return None;
    }
    let (month, day) = (small(first, 1, 12)?, small(second, 1, 31)?);
    Some(format!("{}{}", said(month, "月"), said(day, "日")))
}

fn said(value: u64, word: &str) -> String {
    format!("{}{word}", spoken(value))
}

fn spoken(value: u64) -> String {
    cardinal(&value.to_string(), false)
}

/// Eras behind a date, and what is said before it.
fn era(scan: &Scan, at: usize) -> Option<(usize, &'static str)> {
    let words = ["ad", "a.d.", "a.d", "bc", "b.c.", "b.c", "bce", "ce"];
    let (end, place) = scan.one_of(scan.skip_spaces(at), &words)?;
    let said = if [0, 1, 2, 7].contains(&place) { "公元" } else { "公元前" };
    (!scan.latin(end)).then_some((end, said))
}

/// Characters behind 年 with which it counts years.
const YEARS_COUNTED: &str = "后前内来多以间级龄";

/// 2008年, 05年8月, 2934 a.d.
pub(super) fn year(scan: &Scan, at: usize) -> Option<Found> {
    let (end, year) = run(scan, at)?;
    if let Some((end, era)) = era(scan, end).filter(|_| (2..=4).contains(&year.len())) {
        return Some(Found { end, text: format!("{era}{}年", digits(&year)) });
    }
    let after = scan.word(end, "年")?;
    let of_era = scan.before(at) == '元' || scan.word(at.wrapping_sub(2), "元前").is_some();
    let month = run(scan, after).filter(|(end, _)| scan.at(*end) == '月');
    let counted = YEARS_COUNTED.contains(scan.at(after)) || scan.at(after) == '代';
    let by_digit = match year.len() {
        4 => is_year(&year) || of_era,
        3 => of_era || year.starts_with('0'),
        2 => {
            of_era
                || month.is_some()
                || year.starts_with('0')
                || (!counted && two_digits(scan, &year))
        }
        _ => false,
    };
    if !by_digit {
        return None;
    }
    let mut found = Found { end: after, text: format!("{}年", digits(&year)) };
    let month = month.and_then(|(end, month)| Some((end, small(&month, 1, 12)?)));
    if let Some((end, month)) = month
        && let Some((end, era)) = era(scan, end + 1)
    {
        found = Found { end, text: format!("{era}{}{}", found.text, said(month, "月")) };
    }
    Some(found)
}

/// Whether two digits before 年 name a year and count none.
fn two_digits(scan: &Scan, year: &str) -> bool {
    scan.nemo() || year >= "70"
}

/// 08月, 2日: what the calendar numbers.
pub(super) fn month_or_day(scan: &Scan, at: usize) -> Option<Found> {
    let (end, number) = run(scan, at)?;
    let (end, place) = scan.one_of(end, &["月", "日", "号"])?;
    let value = small(&number, 1, [12, 31, 31][place])?;
    Some(Found { end, text: said(value, ["月", "日", "号"][place]) })
}

/// 8:00, 1:02:36 am
pub(super) fn clock(scan: &Scan, at: usize) -> Option<Found> {
    let (end, hour) = run(scan, at)?;
    let hour = small(&hour, 0, 24)?;
    let (end, minute) = two_digit_part(scan, end)?;
    let (end, second) = match two_digit_part(scan, end) {
        Some((end, second)) => (end, Some(second)),
        None => (end, None),
    };
    let goes_on = scan.at(end) == ':' && scan.at(end + 1).is_ascii_digit();
    if goes_on || scan.at(end).is_ascii_digit() {
        return None;
    }
    let mut text = if hour == 2 { "两点".to_owned() } else { said(hour, "点") };
    if minute > 0 || second.is_some() {
        text += &part(scan, minute, "分");
    }
    if let Some(second) = second.filter(|second| *second > 0) {
        text += &part(scan, second, "秒");
    }
    let (end, half) = half(scan, end).filter(|_| !scan.nemo()).unwrap_or((end, ""));
    Some(Found { end, text: format!("{half}{text}") })
}

/// `:05`, below sixty.
fn two_digit_part(scan: &Scan, at: usize) -> Option<(usize, u64)> {
    let (end, digits) = run(scan, scan.word(at, ":")?)?;
    Some((end, small(&digits, 0, 59).filter(|_| digits.len() == 2)?))
}

/// Minutes or seconds; WeTextProcessing's suite says the zero of 8:05.
fn part(scan: &Scan, value: u64, word: &str) -> String {
    let zero = if value > 0 && value < 10 && !scan.nemo() { "零" } else { "" };
    format!("{zero}{}", said(value, word))
}

/// The half of the day behind a time.
fn half(scan: &Scan, at: usize) -> Option<(usize, &'static str)> {
    let words = ["am", "a.m.", "a.m", "pm", "p.m.", "p.m"];
    let (end, place) = scan.one_of(scan.skip_spaces(at), &words)?;
    (!scan.latin(end)).then_some((end, if place < 3 { "上午" } else { "下午" }))
}

/// 90后: those born in the nineties.
pub(super) fn generation(scan: &Scan, at: usize) -> Option<Found> {
    let (end, decade) = run(scan, at)?;
    let after = scan.word(end, "后")?;
    let born = decade.len() == 2 && "05".contains(&decade[1..]) && "056789".contains(&decade[..1]);
    born.then(|| Found { end: after, text: format!("{}后", digits(&decade)) })
}
