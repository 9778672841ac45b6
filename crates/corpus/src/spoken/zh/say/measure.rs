//! Amounts with what they count: units of measure, measure words, money.

use super::super::data::{CURRENCIES, UNITS};
use super::super::scan::{Found, Scan};
use super::numeral::{Number, signed};

/// Words before which 2 is 二: what is numbered, not counted.
const NUMBERED: [&str; 14] =
    ["两", "月", "月份", "日", "号", "号线", "楼", "班", "级", "路", "代", "队", "度", "年级"];

/// Whether what stands at `at` is counted, so that 2 before it is 两.
pub(super) fn counts(scan: &Scan, at: usize) -> bool {
    if "百千万亿".contains(scan.at(at)) {
        return true;
    }
    let unit = UNITS.words.find(scan, at).or_else(|| CURRENCIES.words.find(scan, at));
    unit.is_some_and(|(end, _)| !NUMBERED.iter().any(|word| scan.word(at, word) == Some(end)))
}

/// The symbol of a unit at `at`: its end, and how it is read. No letter may follow.
fn symbol(scan: &Scan, at: usize) -> Option<(usize, &'static str)> {
    let mut symbols = UNITS.symbols.all(scan, at);
    let (end, entry) = symbols
        .find(|&(end, _)| !scan.latin(end) && (scan.at(end) != '.' || !scan.latin(end + 1)))?;
    Some((end, UNITS.list[entry].word))
}

/// 25kg, 1 kg, 80km/h, 300w
pub(super) fn measure(scan: &Scan, at: usize) -> Option<Found> {
    let number = signed(scan, at)?;
    let nemo = scan.nemo();
    if let Some((end, scale)) = scale(scan, number.end) {
        return Some(Found { end, text: format!("{}{scale}", number.counting(nemo)) });
    }
    let scaled = myriad(scan, number.end);
    let start = scaled.unwrap_or(number.end);
    let space = usize::from(scan.at(start) == ' ');
    let (end, word) = symbol(scan, start + space)?;
    let (end, per) = match scan.word(end, "/").and_then(|start| symbol(scan, start)) {
        Some((end, per)) => (end, format!("每{per}")),
        None => (end, String::new()),
    };
    let amount = format!("{}{}", number.counting(nemo), scan.text(number.end, start));
    Some(Found { end, text: format!("{amount}{word}{per}") })
}

/// w and k behind a number: 万 and 千.
fn scale(scan: &Scan, at: usize) -> Option<(usize, &'static str)> {
    let (end, place) = scan.one_of(at, &["w", "k"])?;
    let lower = scan.original(at, end).iter().all(char::is_ascii_lowercase);
    (lower && !scan.latin(end) && scan.at(end) != '/').then_some((end, ["万", "千"][place]))
}

/// The end of the myriad in words behind a number.
fn myriad(scan: &Scan, at: usize) -> Option<usize> {
    Some(scan.one_of(at, &["百万", "千万", "万", "十万", "亿", "百亿", "千亿", "万亿"])?.0)
}

/// $100, HKD13.5, 100USD, $3.5万
pub(super) fn money(scan: &Scan, at: usize) -> Option<Found> {
    if let Some(number) = signed(scan, at) {
        let start = myriad(scan, number.end).unwrap_or(number.end);
        let (end, entry) = CURRENCIES.signs.find(scan, scan.skip_spaces(start))?;
        // 3$ is a formula's end more often than money.
        let free = scan.at(end - 1) != '$' && !(scan.latin(end) && scan.latin_before(end));
        return free.then(|| said(scan, &number, start, end, entry));
    }
    let (sign, start) = match scan.at(at) {
        '-' => ("负", at + 1),
        _ => ("", at),
    };
    let (end, entry) = CURRENCIES.signs.find(scan, start)?;
    if scan.latin(start) && scan.latin_before(start) {
        return None;
    }
    let number = signed(scan, scan.skip_spaces(end))?;
    let end =
        myriad(scan, number.end).or_else(|| Some(scale(scan, number.end)?.0)).unwrap_or(number.end);
    let mut found = said(scan, &number, end, end, entry);
    found.text.insert_str(0, sign);
    Some(found)
}

/// The number, what stands between it and `scaled`, and the currency.
fn said(scan: &Scan, number: &Number, scaled: usize, end: usize, entry: usize) -> Found {
    let scale = match scale(scan, number.end) {
        Some((_, scale)) => scale.to_owned(),
        None => scan.text(number.end, scaled),
    };
    let word = CURRENCIES.list[entry].word;
    Found { end, text: format!("{}{scale}{word}", number.counting(scan.nemo())) }
}
