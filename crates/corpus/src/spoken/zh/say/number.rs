//! Numbers by themselves, and what is made of two: fractions, percentages, scores, formulas.

use super::super::scan::{Found, Scan};
use super::measure;
use super::numeral::{Number, signed, unsigned};

/// 1,234.5
pub(super) fn cardinal(scan: &Scan, at: usize) -> Option<Found> {
    let number = signed(scan, at)?;
    let counts = number.decimals.is_none() && measure::counts(scan, scan.skip_spaces(number.end));
    let said = if counts && scan.before(at) != '第' {
        number.counting(scan.nemo())
    } else {
        number.said(scan.nemo())
    };
    Some(Found { end: number.end, text: said })
}

/// 6.3%, 30~41%
pub(super) fn percent(scan: &Scan, at: usize) -> Option<Found> {
    let low = signed(scan, at)?;
    let nemo = scan.nemo();
    let (sign, low) = low.split_sign();
    if let Some((end, whole)) = per_hundred(scan, low.end) {
        return Some(Found { end, text: format!("{sign}{whole}分之{}", low.said(nemo)) });
    }
    let (start, _) = scan.one_of(low.end, &["~", "-"])?;
    let high = unsigned(scan, start)?;
    let (end, whole) = per_hundred(scan, high.end)?;
    let (low, high) = (low.said(nemo), high.said(nemo));
    Some(Found { end, text: format!("{sign}{whole}分之{low}到{whole}分之{high}") })
}

fn per_hundred(scan: &Scan, at: usize) -> Option<(usize, &'static str)> {
    let (end, place) = scan.one_of(scan.skip_spaces(at), &["%", "‰", "‱"])?;
    Some((end, ["百", "千", "万"][place]))
}

/// 1/5, 1 / 5
pub(super) fn fraction(scan: &Scan, at: usize) -> Option<Found> {
    let (sign, numerator) = signed(scan, at)?.split_sign();
    let slash = scan.skip_spaces(numerator.end);
    let start = scan.word(slash, "/")?;
    let denominator = unsigned(scan, scan.skip_spaces(start))?;
    if denominator.whole == "0" || scan.at(denominator.end) == '/' {
        return None;
    }
    let (below, above) = (denominator.said(scan.nemo()), numerator.said(scan.nemo()));
    Some(Found { end: denominator.end, text: format!("{sign}{below}分之{above}") })
}

/// 78:96
pub(super) fn score(scan: &Scan, at: usize) -> Option<Found> {
    let left = unsigned(scan, at)?;
    let right = unsigned(scan, scan.word(left.end, ":")?)?;
    let said = |number: &Number| number.said(scan.nemo());
    Some(Found { end: right.end, text: format!("{}比{}", said(&left), said(&right)) })
}

/// Signs between two numbers, and how they are read.
const OPERATORS: [(&str, &str); 17] = [
    ("+", "加"),
    ("-", "减"),
    ("×", "乘"),
    ("*", "乘"),
    ("x", "乘"),
    ("÷", "除以"),
    ("=", "等于"),
    ("==", "等于"),
    ("≠", "不等于"),
    ("!=", "不等于"),
    ("≈", "约等于"),
    ("<", "小于"),
    (">", "大于"),
    ("<=", "小于等于"),
    ("≤", "小于等于"),
    (">=", "大于等于"),
    ("≥", "大于等于"),
];

/// The operator at `at`, spaces around it included: its end and its place in the list.
fn operator(scan: &Scan, at: usize) -> Option<(usize, usize)> {
    let (end, place) = scan.one_of(scan.skip_spaces(at), &OPERATORS.map(|(sign, _)| sign))?;
    Some((scan.skip_spaces(end), place))
}

/// Operators of a formula at most.
const LONGEST_FORMULA: usize = 32;

/// 1 + 2 = 3
pub(super) fn formula(scan: &Scan, at: usize) -> Option<Found> {
    let mut found = operand(scan, at, true)?;
    let mut sure = false;
    for _ in 0..LONGEST_FORMULA {
        let Some((start, place)) = operator(scan, found.end) else { break };
        let (sign, said) = OPERATORS[place];
        let Some(next) = operand(scan, start, sign != "-") else { break };
        // 10-20 by itself is a range.
        sure |= sign != "-";
        found = Found { end: next.end, text: found.text + said + &next.text };
    }
    sure.then_some(found)
}

fn operand(scan: &Scan, at: usize, with_sign: bool) -> Option<Found> {
    let number = if with_sign { signed(scan, at)? } else { unsigned(scan, at)? };
    let measured = measure::measure(scan, at);
    Some(measured.unwrap_or_else(|| Found { end: number.end, text: number.said(scan.nemo()) }))
}

/// Whether at most three letters stand before `at`, and a digit before them: 5km.
fn unit_before(scan: &Scan, at: usize) -> bool {
    let digit = |n: usize| at > n && scan.at(at - n - 1).is_ascii_digit();
    (1..=3).take_while(|&n| scan.at(at.wrapping_sub(n)).is_ascii_alphabetic()).any(digit)
}

/// Signs before a number: ≥100, 10~20, 10-20.
pub(super) fn sign(scan: &Scan, at: usize) -> Option<Found> {
    let c = scan.at(at);
    let before = scan.before(at);
    if c == '~' || c == '-' {
        let after_amount =
            before.is_ascii_digit() || "%℃°㎡²³".contains(before) || unit_before(scan, at);
        let range = after_amount || (c == '~' && scan.han_before(at));
        let number = scan.at(at + 1).is_ascii_digit();
        return (range && number).then(|| Found { end: at + 1, text: "到".to_owned() });
    }
    if !"=<>≤≥≈≠".contains(c) {
        return None;
    }
    let (end, place) = operator(scan, at)?;
    signed(scan, end)?;
    Some(Found { end, text: OPERATORS[place].1.to_owned() })
}
