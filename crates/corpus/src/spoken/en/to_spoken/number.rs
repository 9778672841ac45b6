//! Numbers: cardinals, decimals, ordinals, fractions, Roman numerals.

use super::reader::{Number, Reader, Said};
use super::words::{
    And, cardinal, cardinal_alone, number, one_by_one, ordinal_of, part_of, year, zero,
};
use crate::spoken::Conventions;

/// Scales behind a number, and their short forms behind a sum of money.
pub(super) const SCALES: [(&str, &str); 16] = [
    ("thousand", "thousand"),
    ("million", "million"),
    ("billion", "billion"),
    ("trillion", "trillion"),
    ("quadrillion", "quadrillion"),
    ("bn", "billion"),
    ("mn", "million"),
    ("tn", "trillion"),
    ("k", "thousand"),
    ("m", "million"),
    ("b", "billion"),
    ("t", "trillion"),
    ("K", "thousand"),
    ("M", "million"),
    ("B", "billion"),
    ("T", "trillion"),
];

/// How many of [`SCALES`] are whole words.
pub(super) const N_WORDS: usize = 5;

/// The word for a minus.
fn minus(conventions: Conventions) -> &'static str {
    match conventions {
        Conventions::Nemo => "minus ",
        Conventions::WeText => "negative ",
    }
}

/// A number in words, as a quantity: a cardinal, or a decimal.
pub(super) fn quantity(number: &Number, and: And, conventions: Conventions) -> String {
    let sign = if number.negative { minus(conventions) } else { "" };
    let whole = match number.whole.as_str() {
        "" => String::new(),
        whole => cardinal(whole, and),
    };
    let Some(fraction) = number.fraction else { return format!("{sign}{whole}") };
    let space = if whole.is_empty() { "" } else { " " };
    let digits = one_by_one(fraction, zero(conventions));
    format!("{sign}{whole}{space}point {digits}")
}

/// A scale behind a number: `billion`; the first `n` of [`SCALES`] are looked for.
pub(super) fn scale(reader: &mut Reader, n: usize) -> Option<&'static str> {
    let mut next = *reader;
    next.eat(" ");
    let word = next.letters();
    let (_, scale) = SCALES[..n].iter().find(|(short, _)| *short == word)?;
    if !next.at_end() {
        return None;
    }
    *reader = next;
    Some(scale)
}

/// Whether a number of four digits is rather a year. WeTextProcessing counts up to `eleven hundred`.
pub(super) fn is_year(digits: &str, conventions: Conventions) -> bool {
    let first = match conventions {
        Conventions::Nemo => 1000,
        Conventions::WeText => 1200,
    };
    digits.len() == 4 && (first..3000).contains(&number(digits))
}

/// A whole number that stands alone.
pub(super) fn alone(number: &Number, conventions: Conventions) -> String {
    let digits = number.whole.as_str();
    let sign = if number.negative { minus(conventions) } else { "" };
    let long = conventions == Conventions::Nemo && digits.len() > 4 && !number.grouped;
    let words = if long || digits.len() > 1 && digits.starts_with('0') {
        one_by_one(digits, "zero")
    } else if !number.grouped && !number.negative && is_year(digits, conventions) {
        year(digits)
    } else {
        cardinal_alone(digits, conventions)
    };
    format!("{sign}{words}")
}

/// Rule: a number alone, or with a scale: `2.050`, `13,000`, `0.1 billion`.
pub(super) fn number_alone(mut reader: Reader) -> Option<Said> {
    let conventions = reader.conventions;
    let number = reader.number()?;
    if !reader.at_number_end() {
        return None;
    }
    if let Some(scale) = scale(&mut reader, N_WORDS) {
        return reader.say(format!("{} {scale}", quantity(&number, And::Never, conventions)));
    }
    match number.fraction {
        Some(_) => reader.say(quantity(&number, And::BeforeLast, conventions)),
        None => reader.say(alone(&number, conventions)),
    }
}

/// Rule: `21st`, `1,000th`; `11st` is none.
pub(super) fn ordinal(mut reader: Reader) -> Option<Said> {
    let number = reader.number().filter(|number| number.fraction.is_none() && !number.negative)?;
    let digits = number.whole.as_str();
    let suffix = reader.letters().to_ascii_lowercase();
    let teens = digits.len() > 1 && digits[..digits.len() - 1].ends_with('1');
    let expected = match digits.bytes().last()? {
        b'1' if !teens => "st",
        b'2' if !teens => "nd",
        b'3' if !teens => "rd",
        _ => "th",
    };
    let padded = digits.len() > 1 && digits.starts_with('0');
    let fits = suffix == expected && reader.at_end() && !padded;
    fits.then(|| reader.say(ordinal_of(digits))).flatten()
}

/// Rule: `3/4`, `2 1/2`, `¾`.
pub(super) fn fraction(mut reader: Reader) -> Option<Said> {
    let single = [
        ('½', "one half"),
        ('⅓', "one third"),
        ('⅔', "two thirds"),
        ('¼', "one quarter"),
        ('¾', "three quarters"),
        ('⅕', "one fifth"),
        ('⅛', "one eighth"),
    ];
    if let Some(&(sign, words)) = single.iter().find(|(sign, _)| reader.peek() == Some(*sign)) {
        reader.skip(sign.len_utf8());
        return reader.say(words);
    }
    let first = reader.digits(1, 12)?;
    let mut lead = String::new();
    let mut above = first;
    if let Some(&(sign, words)) = single.iter().find(|(sign, _)| reader.peek() == Some(*sign)) {
        reader.skip(sign.len_utf8());
        return reader.say(format!("{} and {words}", cardinal(first, And::Never)));
    }
    if reader.eat(" ") {
        lead = format!("{} and ", cardinal(first, And::Never));
        above = reader.digits(1, 12)?;
    }
    reader.eat_any(&['/', '⁄'])?;
    let below = reader.digits(1, 12)?;
    if !reader.at_number_end() || reader.peek() == Some('/') || below.starts_with('0') {
        return None;
    }
    let count = cardinal(above, And::Never);
    if below == "1" {
        return reader.say(format!("{lead}{count} over one"));
    }
    reader.say(format!("{lead}{count} {}", part_of(below, above.trim_start_matches('0') != "1")))
}

/// Words before a Roman numeral that count: `World War II`.
const COUNTED: [&str; 22] = [
    "chapter", "part", "war", "section", "volume", "act", "scene", "phase", "type", "class",
    "book", "article", "title", "level", "stage", "grade", "appendix", "bowl", "figure", "table",
    "vol", "category",
];

/// Rule: a Roman numeral behind a name.
pub(super) fn roman(mut reader: Reader) -> Option<Said> {
    let numeral = reader.run(|next| matches!(next, 'I' | 'V' | 'X' | 'L' | 'C'));
    if numeral.is_empty() || !reader.at_end() {
        return None;
    }
    let before = reader.before().strip_suffix(' ')?;
    let start = before.rfind(|c: char| !c.is_alphabetic() && c != '.').map_or(0, |at| at + 1);
    let word = before.get(start..)?;
    let value = roman_value(numeral)?;
    let digits = value.to_string();
    let counted = COUNTED.contains(&word.to_ascii_lowercase().as_str());
    let capital = word.starts_with(|first: char| first.is_ascii_uppercase());
    let name = capital && word.contains(char::is_lowercase);
    // `the part I like`, `Malcolm X` and `USA II` are not counted.
    let fits = if counted { capital || numeral.len() > 1 } else { name && numeral.len() > 1 };
    if !fits {
        return None;
    }
    if reader.conventions == Conventions::WeText {
        // WeTextProcessing takes a point behind it for the numeral's own.
        reader.eat(".");
    }
    let words = if counted { cardinal(&digits, And::Never) } else { ordinal_of(&digits) };
    reader.say(words)
}

/// What a Roman numeral up to 89 is worth, where it is well formed.
fn roman_value(numeral: &str) -> Option<u32> {
    const TENS: [&str; 9] = ["", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX"];
    const ONES: [&str; 10] = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
    (1..=89u32).find(|&value| {
        let (tens, ones) = (TENS[value as usize / 10], ONES[value as usize % 10]);
        numeral.strip_prefix(tens) == Some(ones)
    })
}
