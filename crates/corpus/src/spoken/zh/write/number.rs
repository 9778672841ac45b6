//! Numbers by themselves, and what is made of two: fractions, percentages, scores, formulas.

use super::super::scan::{Found, Scan};
use super::amount::{Amount, Style, amount_text, amounts, longest, negative, plain_style, style};
use super::numeral::{digit, multiplied, unit};

/// 一千零五十.
pub(super) fn cardinal(scan: &Scan, at: usize) -> Option<Found> {
    let amount = longest(scan, at, style(scan))?;
    let end = amount.end;
    let wanted = if amount.one_digit {
        scan.options.chinese.standalone_numbers
            && scan.options.chinese.single_digits
            && stands_free(scan, at)
    } else {
        scan.options.chinese.standalone_numbers || amount.text().contains('.')
    };
    // A number that is not wanted stays whole: no rule begins within it.
    let text = if wanted { amount.text() } else { scan.text(at, end) };
    Some(Found { end, text })
}

/// Whether a digit said at `at` may be a number by itself and no part of a word.
fn stands_free(scan: &Scan, at: usize) -> bool {
    let before = scan.before(at);
    if scan.nemo() {
        return !scan.han(at + 1) && !scan.han_before(at);
    }
    let in_word = digit(before).is_some() || "唯统万专单同合第之初周期拜其划归".contains(before);
    !scan.han(at + 1) && !in_word && scan.at(at) != '两'
}

/// 第一百零一.
pub(super) fn ordinal(scan: &Scan, at: usize) -> Option<Found> {
    let start = scan.word(at, "第")?;
    let amount = longest(scan, start, plain_style(scan))?;
    if amount.is_range() || (amount.one_digit && !scan.nemo()) {
        return None;
    }
    Some(Found { end: amount.end, text: format!("{}{}", scan.text(at, start), amount.text()) })
}

/// 百分之三十到四十一.
pub(super) fn percent(scan: &Scan, at: usize) -> Option<Found> {
    let start = negative(scan, at).unwrap_or(at);
    let low = share(scan, scan.word(start, "百分之")?)?;
    // 百分之十几 stays.
    if "几多来余".contains(scan.at(low.end)) {
        return Some(Found { end: low.end + 1, text: scan.text(at, low.end + 1) });
    }
    let low = if start > at { low.negative() } else { low };
    let up_to = scan.one_of(low.end, &["到", "至", "到百分之", "至百分之"]);
    if let Some(high) = up_to.and_then(|(start, _)| share(scan, start)) {
        return Some(Found { end: high.end, text: format!("{}~{}%", low.text(), high.text()) });
    }
    Some(Found { end: low.end, text: format!("{}%", low.text()) })
}

/// What stands behind 百分之: 百 is a hundred there.
fn share(scan: &Scan, at: usize) -> Option<Amount> {
    if scan.at(at) == '百' {
        return Some(Amount::hundred(at + 1));
    }
    amounts(scan, at, plain_style(scan)).into_iter().rfind(|amount| !multiplied(scan, amount.end))
}

/// 五十又一百分之一.
pub(super) fn fraction(scan: &Scan, at: usize) -> Option<Found> {
    if let Some((end, text)) = simple_fraction(scan, at) {
        return Some(Found { end, text });
    }
    let whole = longest(scan, at, Style::Round)?;
    let start = scan.word(whole.end, "又")?;
    let (end, text) = simple_fraction(scan, start)?;
    Some(Found { end, text: format!("{}又{text}", whole.text()) })
}

fn simple_fraction(scan: &Scan, at: usize) -> Option<(usize, String)> {
    let start = negative(scan, at).unwrap_or(at);
    let sign = if start > at { "-" } else { "" };
    let bare = scan.one_of(start, &["百", "千", "万", "百万", "千万", "亿"]);
    let (end, denominator) = match bare {
        Some((end, place)) => (end, format!("1{}", "0".repeat([2, 3, 4, 6, 7, 8][place]))),
        None => {
            let amount = amounts(scan, start, Style::Round)
                .into_iter()
                .rfind(|one| scan.word(one.end, "分之").is_some())?;
            (amount.end, amount.text())
        }
    };
    let start = scan.word(end, "分之")?;
    let (end, numerator) = amount_text(scan, start, Style::Round)?;
    Some((end, format!("{sign}{numerator}/{denominator}")))
}

/// 七十八比九十六, 三比一比二, where nothing is compared.
pub(super) fn score(scan: &Scan, at: usize) -> Option<Found> {
    let (mut end, mut text) = amount_text(scan, at, Style::Round)?;
    let mut n_sides = 1;
    while let Some(start) = scan.word(end, "比") {
        let Some((next, side)) = amount_text(scan, start, Style::Round) else { break };
        (end, text) = (next, format!("{text}:{side}"));
        n_sides += 1;
    }
    let compared = "大小多少高低长短快慢重轻强弱好差贵早晚".contains(scan.at(end));
    (n_sides > 1 && !compared).then_some(Found { end, text })
}

/// What is said between two numbers, and how it is written.
const OPERATORS: [(&str, &str); 14] = [
    ("加", "+"),
    ("加上", "+"),
    ("减", "-"),
    ("减去", "-"),
    ("乘", "×"),
    ("乘以", "×"),
    ("除以", "÷"),
    ("等于", "="),
    ("约等于", "≈"),
    ("不等于", "≠"),
    ("大于", ">"),
    ("小于", "<"),
    ("大于等于", "≥"),
    ("小于等于", "≤"),
];

/// 一加二等于三.
pub(super) fn formula(scan: &Scan, at: usize) -> Option<Found> {
    let (mut end, mut text) = amount_text(scan, at, Style::Round)?;
    let words = OPERATORS.map(|(word, _)| word);
    let mut n_operators = 0;
    while let Some((start, place)) = scan.one_of(end, &words) {
        let Some((next, operand)) = amount_text(scan, start, Style::Round) else { break };
        text = text + OPERATORS[place].1 + &operand;
        end = next;
        n_operators += 1;
    }
    (n_operators > 0 && unit(scan.at(end)).is_none()).then_some(Found { end, text })
}
