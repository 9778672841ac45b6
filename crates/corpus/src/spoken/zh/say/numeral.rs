//! Numbers as they are written, `-1,234.5`, and as they are said: 负一千二百三十四点五.

use super::super::scan::Scan;

/// A number as it is written.
#[derive(Debug, Clone)]
pub(super) struct Number {
    /// One past its last character.
    pub(super) end: usize,
    /// 负, 正 or nothing.
    sign: &'static str,
    /// Its digits before the point, without commas.
    pub(super) whole: String,
    /// Its digits behind the point.
    pub(super) decimals: Option<String>,
}

impl Number {
    /// The number said.
    pub(super) fn said(&self, nemo: bool) -> String {
        let whole = cardinal(&self.whole, nemo);
        match &self.decimals {
            Some(decimals) => format!("{}{whole}点{}", self.sign, digits(decimals)),
            None => format!("{}{whole}", self.sign),
        }
    }

    /// The number said before what it counts: 2 is 两 there.
    pub(super) fn counting(&self, nemo: bool) -> String {
        if self.whole == "2" && self.decimals.is_none() {
            return format!("{}两", self.sign);
        }
        self.said(nemo)
    }

    /// The sign said, and the number without it.
    pub(super) fn split_sign(mut self) -> (&'static str, Number) {
        let sign = std::mem::take(&mut self.sign);
        (sign, self)
    }
}

/// The number without a sign at `at`.
pub(super) fn unsigned(scan: &Scan, at: usize) -> Option<Number> {
    let mut end = scan.digits(at);
    if end == at {
        return None;
    }
    let mut whole = scan.folded(at, end);
    // Commas between groups of three: 1,234,567.
    if whole.len() <= 3 && !whole.starts_with('0') {
        while scan.at(end) == ',' && scan.digits(end + 1) == end + 4 {
            whole += &scan.folded(end + 1, end + 4);
            end += 4;
        }
    }
    let fraction = scan.digits(end + 1);
    let point = scan.at(end) == '.' && fraction > end + 1;
    let decimals = point.then(|| scan.folded(end + 1, fraction));
    Some(Number { end: if point { fraction } else { end }, sign: "", whole, decimals })
}

/// The number at `at`, with its sign where one stands free.
pub(super) fn signed(scan: &Scan, at: usize) -> Option<Number> {
    let sign = match scan.at(at) {
        '-' => "负",
        '+' => "正",
        '±' => "正负",
        _ => return unsigned(scan, at),
    };
    let before = scan.before(at);
    if before.is_ascii_alphanumeric() || ")]%".contains(before) {
        return None;
    }
    Some(Number { sign, ..unsigned(scan, at + 1)? })
}

const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

fn digit(c: char) -> char {
    DIGITS[c.to_digit(10).unwrap_or(0) as usize]
}

/// Digits one by one.
pub(super) fn digits(text: &str) -> String {
    text.chars().map(digit).collect()
}

/// Digits one by one as on the telephone, where 1 is 幺.
pub(super) fn telephone(text: &str) -> String {
    text.chars().map(|c| if c == '1' { '幺' } else { digit(c) }).collect()
}

/// The longest number that is said by its value; longer ones are said digit by digit.
const LONGEST: usize = 16;

/// A whole number said by its value; 007 digit by digit.
pub(super) fn cardinal(text: &str, nemo: bool) -> String {
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if leading_zero || text.len() > LONGEST {
        return digits(text);
    }
    // Sixteen digits fit.
    let value: u64 = text.parse().unwrap_or(0);
    let said = below_myriad_squared(value / 100_000_000, value % 100_000_000);
    let said = if said.is_empty() { "零".to_owned() } else { said };
    with_pairs(&said, nemo)
}

/// So many 亿 and what is below them.
fn below_myriad_squared(above: u64, below: u64) -> String {
    let mut said = String::new();
    if above > 0 {
        said = myriads(above, true) + "亿";
        if below > 0 && below < 10_000_000 {
            said.push('零');
        }
    }
    said + &myriads(below, above == 0)
}

/// A number below 10^8; `first`: nothing was said before it.
fn myriads(value: u64, first: bool) -> String {
    let (above, below) = (value / 10_000, value % 10_000);
    let mut said = String::new();
    if above > 0 {
        said = section(above, true) + "万";
        if below > 0 && below < 1000 {
            said.push('零');
        }
    }
    said + &section(below, first && above == 0)
}

/// A number below 10,000; `short`: 10 to 19 without 一 before 十.
fn section(value: u64, short: bool) -> String {
    let mut said = String::new();
    let mut gap = false;
    for (size, unit) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let figure = value / size % 10;
        if figure == 0 {
            gap = !said.is_empty();
            continue;
        }
        if gap {
            said.push('零');
            gap = false;
        }
        if !(short && size == 10 && value < 20) {
            said.push(DIGITS[figure as usize]);
        }
        said += unit;
    }
    said
}

/// 二 as 两: NeMo's suite says so before 千 and myriads, WeTextProcessing's before every unit but
/// 十, and at the beginning alone.
fn with_pairs(said: &str, nemo: bool) -> String {
    let chars: Vec<char> = said.chars().collect();
    let paired = chars.iter().enumerate().map(|(at, &c)| {
        let next = chars.get(at + 1).copied().unwrap_or('\0');
        let alone = at == 0 || "零亿".contains(chars[at - 1]);
        let pair = if nemo {
            next == '千' || (alone && "万亿".contains(next))
        } else {
            at == 0 && "百千万亿".contains(next)
        };
        if c == '二' && pair { '两' } else { c }
    });
    paired.collect()
}
