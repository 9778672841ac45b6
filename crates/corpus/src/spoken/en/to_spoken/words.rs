//! Numbers in words.

use crate::spoken::Conventions;

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

const SCALES: [&str; 12] = [
    "",
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
    "sextillion",
    "septillion",
    "octillion",
    "nonillion",
    "decillion",
];

/// A number below a hundred.
pub(super) fn below_hundred(value: usize) -> String {
    match (value / 10, value % 10) {
        (0 | 1, _) => SMALL[value].to_owned(),
        (tens, 0) => TENS[tens].to_owned(),
        (tens, ones) => format!("{} {}", TENS[tens], SMALL[ones]),
    }
}

/// How a cardinal is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum And {
    /// `one hundred and one`.
    BeforeLast,
    /// `one hundred one`.
    Never,
}

/// A number of digits alone, as a cardinal; digit by digit where it is too large for a name.
pub(super) fn cardinal(digits: &str, and: And) -> String {
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return SMALL[0].to_owned();
    }
    if digits.len() > 3 * SCALES.len() {
        return one_by_one(digits, SMALL[0]);
    }
    let n_groups = digits.len().div_ceil(3);
    let mut words = Vec::new();
    for group in (0..n_groups).rev() {
        let end = digits.len() - 3 * group;
        let value = number(&digits[end.saturating_sub(3)..end]);
        let (hundreds, rest) = (value / 100, value % 100);
        if hundreds > 0 {
            words.push(SMALL[hundreds].to_owned());
            words.push("hundred".to_owned());
        }
        if rest > 0 {
            if and == And::BeforeLast && group == 0 && !words.is_empty() {
                words.push("and".to_owned());
            }
            words.push(below_hundred(rest));
        }
        if value > 0 && group > 0 {
            words.push(SCALES[group].to_owned());
        }
    }
    words.join(" ")
}

/// A number alone: WeTextProcessing leaves out the one of a leading thousand.
pub(super) fn cardinal_alone(digits: &str, conventions: Conventions) -> String {
    let words = cardinal(digits, And::BeforeLast);
    match words.strip_prefix("one ") {
        Some(rest) if conventions == Conventions::WeText && rest.starts_with("thousand") => {
            rest.to_owned()
        }
        _ => words,
    }
}

/// Digits one by one; `zero` is what a zero is called.
pub(super) fn one_by_one(digits: &str, zero: &str) -> String {
    let words: Vec<&str> = digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|digit| if digit == b'0' { zero } else { SMALL[usize::from(digit - b'0')] })
        .collect();
    words.join(" ")
}

/// What a zero among digits is called.
pub(super) fn zero(conventions: Conventions) -> &'static str {
    match conventions {
        Conventions::Nemo => "zero",
        Conventions::WeText => "oh",
    }
}

/// The ordinal of a cardinal in words.
pub(super) fn ordinal(cardinal: &str) -> String {
    let at = cardinal.rfind(' ').map_or(0, |at| at + 1);
    let (lead, last) = cardinal.split_at(at);
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        _ => match last.strip_suffix('y') {
            Some(stem) => format!("{stem}ieth"),
            None => format!("{last}th"),
        },
    };
    format!("{lead}{last}")
}

/// The ordinal of a number of digits: `twenty first`.
pub(super) fn ordinal_of(digits: &str) -> String {
    ordinal(&cardinal(digits, And::Never))
}

/// The part that a number names, one or many of it: `third`, `thirds`.
pub(super) fn part_of(digits: &str, many: bool) -> String {
    let word = match digits {
        "2" => return if many { "halves" } else { "half" }.to_owned(),
        "4" => "quarter".to_owned(),
        _ => ordinal_of(digits),
    };
    if many { format!("{word}s") } else { word }
}

/// Several of a round number: `eighties`.
pub(super) fn plural(words: &str) -> String {
    match words.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{words}s"),
    }
}

/// A year of two to four digits: `nineteen oh five`, `two thousand six`, `three forty`.
pub(super) fn year(digits: &str) -> String {
    let value = number(digits);
    let (century, rest) = (value / 100, value % 100);
    if digits.len() <= 2 {
        return if digits.starts_with('0') {
            one_by_one(digits, SMALL[0])
        } else {
            below_hundred(value)
        };
    }
    if century % 10 == 0 && rest < 10 || century == 0 || digits.len() > 4 {
        return cardinal(digits, And::Never);
    }
    let century = below_hundred(century);
    match rest {
        0 => format!("{century} hundred"),
        1..10 => format!("{century} oh {}", SMALL[rest]),
        _ => format!("{century} {}", below_hundred(rest)),
    }
}

/// What at most four digits are worth.
pub(super) fn number(digits: &str) -> usize {
    digits.bytes().take(4).fold(0, |value, digit| value * 10 + usize::from(digit - b'0'))
}
