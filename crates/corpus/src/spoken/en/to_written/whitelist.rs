//! What is written by name rather than by rule.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::number::pair;
use super::words::{Place, Written};
use crate::spoken::en::tables::pairs;

static WRITTEN: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| pairs(include_str!("../tables/written.tsv")));

/// The words that phrases of the table begin with.
static FIRST: LazyLock<HashSet<&str>> =
    LazyLock::new(|| WRITTEN.keys().filter_map(|phrase| phrase.split(' ').next()).collect());

/// The words of the longest phrase of the table.
const LONGEST: usize = 5;

/// Families of parts whose model is a number said in pairs.
const MODELS: [&str; 3] = ["r t x", "g t x", "l g a"];

/// Rule: a phrase of the table.
pub(super) fn phrase(place: &Place) -> Option<Written> {
    if !FIRST.contains(place.word(0)) {
        return None;
    }
    (1..=LONGEST).rev().find_map(|len| {
        let written = WRITTEN.get(place.joined(0, len).as_str())?;
        let capital = place.text(0).starts_with(|first: char| first.is_ascii_uppercase())
            && !written.contains(|letter: char| letter.is_ascii_uppercase());
        let mut text = (*written).to_owned();
        if capital {
            text[..1].make_ascii_uppercase();
        }
        Written::new(len, text)
    })
}

/// Rule: `l g a eleven fifty`, `r t x forty fifty t i`.
pub(super) fn model(place: &Place) -> Option<Written> {
    let (len, family) =
        MODELS.iter().find_map(|family| Some((place.phrase(0, family)?, family)))?;
    let (more, first, second) = pair(place, len)?;
    let ti = place.phrase(len + more, "t i");
    let family = family.replace(' ', "").to_ascii_uppercase();
    let suffix = if ti.is_some() { "ti" } else { "" };
    Written::new(len + more + ti.unwrap_or(0), format!("{family} {first}{second:02}{suffix}"))
}
