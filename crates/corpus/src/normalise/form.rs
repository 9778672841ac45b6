//! The form an expression takes in running text, where it is certain what it says.
//!
//! The search finds whatever may be a time or a quantity; a text is changed only where it can be
//! read one way. What the words leave open, a single `two`, a `spring`, `in ten minutes`, is found
//! and resolved, and stays as it was written.

use super::calendar::{Sort, When};
use super::cut::Cut;
use super::form_chinese;
use super::language::{Found, Lang};
use super::number::{Form, Number, write_number};
use super::places::Place;
use super::token::{fold, is_han};
use super::value::{Quantity, Value};

/// An expression where it stands.
pub(super) struct InText<'a> {
    /// As it is written.
    pub(super) original: &'a str,
    /// In lower case, half width, simplified.
    pub(super) folded: String,
    /// What stands before it in its line.
    pub(super) before: &'a str,
    /// What stands after it in its line.
    pub(super) after: &'a str,
    /// The words of its line.
    pub(super) cut: &'a Cut<'a>,
}

/// The one form of what was found in `line`, where that says all that the words said and no more;
/// `told`: the reference is that of the text, so that `tomorrow` is a day.
pub(super) fn form(line: &str, cut: &Cut, found: &Found, lang: Lang, told: bool) -> Option<String> {
    let original = &line[found.start..found.end];
    let text = InText {
        original,
        folded: original.chars().map(fold).collect(),
        before: &line[..found.start],
        after: &line[found.end..],
        cut,
    };
    let form = written(&found.value)?;
    let certain = match lang {
        Lang::En => certain(&found.value, &text, told),
        Lang::Zh => form_chinese::certain(&found.value, &text, told),
    };
    let form = match (&found.value, lang) {
        (Value::Number(number), Lang::Zh) if number.form == Form::Ordinal => {
            format!("第{}", write_number(number.value))
        }
        (Value::When(when), Lang::Zh) if when.timex.len() == 4 && when.sort == Sort::DateRange => {
            format!("{form}年")
        }
        _ => form,
    };
    (certain && form != original).then_some(form)
}

/// The form of a value, whatever the words.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => number_form(number),
        Value::Quantity(quantity) => money_form(quantity),
        Value::When(when) => time_form(when),
        Value::Place(place) => Some(place_form(place)),
        _ => None,
    }
}

/// The code, with its country: `CN-440305`, `US-CA`, `FR`.
fn place_form(place: &Place) -> String {
    let of_china = place.code.starts_with(|c: char| c.is_ascii_digit());
    if of_china { format!("CN-{}", place.code) } else { place.code.to_owned() }
}

fn number_form(number: &Number) -> Option<String> {
    match number.form {
        _ if !number.value.is_finite() || number.value.abs() >= 1e15 => None,
        Form::Percent => Some(format!("{}%", write_number(number.value))),
        Form::Ordinal if number.relative_to.is_some() => None,
        Form::Ordinal => Some(ordinal(number.value as i64)),
        Form::Fraction | Form::Power => None,
        _ => Some(write_number(number.value)),
    }
}

/// Money alone has codes that everyone reads; other units stay as they were written.
fn money_form(quantity: &Quantity) -> Option<String> {
    let code = quantity.code.as_deref().filter(|_| quantity.kind == "currency")?;
    Some(format!("{} {code}", write_number(quantity.number.as_ref()?.value)))
}

/// The TIMEX of a day, a month, a year, a moment or a length of time: not of what comes again, lies
/// between two ends, before or after, or may be of the morning or the afternoon.
fn time_form(when: &When) -> Option<String> {
    let plain = when.modifier.is_none() && !when.twelve_hours && when.resolved;
    let one = !matches!(when.sort, Sort::Set | Sort::TimeRange) && !when.timex.contains(['(', '#']);
    let numbered = when.timex.contains(|c: char| c.is_ascii_digit());
    (plain && one && numbered && !when.timex.ends_with("_REF")).then(|| when.timex.clone())
}

fn ordinal(n: i64) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// Words of numbers.
const NUMBERS: &str = " one two three four five six seven eight nine ten eleven twelve thirteen \
    fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fourty fifty sixty \
    seventy eighty ninety hundred thousand million billion trillion lakh crore ";

/// Words that are a number only with another before them: `a few hundred thousand`.
const SCALES: &str = " hundred thousand million billion trillion lakh crore ";

/// Units of time that no one takes for anything else.
const LENGTHS: &str =
    " days weeks months years hours minutes seconds hrs mins secs yrs decades centuries ";

/// Names of months; without a capital they may be other words, `may` and `march`.
const MONTHS: &str = " january jan february feb march mar april apr may june jun july jul august \
    aug september sept sep october oct november nov december dec ";

fn is_in(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split(' ').any(|known| known == word)
}

/// Whether an English expression says what its value says and nothing else.
fn certain(value: &Value, text: &InText, told: bool) -> bool {
    let words: Vec<&str> =
        text.folded.split([' ', '-', ',']).filter(|word| !word.is_empty()).collect();
    if part_of_a_list(text) || is_name(text) {
        return false;
    }
    match value {
        Value::Number(number) => match number.form {
            Form::Percent => {
                let ends = text.folded.ends_with(" percent") || text.folded.ends_with(" per cent");
                let (first, sign) = (words.first(), text.folded.starts_with('-'));
                let counted = words.iter().all(|word| {
                    is_number(word) || matches!(*word, "and" | "percent" | "per" | "cent")
                });
                ends && !sign && (counted || first.is_some_and(|first| is_digits(first)))
            }
            Form::Ordinal => words.len() > 1 && is_number(words[0]),
            // `(546,546)` may be two arguments of a call.
            _ if is_thousands(&text.folded) => !text.before.ends_with('('),
            _ => in_number_words(&words),
        },
        Value::Quantity(_) => {
            let by_digits = text.folded.contains(|c: char| c.is_ascii_digit());
            let short = words.iter().any(|word| {
                word.starts_with(|c: char| c.is_ascii_digit())
                    && word.ends_with(char::is_alphabetic)
            });
            let n_words = words.iter().filter(|word| is_number(word)).count();
            !text.folded.contains('¥') && if by_digits { !short } else { n_words > 1 }
        }
        Value::When(when) => match when.sort {
            Sort::Duration => in_lengths(&words, text),
            Sort::Time => {
                let half = ["am", "pm", "a.m", "p.m", "a.m.", "p.m."];
                let half = half.iter().any(|half| text.folded.ends_with(half));
                half && text.folded.contains(|c: char| c.is_ascii_digit())
            }
            _ if (told && deictic(&words, text)) => true,
            _ => in_dates(when, &words, text),
        },
        Value::Place(_) => !in_a_name(text),
        _ => false,
    }
}

/// Whether the expression is only the end of `two or three hundred`, or the beginning of
/// `May 5 and 6`.
fn part_of_a_list(text: &InText) -> bool {
    let folded: String = text.before.chars().map(fold).collect();
    let mut before = folded
        .rsplit(|c: char| c.is_whitespace() || ",-/&".contains(c))
        .filter(|word| !word.is_empty());
    let is_join = |word: &str| matches!(word, "or" | "to" | "and" | "by" | "nor" | "of" | "a");
    let (near, far) = (before.next().unwrap_or(""), before.next().unwrap_or(""));
    let after = text.after.trim_start();
    let mut next = after.split(|c: char| c.is_whitespace()).filter(|word| !word.is_empty());
    let (first, second) = (next.next().unwrap_or(""), next.next().unwrap_or(""));
    let counts = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        is_number(word) || word.starts_with(|c: char| c.is_ascii_digit())
    };
    let joins = |word: &str| matches!(word, "or" | "to" | "and" | "-" | "–" | "—" | "&" | "/");
    counts(near)
        || (is_join(near) && counts(far))
        || matches!(near, "few" | "several" | "many")
        || counts(first)
        || (joins(first) && counts(second))
}

/// Whether capitals say that numbers are a name: `Twenty-One`, `Thirty Years' War`, or one that
/// begins with a capital within a sentence. Months and days always have one.
fn is_name(text: &InText) -> bool {
    let original = text.original;
    let shouted = original.len() > 3 && !original.chars().any(char::is_lowercase);
    let by_letters = !original.contains(|c: char| c.is_ascii_digit());
    let within = text.before.trim_end().ends_with(|c: char| c.is_alphanumeric() || c == ',');
    let mut words = original.split([' ', '-']).filter(|word| !word.is_empty());
    let counts = |word: &str| {
        let folded = word.to_ascii_lowercase();
        is_number(&folded) || is_in(LENGTHS, &folded) || folded.ends_with("th")
    };
    let is_capital = |word: &str| word.starts_with(char::is_uppercase) && counts(word);
    let first = words.next().is_some_and(is_capital);
    (first && within) || words.any(is_capital) || (shouted && by_letters)
}

/// Whether a place is part of a longer name: the `New York Times`, `Bank of America`.
fn in_a_name(text: &InText) -> bool {
    let before = text.before.strip_suffix(' ').unwrap_or(text.before);
    let word = before.rsplit(' ').next().unwrap_or("");
    let within = before.len() > word.len();
    let after = text.after.strip_prefix(' ').unwrap_or("");
    let is_capital = |word: &str| word.starts_with(char::is_uppercase);
    (within && is_capital(word) && !word.ends_with(',')) || word == "of" || is_capital(after)
}

fn is_digits(word: &str) -> bool {
    let mut pieces = word.split('.');
    let digits = |piece: &str| !piece.is_empty() && piece.bytes().all(|b| b.is_ascii_digit());
    pieces.next().is_some_and(digits) && pieces.next().is_none_or(digits) && pieces.next().is_none()
}

fn is_number(word: &str) -> bool {
    is_in(NUMBERS, word)
}

/// `1,234,567`, with or without decimals.
pub(super) fn is_thousands(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or("");
    let mut groups = whole.split(',');
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let first = groups.next().unwrap_or("");
    let starts = (1..4).contains(&first.len()) && digits(first) && !first.starts_with('0');
    starts
        && whole.contains(',')
        && groups.all(|group| group.len() == 3 && digits(group))
        && text[whole.len()..].bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// `two hundred and two thousand`, `3 million`: two words at least, the first no bare scale.
fn in_number_words(words: &[&str]) -> bool {
    let n_words = words.iter().filter(|word| is_number(word) || is_digits(word)).count();
    let all = words.iter().all(|word| {
        is_number(word) || is_digits(word) || matches!(*word, "and" | "a" | "point" | "zero")
    });
    let digits = words.iter().filter(|word| is_digits(word)).count();
    // `twenty thousand-five thousand` are two numbers.
    let twice = |(at, word): (usize, &&str)| is_in(SCALES, word) && words[at + 1..].contains(word);
    let once = !words.iter().enumerate().any(twice);
    all && n_words > 1 && digits < 2 && once && !is_in(SCALES, words[0])
}

/// So many days, weeks …: two or more, which no word makes vague, and not the age of someone.
fn in_lengths(words: &[&str], text: &InText) -> bool {
    let counted = words
        .iter()
        .all(|word| is_number(word) || is_digits(word) || is_in(LENGTHS, word) || *word == "and");
    let after = text.after.trim_start();
    let owned = text.after.starts_with(['\'', '’', '-']);
    let joined = ["old", "of age", "and ", "or ", "past", "to "];
    counted
        && words.len() > 1
        && !is_in(SCALES, words[0])
        && !is_in(LENGTHS, words[0])
        && !owned
        && !joined.iter().any(|word| after.starts_with(word))
}

/// Words that count from the moment of writing, and from no other.
fn deictic(words: &[&str], text: &InText) -> bool {
    let named = words.iter().any(|word| matches!(*word, "today" | "tomorrow" | "yesterday"));
    let shifted = matches!(words.first(), Some(&("next" | "last" | "this")))
        && words.get(1) != Some(&"day")
        && !text.before.trim_end().to_ascii_lowercase().ends_with("the");
    let ago = words.last() == Some(&"ago") && (is_digits(words[0]) || is_number(words[0]));
    named || shifted || ago
}

/// A day, a month or a year whose year is written, or a day of a month by number.
fn in_dates(when: &When, words: &[&str], text: &InText) -> bool {
    let lower_month = text.original.split(|c: char| !c.is_alphabetic()).any(|word| {
        is_in(MONTHS, &word.to_ascii_lowercase()) && word.starts_with(char::is_lowercase)
    });
    let Some(date) = when.timex.get(..4) else { return false };
    let by_digits = !text.folded.contains(|c: char| c.is_alphabetic() || is_han(c));
    if by_digits {
        let ordered = text.folded.starts_with(date) && !text.folded.contains(['.', ' ']);
        return ordered && when.timex.len() >= 10 && text.folded.len() < 11;
    }
    let tokens: Vec<&str> = words.iter().flat_map(|word| word.split(['/', '.'])).collect();
    let has_month = tokens.iter().any(|word| is_in(MONTHS, word));
    let day = when.timex.len() >= 10 && when.timex.starts_with("XXXX-") && has_month;
    let by_number = text.folded.contains(|c: char| c.is_ascii_digit());
    let named = date.bytes().all(|b| b.is_ascii_digit()) && tokens.contains(&date);
    (named && (has_month || when.timex.len() > 7) || (day && by_number)) && !lower_month
}
