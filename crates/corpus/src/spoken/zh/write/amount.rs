//! What can be counted, weighed or paid: whole numbers, decimals, and two neighbours such as 三五百.

use super::super::scan::Scan;
use super::numeral::{Numeral, digit, multiplied, myriad, numerals, unit};

/// How an amount is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// 一亿零两千三百 is 1亿2300: less than ten 万 are written out, other myriads keep their word.
    Mixed,
    /// 五十万 is 50万 and 一百一十九万九千 1199000: written out but for round ones.
    Round,
    /// The same, with commas: 1,199,000.
    Grouped,
}

/// An amount as it was said.
#[derive(Debug, Clone, Default)]
pub(super) struct Amount {
    /// One past its last character.
    pub(super) end: usize,
    /// Its number.
    number: String,
    /// Of two neighbours, the second, with the mark between them.
    neighbour: String,
    /// The myriad behind the number, as it was said.
    scale: String,
    /// Whether it is one digit, which may be part of a word.
    pub(super) one_digit: bool,
    /// Whether two digits say it, 七八, which need something to count.
    pub(super) bare: bool,
}

impl Amount {
    /// The amount written, with the myriad behind it.
    pub(super) fn text(&self) -> String {
        format!("{}{}{}", self.number, self.neighbour, self.scale)
    }

    /// The amount before a symbol of Latin letters, where 万 behind two neighbours is W.
    pub(super) fn before_symbol(&self) -> String {
        let scale = if self.is_range() && self.scale == "万" { "W" } else { &self.scale };
        format!("{}{}{scale}", self.number, self.neighbour)
    }

    /// 百 by itself, which ends before `end`.
    pub(super) fn hundred(end: usize) -> Amount {
        Amount { end, number: "100".to_owned(), ..Amount::default() }
    }

    /// Whether these are two neighbours.
    pub(super) fn is_range(&self) -> bool {
        !self.neighbour.is_empty()
    }

    /// The same amount below zero.
    pub(super) fn negative(mut self) -> Amount {
        self.number.insert(0, '-');
        self.one_digit = false;
        self
    }

    /// The amount with decimals behind its number.
    pub(super) fn with_decimals(mut self, end: usize, decimals: &str) -> Amount {
        self.number = format!("{}.{decimals}", self.number);
        self.end = end;
        self.one_digit = false;
        self
    }
}

/// The style of a number by itself.
pub(super) fn style(scan: &Scan) -> Style {
    if scan.nemo() { Style::Grouped } else { Style::Mixed }
}

/// The style of sums and ordinals.
pub(super) fn plain_style(scan: &Scan) -> Style {
    if scan.nemo() { Style::Round } else { Style::Mixed }
}

/// The longest amount at `at` that goes on as no other numeral and is no bare pair.
pub(super) fn longest(scan: &Scan, at: usize, style: Style) -> Option<Amount> {
    amounts(scan, at, style)
        .into_iter()
        .rfind(|amount| !amount.bare && !multiplied(scan, amount.end))
}

/// The longest amount at `at`: its end, and how it is written.
pub(super) fn amount_text(scan: &Scan, at: usize, style: Style) -> Option<(usize, String)> {
    let amount = longest(scan, at, style)?;
    Some((amount.end, amount.text()))
}

/// Every amount at `at`, 负 before it included, the shortest first.
pub(super) fn amounts(scan: &Scan, at: usize, style: Style) -> Vec<Amount> {
    if let Some(start) = negative(scan, at) {
        let amounts = amounts_unsigned(scan, start, style).into_iter();
        return amounts.filter(|amount| !amount.is_range()).map(Amount::negative).collect();
    }
    amounts_unsigned(scan, at, style)
}

/// The place after 负 or 负的.
pub(super) fn negative(scan: &Scan, at: usize) -> Option<usize> {
    let end = scan.one_of(at, &["负", "负的"])?.0;
    (scan.at(end) != '负').then_some(end)
}

fn amounts_unsigned(scan: &Scan, at: usize, style: Style) -> Vec<Amount> {
    let c = scan.at(at);
    // 几十 is no ten.
    let ten = unit(c) == Some(10) && !"几数".contains(scan.before(at));
    if digit(c).is_none() && !ten {
        return Vec::new();
    }
    let mut found = Vec::new();
    let numerals = numerals(scan, at);
    for numeral in &numerals {
        let value = numeral.value();
        let (number, scale) = write(numeral, style);
        let one_digit = numeral.end == at + 1 && value < 10;
        found.push(Amount {
            end: numeral.end,
            number,
            neighbour: String::new(),
            scale,
            one_digit,
            bare: false,
        });
        found.extend(decimal(scan, numeral, style));
    }
    found.extend(neighbours(scan, at, &numerals));
    found.sort_by_key(|amount| amount.end);
    found
}

/// The digits one by one behind 点: their end, and the digits.
fn decimals(scan: &Scan, at: usize) -> Option<(usize, String)> {
    let mut end = scan.word(at, "点")?;
    let mut digits = String::new();
    while let Some(value) = digit(scan.at(end)).filter(|_| scan.at(end) != '两') {
        digits.push(char::from(b'0' + value as u8));
        end += 1;
    }
    // 两点三刻 is a time.
    let goes_on = unit(scan.at(end)).is_some() || scan.at(end) == '刻';
    (!digits.is_empty() && !goes_on).then_some((end, digits))
}

/// 三点一四, 一点五万.
fn decimal(scan: &Scan, whole: &Numeral, style: Style) -> Option<Amount> {
    let (mut end, digits) = decimals(scan, whole.end)?;
    let start = end;
    while myriad(scan.at(end)).is_some() {
        end += 1;
    }
    let value = whole.value().to_string();
    let value = if style == Style::Grouped { grouped(&value) } else { value };
    Some(Amount {
        end,
        number: format!("{value}.{digits}"),
        neighbour: String::new(),
        scale: scan.text(start, end),
        one_digit: false,
        bare: false,
    })
}

/// Two digits side by side, within a numeral or by themselves: 三五百, 七百三四十, 一万六七.
fn neighbours(scan: &Scan, at: usize, numerals: &[Numeral]) -> Option<Amount> {
    let heads = numerals.iter().rev().filter(|head| {
        let c = scan.before(head.end);
        unit(c).or(myriad(c)).is_some()
    });
    heads.map(Some).chain([None]).find_map(|head| pair(scan, at, head))
}

/// The two digits behind `head`.
fn pair(scan: &Scan, at: usize, head: Option<&Numeral>) -> Option<Amount> {
    let start = head.map_or(at, |head| head.end);
    let (low, high) = (digit(scan.at(start))?, digit(scan.at(start + 1))?);
    let counted = low > 0 && (high == low + 1 || (low, high) == (3, 5));
    // 一两百, but 十一两 is a weight.
    let weight = scan.at(start + 1) == '两' && head.is_some();
    if !counted || weight || (head.is_none() && digit(scan.before(at)).is_some()) {
        return None;
    }
    let mut end = start + 2;
    let said = unit(scan.at(end));
    let size = match (said, head) {
        (Some(size), Some(head)) if size >= head.last_unit => return None,
        (Some(size), _) => size,
        (None, Some(head)) if head.last_unit >= 100 => head.last_unit / 10,
        (None, _) => 1,
    };
    end += usize::from(said.is_some());
    let scale_start = end;
    let scaled = head.is_none_or(|head| head.myriads.is_empty());
    end += usize::from(scaled && myriad(scan.at(end)).is_some());
    if digit(scan.at(end)).is_some() {
        return None;
    }
    let mark = if head.is_some() { '-' } else { '~' };
    Some(Amount {
        end,
        number: (head.map_or(0, Numeral::value) + low * size).to_string(),
        neighbour: format!("{mark}{}", high * size),
        scale: scan.text(scale_start, end),
        one_digit: false,
        bare: head.is_none() && end == start + 2,
    })
}

/// The number, and the myriad behind it that keeps its word.
fn write(numeral: &Numeral, style: Style) -> (String, String) {
    if style == Style::Mixed {
        return mixed(numeral);
    }
    let group = |value: u64| match style {
        Style::Grouped => grouped(&value.to_string()),
        _ => value.to_string(),
    };
    match &numeral.myriads[..] {
        [one] if numeral.rest == 0 => (group(one.count), one.written.clone()),
        _ => (group(numeral.value()), String::new()),
    }
}

fn mixed(numeral: &Numeral) -> (String, String) {
    let (mut text, mut rest) = (String::new(), numeral.rest);
    for myriad in &numeral.myriads {
        if myriad.size == 10_000 && myriad.count < 10 {
            rest += myriad.count * myriad.size;
        } else {
            text += &format!("{}{}", myriad.count, myriad.written);
        }
    }
    match numeral.myriads.last() {
        Some(last) if rest == 0 => {
            let number = text.len() - last.written.len();
            text.truncate(number);
            (text, last.written.clone())
        }
        None | Some(_) => (text + &rest.to_string(), String::new()),
    }
}

/// Digits with a comma before each three: 1,050.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}
