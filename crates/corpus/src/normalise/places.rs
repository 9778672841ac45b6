//! Places in running text: divisions of China by the chain of their names, 广东深圳南山区, and
//! countries and states by theirs.
//!
//! A name that says what it is, 深圳市, is taken wherever it stands; a short one, 深圳, where it is a
//! word by itself or the next smaller division follows, and never before 路 or 街, which many are
//! named for. A county's short name stands for it only after its city or province.

use std::rc::Rc;

use super::cut::Cut;
use super::gazetteer::{GAZETTEER, Gazetteer, Named};
use super::language::Found;
use super::token::is_han;
use super::value::Value;

/// A place that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The code of GB/T 2260 (six digits), ISO 3166-1 (`FR`) or ISO 3166-2 (`US-CA`).
    pub code: &'static str,
    /// Its whole name: 广东省深圳市南山区.
    pub name: String,
    /// Of China, the names of its province, its city and its county, as far as they are said.
    pub parts: Vec<&'static str>,
}

/// Names of roads and bridges begin with names of places.
const ROADS: [&str; 7] = ["路", "街", "道", "巷", "桥", "大道", "大街"];
/// Roads have parts by their direction.
const DIRECTIONS: &str = "东西南北中";

/// The places that `text` names, from left to right.
pub fn find_places(text: &str) -> Vec<Found> {
    find(text, &Cut::new(text))
}

/// The same, of a text that may have been cut into words already.
pub(super) fn find(text: &str, cut: &Cut) -> Vec<Found> {
    let gazetteer = &*GAZETTEER;
    let mut found = Vec::new();
    let (mut next, mut last) = (0, ' ');
    for (at, c) in text.char_indices() {
        let before = std::mem::replace(&mut last, c);
        if at < next {
            continue;
        }
        let chain = if is_han(c) {
            longest_chain(gazetteer, text, at, cut)
        } else if c.is_uppercase() && !before.is_alphanumeric() {
            gazetteer.names_at(&text[at..]).next().map(|(length, named)| Chain {
                end: at + length,
                division: named[0].division,
                certain: true,
            })
        } else {
            None
        };
        if let Some(Chain { end, division, certain: true }) = chain {
            found.push(Found { start: at, end, value: value(gazetteer, division) });
            next = end;
        }
    }
    found
}

/// Names, each of a part of what the one before names.
struct Chain {
    end: usize,
    /// What the last of them names.
    division: u32,
    /// Whether it says so whatever stands around it.
    certain: bool,
}

/// The end of a short name with the sort that its division once was of: 吴江市, now a district.
fn with_former_sort(text: &str, end: usize, level: u8) -> Option<usize> {
    let after = &text[end..];
    let sorts: &[&str] = match level {
        1 => &["地区"],
        2 => &["县", "市", "区"],
        _ => &[],
    };
    sorts.iter().find(|sort| after.starts_with(**sort)).map(|sort| end + sort.len())
}

fn longest_chain(gazetteer: &Gazetteer, text: &str, at: usize, cut: &Cut) -> Option<Chain> {
    let mut best: Option<Chain> = None;
    for (length, named) in gazetteer.names_at(&text[at..]) {
        for name in named {
            let level = gazetteer.divisions[name.division as usize].level;
            let former = with_former_sort(text, at + length, level).filter(|_| !name.whole);
            let (end, whole) = (former.unwrap_or(at + length), name.whole || former.is_some());
            // A county alone must be the only one of its name, and the name no common word.
            let long = text[at..end].chars().count() > 2;
            if level == 2 && (named.len() > 1 || !long) {
                continue;
            }
            if !whole && before_road(text, end) {
                continue;
            }
            let chain = match below(gazetteer, text, end, name.division, cut) {
                Some(longer) => longer,
                None => {
                    let certain = whole || cut.is_word(at, end);
                    Chain { end, division: name.division, certain }
                }
            };
            if chain.certain && best.as_ref().is_none_or(|best| chain.end > best.end) {
                best = Some(chain);
            }
        }
    }
    best
}

/// The chain that goes on at `at` with a part of `whole`.
fn below(gazetteer: &Gazetteer, text: &str, at: usize, whole: u32, cut: &Cut) -> Option<Chain> {
    let begin = at + text[at..].len() - text[at..].trim_start_matches(' ').len();
    let mut best: Option<Chain> = None;
    for (length, named) in gazetteer.names_at(&text[begin..]) {
        for name in named {
            let level = gazetteer.divisions[name.division as usize].level;
            let former = with_former_sort(text, begin + length, level).filter(|_| !name.whole);
            let end = former.unwrap_or(begin + length);
            if !is_part(gazetteer, name, named, whole, || cut.is_edge(end))
                || (!name.whole && former.is_none() && before_road(text, end))
            {
                continue;
            }
            let chain = below(gazetteer, text, end, name.division, cut).unwrap_or(Chain {
                end,
                division: name.division,
                certain: true,
            });
            if best.as_ref().is_none_or(|best| chain.end > best.end) {
                best = Some(chain);
            }
        }
    }
    best
}

/// Whether `name` is of a part of `whole`; `at_edge`: whether a word ends with it.
fn is_part(
    gazetteer: &Gazetteer,
    name: &Named,
    others: &[Named],
    whole: u32,
    at_edge: impl Fn() -> bool,
) -> bool {
    let above = |division: u32| gazetteer.divisions[division as usize].above;
    let name_of = |division: u32| gazetteer.divisions[division as usize].name;
    let Some(direct) = above(name.division) else { return false };
    if direct == whole {
        // 上海市 is its own city, and is not said twice.
        return name_of(name.division) != name_of(whole);
    }
    // The city is left out: of cities that are provinces always, else where the county is certain.
    let within = |other: &&Named| above(other.division).and_then(above) == Some(whole);
    let only = others.iter().filter(within).count() == 1;
    let city_is_province = name_of(whole).starts_with(name_of(direct));
    within(&name) && (city_is_province || (only && (name.whole || at_edge())))
}

fn before_road(text: &str, at: usize) -> bool {
    let after = &text[at..];
    let after = after.strip_prefix(|c| DIRECTIONS.contains(c)).unwrap_or(after);
    ROADS.iter().any(|road| after.starts_with(road))
}

fn value(gazetteer: &Gazetteer, division: u32) -> Value {
    let path = gazetteer.path(division);
    let code = path.last().map_or("", |division| division.code);
    let mut parts: Vec<&'static str> = path.iter().map(|division| division.name).collect();
    let of_china = code.starts_with(|c: char| c.is_ascii_digit());
    let mut names = parts.clone();
    names.dedup_by(|name, whole| whole.starts_with(*name));
    names.retain(|name| *name != "省直辖行政区划");
    if of_china && parts.len() == 1 {
        // A city that is a province is both.
        let whole = parts[0];
        let is_city = gazetteer.divisions.iter().any(|division| {
            division.level == 1 && division.code == code && whole.starts_with(division.name)
        });
        if is_city {
            parts.push(whole);
        }
    }
    if !of_china {
        parts.clear();
    }
    Value::Place(Rc::new(Place { code, name: names.concat(), parts }))
}
