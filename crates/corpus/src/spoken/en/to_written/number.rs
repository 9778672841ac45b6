//! Numbers: cardinals, ordinals, decimals, digits one by one, and numbers said in pairs.

use super::words::{Place, Written};

/// Numbers below this stay words where they stand alone.
const SMALLEST_WRITTEN: u128 = 13;

/// What words below a hundred are worth.
fn small(word: &str) -> Option<u128> {
    Some(match word {
        "zero" => 0,
        "one" => 1,
        "two" => 2,
        "three" => 3,
        "four" => 4,
        "five" => 5,
        "six" => 6,
        "seven" => 7,
        "eight" => 8,
        "nine" => 9,
        "ten" => 10,
        "eleven" => 11,
        "twelve" => 12,
        "thirteen" => 13,
        "fourteen" => 14,
        "fifteen" => 15,
        "sixteen" => 16,
        "seventeen" => 17,
        "eighteen" => 18,
        "nineteen" => 19,
        _ => return None,
    })
}

fn tens(word: &str) -> Option<u128> {
    Some(match word {
        "twenty" => 20,
        "thirty" => 30,
        "forty" | "fourty" => 40,
        "fifty" => 50,
        "sixty" => 60,
        "seventy" => 70,
        "eighty" => 80,
        "ninety" => 90,
        _ => return None,
    })
}

/// Whether the word is one of `twenty`, `thirty`, … .
pub(super) fn is_tens(word: &str) -> bool {
    word.len() <= 7 && tens(&word.to_ascii_lowercase()).is_some()
}

/// The powers of a thousand that have a name, as exponents of ten.
fn scale(word: &str) -> Option<u32> {
    Some(match word {
        "thousand" => 3,
        "million" => 6,
        "billion" => 9,
        "trillion" => 12,
        "quadrillion" => 15,
        "quintillion" => 18,
        "sextillion" => 21,
        "septillion" => 24,
        "octillion" => 27,
        "nonillion" => 30,
        "decillion" => 33,
        _ => return None,
    })
}

/// A digit's word, also `o` and `oh`.
pub(super) fn digit(word: &str) -> Option<u128> {
    match word {
        "o" | "oh" => Some(0),
        _ => small(word).filter(|&value| value < 10),
    }
}

/// Whether a number may begin with this word: an ordinal, a sign or a digit said otherwise, too.
pub(super) fn begins(word: &str) -> bool {
    let others = ["o", "oh", "point", "minus", "negative", "double", "triple", "plus"];
    small(word).or_else(|| tens(word)).or_else(|| ordinal_word(word)).is_some()
        || others.contains(&word)
}

/// A number from 0 to 99, and how many words it has.
pub(super) fn below_hundred(place: &Place, n: usize) -> Option<(usize, u128)> {
    if let Some(value) = small(place.word(n)) {
        return Some((1, value));
    }
    let value = tens(place.word(n))?;
    match small(place.word(n + 1)) {
        Some(ones @ 1..=9) => Some((2, value + ones)),
        _ => Some((1, value)),
    }
}

/// A number below ten thousand without `thousand`: `two hundred and fifty`, `eleven hundred`.
fn group(place: &Place, n: usize) -> Option<(usize, u128)> {
    let (mut len, mut value) = below_hundred(place, n)?;
    if value == 0 || place.word(n + len) != "hundred" {
        return Some((len, value));
    }
    len += 1;
    value *= 100;
    let and = usize::from(place.word(n + len) == "and");
    if let Some((more, rest)) = below_hundred(place, n + len + and)
        && rest > 0
        && place.word(n + len + and + more) != "hundred"
    {
        len += and + more;
        value += rest;
    }
    Some((len, value))
}

/// A number in words, and how many it has: `two million three`.
pub(super) fn cardinal(place: &Place, n: usize) -> Option<(usize, u128)> {
    let (mut len, mut part) = group(place, n)?;
    let (mut value, mut last_scale) = (0, u32::MAX);
    loop {
        let Some(exponent) = scale(place.word(n + len)).filter(|&exponent| {
            exponent < last_scale && part > 0 && (part < 1000 || last_scale == u32::MAX)
        }) else {
            return Some((len, value + part));
        };
        value += part * 10_u128.pow(exponent);
        len += 1;
        last_scale = exponent;
        let and = usize::from(place.word(n + len) == "and");
        match group(place, n + len + and) {
            // What follows must be smaller than the scale that was named last.
            Some((more, next))
                if next > 0
                    && next < 1000
                    && scale(place.word(n + len + and + more))
                        .is_none_or(|next_scale| next_scale < exponent) =>
            {
                len += and + more;
                part = next;
            }
            _ => return Some((len, value)),
        }
    }
}

/// `minus` or `negative` before a number: how many words, and the sign.
pub(super) fn sign(place: &Place, n: usize) -> (usize, &'static str) {
    match place.word(n) {
        "minus" | "negative" => (1, "-"),
        _ => (0, ""),
    }
}

/// A cardinal with its sign, in digits.
pub(super) fn integer(place: &Place, n: usize) -> Option<(usize, String)> {
    let (signs, sign) = sign(place, n);
    let (len, value) = cardinal(place, n + signs)?;
    Some((signs + len, format!("{sign}{value}")))
}

/// A decimal, `sixty point two four`, with its sign.
pub(super) fn decimal(place: &Place, n: usize) -> Option<(usize, String)> {
    let (signs, sign) = sign(place, n);
    let mut len = signs;
    let mut text = sign.to_owned();
    if let Some((more, value)) = cardinal(place, n + len) {
        len += more;
        text.push_str(&value.to_string());
    }
    if place.word(n + len) != "point" {
        return None;
    }
    len += 1;
    text.push('.');
    let mut n_digits = 0;
    while let Some(value) = digit(place.word(n + len)) {
        text.push_str(&value.to_string());
        len += 1;
        n_digits += 1;
    }
    if n_digits == 0 {
        let (more, value) = below_hundred(place, n + len).filter(|&(_, value)| value > 9)?;
        text.push_str(&value.to_string());
        len += more;
    }
    Some((len, text))
}

/// A number that a unit or a currency may follow: a decimal or a cardinal, and a scale that stays a
/// word (`five point two million`).
pub(super) fn quantity(place: &Place, n: usize) -> Option<(usize, String)> {
    if let Some((len, text)) = decimal(place, n) {
        let word = place.word(n + len);
        return match scale(word) {
            Some(_) => Some((len + 1, format!("{text} {word}"))),
            None => Some((len, text)),
        };
    }
    scaled(place, n).or_else(|| integer(place, n))
}

/// A round number of a scale that stays a word: `four hundred million`.
fn scaled(place: &Place, n: usize) -> Option<(usize, String)> {
    let (signs, sign) = sign(place, n);
    let (len, value) = group(place, n + signs)?;
    let word = place.word(n + signs + len);
    let exponent = scale(word).filter(|&exponent| exponent > 3 && value > 0)?;
    let (whole, exact) = cardinal(place, n + signs)?;
    let round = whole == len + 1 && exact == value * 10_u128.pow(exponent);
    round.then(|| (signs + whole, format!("{sign}{value} {word}")))
}

/// Two numbers said one after the other, as years and times are: `nineteen seventeen`, `eight o six`.
pub(super) fn pair(place: &Place, n: usize) -> Option<(usize, u128, u128)> {
    let (len, first) = below_hundred(place, n).filter(|&(_, value)| value > 0)?;
    let word = place.word(n + len);
    if matches!(word, "o" | "oh") {
        let second = digit(place.word(n + len + 1))?;
        return Some((len + 2, first, second));
    }
    let (more, second) = below_hundred(place, n + len).filter(|&(_, value)| value > 9)?;
    let next = place.word(n + len + more);
    // `eight twenty hundred` and `two fifty thousand` are other numbers.
    (next != "hundred" && scale(next).is_none()).then_some((len + more, first, second))
}

/// The ordinal of a word: what it is worth, and its cardinal's place: `third`, `twentieth`.
fn ordinal_word(word: &str) -> Option<u128> {
    Some(match word {
        "zeroth" => 0,
        "first" => 1,
        "second" => 2,
        "third" => 3,
        "fifth" => 5,
        "eighth" => 8,
        "ninth" => 9,
        "twelfth" => 12,
        _ => match word.strip_suffix("ieth") {
            Some(stem) => tens(&format!("{stem}y"))?,
            None => small(word.strip_suffix("th")?)?,
        },
    })
}

/// An ordinal in words: `twenty five thousand one hundred eleventh`.
pub(super) fn ordinal(place: &Place, n: usize) -> Option<(usize, u128)> {
    if let Some(value) = ordinal_word(place.word(n)) {
        return Some((1, value));
    }
    let (len, value) = cardinal(place, n)?;
    let last = place.word(n + len);
    if let Some(rest) = ordinal_word(last) {
        // `twenty first` and `one hundred first` are one number, `five third` are two.
        let fits = match rest {
            1..=9 => value % 10 == 0 && value % 100 != 10,
            10.. => value % 100 == 0,
            0 => false,
        };
        return (fits && value > 0).then_some((len + 1, value + rest));
    }
    let and = place.word(n + len) == "and";
    if and && value % 100 == 0 && value > 0 {
        let (more, rest) = ordinal(place, n + len + 1).filter(|&(_, rest)| rest < 100)?;
        return Some((len + 1 + more, value + rest));
    }
    let power = match last {
        "hundredth" => 2,
        _ => scale(last.strip_suffix("th")?)?,
    };
    // The scale named as an ordinal multiplies the last group alone.
    let low = value % 1000;
    let fits = low > 0 && (power == 2 && low < 100 || power > 2);
    fits.then(|| (len + 1, value - low + low * 10_u128.pow(power)))
}

/// An ordinal in digits: `21st`.
pub(super) fn write_ordinal(value: u128) -> String {
    let suffix = match (value % 10, value % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{value}{suffix}")
}

/// Rule: a number alone.
pub(super) fn number(place: &Place) -> Option<Written> {
    let (signs, _) = sign(place, 0);
    let (len, text) = quantity(place, 0)?;
    let value = cardinal(place, signs).map(|(_, value)| value);
    let small = value.is_some_and(|value| value < SMALLEST_WRITTEN) && signs == 0 && len == 1;
    if small || value == Some(0) && len == signs + 1 {
        return None;
    }
    Written::new(len, text)
}

/// Rule: an ordinal alone.
pub(super) fn ordinal_number(place: &Place) -> Option<Written> {
    let (len, value) = ordinal(place, 0)?;
    // A second is a time after these.
    if place.word(0) == "second" && matches!(place.before(), "a" | "per" | "split") {
        return None;
    }
    Written::new(len, write_ordinal(value))
}

/// Rule: `two thirds`, `one half`.
pub(super) fn fraction(place: &Place) -> Option<Written> {
    let (len, above) = below_hundred(place, 0).filter(|&(_, value)| value > 0)?;
    let word = place.word(len);
    let below = match word {
        "half" | "halves" => 2,
        "quarter" | "quarters" => 4,
        _ => {
            let one = if above == 1 { word } else { word.strip_suffix('s')? };
            ordinal_word(one).filter(|below| (3..=10).contains(below))?
        }
    };
    let fits = (above == 1) != word.ends_with('s');
    fits.then(|| Written { n_words: len + 1, text: format!("{above}/{below}") })
}
