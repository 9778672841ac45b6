//! Quantities with a unit.

use super::number::quantity;
use super::words::{Place, Written};
use crate::spoken::en::tables::UNITS;

/// The words of the longest name of a unit.
const LONGEST_NAME: usize = 4;

/// Units of length that are written `sq ft` rather than `ft²`.
const IMPERIAL: [&str; 4] = ["ft", "mi", "in", "yd"];

/// A unit's symbol: `square kilometers` is `km²`.
fn simple(place: &Place, n: usize) -> Option<(usize, String)> {
    let (len, power, short) = match place.word(n) {
        "square" | "squared" => (1, "²", "sq"),
        "cubic" => (1, "³", "cu"),
        _ => (0, "", ""),
    };
    let (more, symbol) = (1..=LONGEST_NAME).rev().find_map(|words| {
        let last = place.word(n + len + words - 1);
        let symbol = UNITS.by_name.get(&place.joined(n + len, words))?;
        (!last.is_empty()).then_some((words, symbol))
    })?;
    let symbol = match power {
        "" => symbol.clone(),
        _ if IMPERIAL.contains(&symbol.as_str()) => format!("{short} {symbol}"),
        _ => format!("{symbol}{power}"),
    };
    Some((len + more, symbol))
}

/// A unit, or one per another: `kilometers per hour`, `per square meter`.
fn unit(place: &Place, n: usize) -> Option<(usize, String)> {
    let (mut len, mut text) = simple(place, n).unwrap_or_default();
    if place.word(n + len) == "per"
        && let Some((more, below)) = simple(place, n + len + 1)
    {
        len += 1 + more;
        text = format!("{text}/{below}");
    }
    (len > 0).then_some((len, text))
}

/// Rule: `two hundred kilometers per hour`.
pub(super) fn measure(place: &Place) -> Option<Written> {
    let (len, amount) = quantity(place, 0)?;
    let (more, unit) = unit(place, len)?;
    Written::new(len + more, format!("{amount} {unit}"))
}
