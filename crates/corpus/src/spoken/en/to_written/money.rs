//! Sums of money.

use super::number::{below_hundred, cardinal, digit, pair, quantity};
use super::words::{Place, Written};
use crate::spoken::en::tables::{CURRENCIES, Currency};

/// The words of the longest name of a currency.
const LONGEST_NAME: usize = 5;

fn currency(place: &Place, n: usize) -> Option<(usize, &'static Currency)> {
    (1..=LONGEST_NAME).rev().find_map(|len| {
        let currency = CURRENCIES.by_name(&place.joined(n, len))?;
        (!place.word(n + len - 1).is_empty()).then_some((len, currency))
    })
}

/// Hundredth parts behind a sum: `and sixty nine cents`, or only `sixty three`.
fn parts(place: &Place, n: usize, currency: &Currency) -> Option<(usize, u128)> {
    let and = usize::from(place.word(n) == "and");
    let (len, value) = below_hundred(place, n + and).filter(|&(_, value)| value > 0)?;
    let next = place.word(n + and + len);
    if next == currency.part.one || next == currency.part.many {
        return Some((and + len + 1, value));
    }
    let number_goes_on = matches!(next, "hundred" | "thousand" | "million" | "billion" | "point");
    let alone = and == 0 && value > 9 && !number_goes_on && digit(next).is_none();
    let no_unit = next.is_empty() || !next.chars().all(char::is_alphanumeric);
    (alone && no_unit).then_some((len, value))
}

/// Rule: `twenty dollars and fifty cents`, `thirty billion yen`, `fifty cents`.
pub(super) fn money(place: &Place) -> Option<Written> {
    let (len, amount) =
        quantity(place, 0).filter(|&(len, _)| currency(place, len).is_some()).or_else(|| {
            // `one fifty five dollars`.
            let (len, first, second) = pair(place, 0)?;
            Some((len, format!("{first}{second:02}")))
        })?;
    let (more, currency) = currency(place, len)?;
    let plural = place.word(len + more - 1) == currency.name.many;
    if amount == "1" && plural && currency.name.one != currency.name.many {
        return None;
    }
    let len = len + more;
    let (sign, amount) = match amount.strip_prefix('-') {
        Some(amount) => ("-", amount),
        None => ("", amount.as_str()),
    };
    let written = currency.written.trim_start_matches("us");
    if written == "¢" {
        let (_, cents) = cardinal(place, 0).filter(|&(_, cents)| cents < 100)?;
        return Written::new(len, format!("{sign}$0.{cents:02}"));
    }
    if written.is_empty() {
        let name = place.text(len - 1);
        return Written::new(len, format!("{sign}{amount} {name}"));
    }
    if amount.bytes().all(|byte| byte.is_ascii_digit())
        && let Some((more, parts)) = parts(place, len, currency)
    {
        return Written::new(len + more, format!("{sign}{written}{amount}.{parts:02}"));
    }
    Written::new(len, format!("{sign}{written}{amount}"))
}
