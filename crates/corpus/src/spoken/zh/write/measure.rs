//! Amounts with what they count: units of measure, measure words, money.

use super::super::data::{CURRENCIES, UNITS};
use super::super::scan::{Found, Scan};
use super::amount::{Amount, amounts, longest, plain_style, style};
use super::numeral::{digit, multiplied};

/// A unit at a place.
struct Unit {
    end: usize,
    /// How it is written: its symbol, or the words as they were.
    text: String,
    /// Whether that is a symbol.
    is_symbol: bool,
}

/// The unit at `at`, 千米每小时 included.
fn unit_at(scan: &Scan, at: usize) -> Option<Unit> {
    let (end, entry) = UNITS.words.find(scan, at)?;
    let symbol = UNITS.list[entry].symbol.filter(|_| !scan.nemo());
    let Some(symbol) = symbol else {
        return Some(Unit { end, text: scan.text(at, end), is_symbol: false });
    };
    let per = scan.word(end, "每").and_then(|start| symbol_at(scan, start));
    Some(match per {
        Some((end, per)) => Unit { end, text: format!("{symbol}/{per}"), is_symbol: true },
        None => Unit { end, text: symbol.to_owned(), is_symbol: true },
    })
}

/// The symbol of the unit at `at`, and its end.
fn symbol_at(scan: &Scan, at: usize) -> Option<(usize, &'static str)> {
    let (end, entry) = UNITS.words.find(scan, at)?;
    Some((end, UNITS.list[entry].symbol?))
}

fn write(amount: &str, unit: &Unit) -> Found {
    Found { end: unit.end, text: format!("{amount}{}", unit.text) }
}

/// Characters that make of 一 behind them another word than a number: 每一天, 进一步.
const DETERMINERS: &str = "每上下这那某任何意同进另哪各唯其之统逐前后";

/// Whether the amount at `at` is to be written as a number where something is counted.
fn wanted(scan: &Scan, at: usize, amount: &Amount) -> bool {
    let determined = scan.at(at) == '一' && DETERMINERS.contains(scan.before(at));
    !amount.one_digit || (scan.options.chinese.single_digits && !determined)
}

/// 三百二十四点七五克.
pub(super) fn measure(scan: &Scan, at: usize) -> Option<Found> {
    let mut best: Option<Found> = None;
    for amount in amounts(scan, at, style(scan)) {
        // The last of several digits counts nothing.
        let within = (amount.bare || amount.one_digit) && digit(scan.before(at)).is_some();
        if within || !wanted(scan, at, &amount) {
            continue;
        }
        let Some(unit) = unit_at(scan, amount.end) else { continue };
        let text = if unit.is_symbol { amount.before_symbol() } else { amount.text() };
        if best.as_ref().is_none_or(|best| unit.end > best.end) {
            best = Some(write(&text, &unit));
        }
    }
    best
}

/// 一米七五, 三十七度五: decimals behind the unit.
pub(super) fn split(scan: &Scan, at: usize) -> Option<Found> {
    let amount = longest(scan, at, style(scan))?;
    let unit = unit_at(scan, scan.one_of(amount.end, &["米", "度"]).map(|_| amount.end)?)?;
    let mut end = unit.end;
    let mut decimals = String::new();
    while let Some(value) = digit(scan.at(end)).filter(|_| decimals.len() < 2) {
        decimals += &value.to_string();
        end += 1;
    }
    let goes_on = digit(scan.at(end)).is_some() || multiplied(scan, end) || scan.at(end) == '点';
    let whole = !amount.is_range() && !amount.text().contains('.');
    if decimals.is_empty() || goes_on || !whole || unit_at(scan, end).is_some() {
        return None;
    }
    let amount = amount.with_decimals(end, &decimals);
    Some(Found { end, text: format!("{}{}", amount.text(), unit.text) })
}

/// 十一到一百千米每小时.
pub(super) fn range(scan: &Scan, at: usize) -> Option<Found> {
    let mut best: Option<Found> = None;
    for low in amounts(scan, at, style(scan)) {
        let Some((start, _)) = scan.one_of(low.end, &["到", "至"]) else { continue };
        for high in amounts(scan, start, style(scan)) {
            let Some(unit) = unit_at(scan, high.end) else { continue };
            let neither = low.is_range() || high.is_range() || low.bare || high.bare;
            if neither || !(wanted(scan, at, &low) || wanted(scan, start, &high)) {
                continue;
            }
            if best.as_ref().is_none_or(|best| unit.end > best.end) {
                best = Some(write(&format!("{}~{}", low.text(), high.text()), &unit));
            }
        }
    }
    best
}

/// 每小时十千米.
pub(super) fn per(scan: &Scan, at: usize) -> Option<Found> {
    if scan.nemo() {
        return None;
    }
    let (start, per) = symbol_at(scan, scan.word(at, "每")?)?;
    let amounts = amounts(scan, start, style(scan)).into_iter();
    let found = amounts.filter_map(|amount| {
        let (end, symbol) = symbol_at(scan, amount.end)?;
        Some(Found { end, text: format!("{}{symbol}/{per}", amount.before_symbol()) })
    });
    found.reduce(|best, found| if found.end > best.end { found } else { best })
}

/// Characters that make another word of 元 or 圆 before them.
const NO_CURRENCY: &str = "旦宵月素件老首帅凶形桌圈满心周宝";

/// 二十五元三毛, 十二块五, 一点五万英镑.
pub(super) fn money(scan: &Scan, at: usize) -> Option<Found> {
    let mut found = None;
    for amount in amounts(scan, at, plain_style(scan)) {
        if let Some(pieces) = pieces(scan, &amount) {
            found = Some(pieces);
            continue;
        }
        let Some((end, entry)) = CURRENCIES.words.find(scan, amount.end) else { continue };
        let yuan = scan.original(amount.end, end).len() == 1;
        if !wanted(scan, at, &amount) || (yuan && NO_CURRENCY.contains(scan.at(end))) {
            continue;
        }
        let currency = &CURRENCIES.list[entry];
        let sign = if scan.nemo() { currency.nemo } else { currency.wetext };
        let (end, amount) = if yuan { with_cents(scan, amount, end) } else { (end, amount) };
        found = Some(Found { end, text: format!("{sign}{}", amount.text()) });
    }
    found
}

/// The amount with the 角 and 分 that follow it as decimals.
fn with_cents(scan: &Scan, amount: Amount, end: usize) -> (usize, Amount) {
    let tenths = coins(scan, end, &["角", "毛"]);
    let after_tenths = tenths.map_or(end, |(end, _)| end);
    // 三元零五分
    let zero = scan.one_of(after_tenths, &["零", ""]).map_or(after_tenths, |(end, _)| end);
    let cents = coins(scan, zero, &["分"]);
    match (tenths, cents) {
        (None, None) => (end, amount),
        (Some((end, tenths)), None) => (end, amount.with_decimals(end, &tenths.to_string())),
        (tenths, Some((end, cents))) => {
            let tenths = tenths.map_or(0, |(_, tenths)| tenths);
            (end, amount.with_decimals(end, &format!("{tenths}{cents}")))
        }
    }
}

/// A digit and one of these words.
fn coins(scan: &Scan, at: usize, words: &[&str]) -> Option<(usize, u64)> {
    let value = digit(scan.at(at))?;
    let (end, _) = scan.one_of(at + 1, words)?;
    Some((end, value))
}

/// 十二块五毛, which keeps its words.
fn pieces(scan: &Scan, amount: &Amount) -> Option<Found> {
    let middle = scan.word(amount.end, "块")?;
    let cents = scan.word(middle, "零").and_then(|at| coins(scan, at, &["分", ""]));
    if let Some((end, cents)) = cents.filter(|(end, _)| !multiplied(scan, *end)) {
        return Some(Found { end, text: format!("{}块0{cents}", amount.text()) });
    }
    let value = digit(scan.at(middle)).filter(|value| *value > 0)?;
    let (end, tenths) = match scan.one_of(middle + 1, &["毛", "角"]) {
        Some((end, _)) => (end, scan.text(middle + 1, end)),
        None => (middle + 1, String::new()),
    };
    let goes_on = tenths.is_empty() && (digit(scan.at(end)).is_some() || multiplied(scan, end));
    if goes_on || amount.is_range() {
        return None;
    }
    Some(Found { end, text: format!("{}块{value}{tenths}", amount.text()) })
}
