//! Sums of money.

use super::number::{N_WORDS, SCALES, quantity, scale};
use super::reader::{Number, Reader, Said};
use super::words::{And, cardinal, number};
use crate::spoken::Conventions;
use crate::spoken::en::tables::{CURRENCIES, Currency, Name};

/// What a sum may be paid for each: `$20/mo`.
const EACH: [(&str, &str); 16] = [
    ("mo", "month"),
    ("month", "month"),
    ("wk", "week"),
    ("week", "week"),
    ("d", "day"),
    ("day", "day"),
    ("hr", "hour"),
    ("h", "hour"),
    ("hour", "hour"),
    ("yr", "year"),
    ("y", "year"),
    ("year", "year"),
    ("min", "minute"),
    ("kg", "kilogram"),
    ("lb", "pound"),
    ("person", "person"),
];

/// The longest mark of a currency, in bytes.
const LONGEST_MARK: usize = 4;

/// A currency's mark: letters and a sign, such as `US$`, or a sign, or letters.
fn currency(reader: &mut Reader) -> Option<&'static Currency> {
    let mut next = *reader;
    let mark = next
        .run(|next| !next.is_ascii_digit() && !next.is_whitespace() && !",.-'\"".contains(next));
    if mark.is_empty() || mark.len() > LONGEST_MARK {
        return None;
    }
    let found = CURRENCIES.by_mark(mark)?;
    *reader = next;
    Some(found)
}

fn named(name: &Name, one: bool) -> &str {
    if one { &name.one } else { &name.many }
}

/// A sum as its whole and its hundredth parts: `twenty dollars fifty cents`.
fn with_parts(amount: &Number, currency: &Currency) -> Option<String> {
    let fraction = amount.fraction?;
    let fraction = if fraction.len() > 2 { fraction.trim_end_matches('0') } else { fraction };
    if fraction.len() > 2 || currency.part.one.is_empty() {
        return None;
    }
    let parts = number(&format!("{fraction:0<2}"));
    let whole = amount.whole.trim_start_matches('0');
    let mut words = Vec::new();
    if !whole.is_empty() || parts == 0 {
        words.push(format!(
            "{} {}",
            cardinal(whole, And::BeforeLast),
            named(&currency.name, whole == "1")
        ));
    }
    if parts > 0 {
        let count = cardinal(&parts.to_string(), And::Never);
        words.push(format!("{count} {}", named(&currency.part, parts == 1)));
    }
    Some(words.join(" "))
}

/// A sum as one number: `one point five dollars`.
fn of_currency(amount: &Number, currency: &Currency, conventions: Conventions) -> String {
    let one = amount.whole == "1" && amount.fraction.is_none();
    let name = named(&currency.name, one);
    format!("{} {name}", quantity(amount, And::BeforeLast, conventions))
}

/// A sum in words.
fn sum(reader: &mut Reader) -> Option<String> {
    let mut next = *reader;
    let conventions = next.conventions;
    let minus = next.eat("-");
    let currency = currency(&mut next)?;
    next.eat(" ");
    let mut amount = next.number().filter(|amount| !amount.negative)?;
    amount.negative = minus;
    let scale = scale(&mut next, SCALES.len());
    if !next.at_number_end() {
        return None;
    }
    let words = if let Some(scale) = scale {
        format!("{} {scale} {}", quantity(&amount, And::Never, conventions), currency.name.many)
    } else if conventions == Conventions::WeText {
        // A sum without parts, `$1.00`, is said as a whole one.
        if amount.fraction.is_some_and(|digits| digits.bytes().all(|digit| digit == b'0')) {
            amount.fraction = None;
        }
        if let Some(fraction) = amount.fraction {
            amount.fraction = Some(fraction.trim_end_matches('0'));
        }
        of_currency(&amount, currency, conventions)
    } else if let Some(words) = with_parts(&amount, currency) {
        if minus { format!("minus {words}") } else { words }
    } else {
        of_currency(&amount, currency, conventions)
    };
    *reader = next;
    Some(words)
}

/// A range with one mark: `$8-10`, `€1-2 million`.
fn range(mut reader: Reader) -> Option<Said> {
    let currency = currency(&mut reader)?;
    let first = reader.number().filter(|first| !first.negative)?;
    reader.eat_any(&['-', '–'])?;
    let second = reader.number().filter(|second| !second.negative)?;
    let scale = scale(&mut reader, SCALES.len()).map_or(String::new(), |scale| format!(" {scale}"));
    if !reader.at_number_end() || reader.peek() == Some('-') {
        return None;
    }
    let words = |amount| quantity(amount, And::BeforeLast, reader.conventions);
    let (first, second) = (words(&first), words(&second));
    reader.say(format!("{first} to {second}{scale} {}", currency.name.many))
}

/// Rule: `$20.50`, `US$76.3 trillion`, `$20/mo`, `$50-$100`.
pub(super) fn money(mut reader: Reader) -> Option<Said> {
    if let Some(range) = range(reader) {
        return Some(range);
    }
    let words = sum(&mut reader)?;
    let mut next = reader;
    if next.eat_any(&['-', '–']).is_some()
        && let Some(second) = sum(&mut next)
    {
        return next.say(format!("{words} to {second}"));
    }
    next = reader;
    if next.eat("/") {
        let each = next.letters();
        if let Some((_, each)) = EACH.iter().find(|(short, _)| *short == each)
            && next.at_end()
        {
            return next.say(format!("{words} per {each}"));
        }
    }
    reader.say(words)
}

/// Rule: a sum with its mark behind it: `20€`, `500 USD`.
pub(super) fn mark_behind(mut reader: Reader) -> Option<Said> {
    let amount = reader.number()?;
    let scale = scale(&mut reader, N_WORDS);
    reader.eat(" ");
    let currency = currency(&mut reader).filter(|_| reader.at_end())?;
    if currency.written == "$" && !reader.at_number_end() {
        return None;
    }
    let Some(scale) = scale else {
        return reader.say(of_currency(&amount, currency, reader.conventions));
    };
    let amount = quantity(&amount, And::Never, reader.conventions);
    reader.say(format!("{amount} {scale} {}", currency.name.many))
}
