//! Quantities with a unit.

use super::number::{N_WORDS, fraction, quantity, scale};
use super::reader::{Reader, Said};
use super::words::And;
use crate::spoken::en::tables::{Name, UNITS};

/// Units that are read letter by letter, or only behind a stroke.
const LETTERS: [(&str, &str); 4] = [("cc", "CC"), ("s", "S"), ("f", "F"), ("hp", "HP")];

/// The longest symbol of a unit, in bytes.
const LONGEST: usize = 6;

/// A unit's symbol, which no letter follows: `kg`, `km²`, `°C`.
fn simple(reader: &mut Reader) -> Option<Name> {
    for (mark, name) in
        [("°C", "Celsius"), ("℃", "Celsius"), ("°F", "Fahrenheit"), ("℉", "Fahrenheit")]
    {
        let mut next = *reader;
        if next.eat(mark) && next.at_end() {
            *reader = next;
            return Some(both(&format!("degree {name}"), &format!("degrees {name}")));
        }
    }
    for (mark, one, many) in [("%", "percent", "percent"), ("°", "degree", "degrees")] {
        let mut next = *reader;
        if next.eat(mark) && next.at_end() {
            *reader = next;
            return Some(both(one, many));
        }
    }
    let mut next = *reader;
    let symbol = next.run(|next| next.is_alphabetic() && !matches!(next, '²' | '³'));
    if symbol.is_empty() || symbol.len() > LONGEST {
        return None;
    }
    let power = next.eat_any(&['²', '³']);
    if !next.at_end() {
        return None;
    }
    let name = match LETTERS.iter().find(|(letters, _)| *letters == symbol) {
        Some((_, letters)) => both(letters, letters),
        None => UNITS.by_symbol.get(symbol)?.clone(),
    };
    *reader = next;
    Some(match power {
        Some('²') => both(&format!("square {}", name.one), &format!("square {}", name.many)),
        Some(_) => both(&format!("cubic {}", name.one), &format!("cubic {}", name.many)),
        None => name,
    })
}

fn both(one: &str, many: &str) -> Name {
    Name { one: one.to_owned(), many: many.to_owned() }
}

/// A unit, or one per another: `km/h`, `/km²`.
fn unit(reader: &mut Reader) -> Option<Name> {
    let mut next = *reader;
    let above = simple(&mut next);
    let mut stroke = next;
    let below = if stroke.eat("/") { simple(&mut stroke) } else { None };
    let Some(below) = below else {
        *reader = next;
        return above;
    };
    *reader = stroke;
    let above = above.unwrap_or_else(|| both("", ""));
    // A second is called so behind a unit that is.
    let called = above.one.chars().any(char::is_lowercase);
    let below = if called && below.one == "S" { "second" } else { &below.one };
    let per = |above: &str| format!("{above} per {below}").trim_start().to_owned();
    Some(both(&per(&above.one), &per(&above.many)))
}

/// Rule: `12kg`, `100 million kg`, `2-3 °C`, `3 cc/s`.
pub(super) fn measure(mut reader: Reader) -> Option<Said> {
    let conventions = reader.conventions;
    let first = reader.number()?;
    let mut lead = String::new();
    let mut amount = first.clone();
    let mut next = reader;
    if next.eat_any(&['-', '–', '~']).is_some()
        && let Some(second) = next.number().filter(|second| !second.negative)
    {
        lead = format!("{} to ", quantity(&first, And::BeforeLast, conventions));
        amount = second;
        reader = next;
    }
    let scale = scale(&mut reader, N_WORDS);
    let space = reader.eat(" ");
    let unit = unit(&mut reader)?;
    // `5 s` and `1 f` may be letters of their own.
    if space && LETTERS.iter().any(|(_, letters)| *letters == unit.one && letters.len() == 1) {
        return None;
    }
    let one =
        amount.whole == "1" && amount.fraction.is_none() && scale.is_none() && lead.is_empty();
    let and = if scale.is_some() { And::Never } else { And::BeforeLast };
    let scale = scale.map_or(String::new(), |scale| format!(" {scale}"));
    let name = if one { unit.one } else { unit.many };
    reader.say(format!("{lead}{}{scale} {name}", quantity(&amount, and, conventions)))
}

/// Rule: `10%-20%`, `2 km - 3 km` without the spaces: two quantities of the same unit.
pub(super) fn same_units(mut reader: Reader) -> Option<Said> {
    let mut one = || {
        let amount = reader.number().filter(|amount| !amount.negative)?;
        let unit = unit(&mut reader)?;
        Some((quantity(&amount, And::BeforeLast, reader.conventions), unit, reader.eat("-")))
    };
    let (first, unit, true) = one()? else { return None };
    let (second, same, false) = one()? else { return None };
    let many = &unit.many;
    (unit == same).then(|| reader.say(format!("{first} {many} to {second} {many}"))).flatten()
}

/// Rule: `2 1/2 kg`, `½ mi`.
pub(super) fn parts_of_unit(mut reader: Reader) -> Option<Said> {
    let amount = fraction(reader)?;
    reader.skip(amount.len);
    reader.eat(" ");
    let unit = unit(&mut reader)?;
    let name = if amount.text.contains(" and ") { unit.many } else { unit.one };
    reader.say(format!("{} {name}", amount.text))
}

/// Rule: `12"` at a word's end, where no quotation is open, and `5'11"`.
pub(super) fn inches(mut reader: Reader) -> Option<Said> {
    let amount = reader.number()?;
    let mut feet = String::new();
    let mut inches = amount.clone();
    let mut next = reader;
    if next.eat("'")
        && let Some(second) = next.number()
    {
        let foot = if amount.whole == "1" { "foot" } else { "feet" };
        feet = format!("{} {foot} ", quantity(&amount, And::BeforeLast, reader.conventions));
        inches = second;
        reader = next;
    }
    if !reader.eat("\"") || !reader.at_end() {
        return None;
    }
    // Behind an open quotation, the mark closes it.
    if reader.shortly_before().matches('"').count() % 2 == 1 {
        return None;
    }
    let name = if inches.whole == "1" && inches.fraction.is_none() { "inch" } else { "inches" };
    reader.say(format!("{feet}{} {name}", quantity(&inches, And::BeforeLast, reader.conventions)))
}

/// Rule: two small numbers before a word: `3-4 years`.
pub(super) fn range(mut reader: Reader) -> Option<Said> {
    let first = reader.number().filter(|first| !first.negative)?;
    reader.eat_any(&['-', '–'])?;
    let second = reader.number().filter(|second| !second.negative)?;
    let next_is_word = reader
        .rest()
        .strip_prefix(' ')
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()));
    let small = |digits: &str| !digits.is_empty() && digits.len() <= 3 && !digits.starts_with('0');
    let rises = (first.whole.len(), &first.whole) < (second.whole.len(), &second.whole);
    if !next_is_word || !small(&first.whole) || !small(&second.whole) || !rises {
        return None;
    }
    let words = |number| quantity(number, And::BeforeLast, reader.conventions);
    reader.say(format!("{} to {}", words(&first), words(&second)))
}
