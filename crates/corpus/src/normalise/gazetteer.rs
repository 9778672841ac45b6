//! The names of places and their codes, as `rules/places.txt` has them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::token::is_han;

const PLACES: &str = include_str!("rules/places.txt");

/// Last characters of names that say of themselves what sort of division they are.
const SORTS: &str = "省市县区旗州盟";

/// A country, a first-level division of one, or a division of China.
#[derive(Debug)]
pub(super) struct Division {
    /// Its code of GB/T 2260 or ISO 3166.
    pub(super) code: &'static str,
    /// Its whole name.
    pub(super) name: &'static str,
    /// What it is a part of, for a city or a county.
    pub(super) above: Option<u32>,
    /// 0 for a country, a state or a province, 1 for a city, 2 for a county.
    pub(super) level: u8,
}

/// What a name may stand for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    /// The division of that name.
    pub(super) division: u32,
    /// Whether the name says what sort of division it is: 深圳市, not 深圳.
    pub(super) whole: bool,
}

/// All names.
pub(super) struct Gazetteer {
    /// The divisions; the larger stand before their parts.
    pub(super) divisions: Vec<Division>,
    by_name: HashMap<&'static str, Vec<Named>>,
    /// By first character, how many bytes names have, the most first.
    lengths: HashMap<char, Vec<usize>>,
}

pub(super) static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(|| {
    let mut all =
        Gazetteer { divisions: Vec::new(), by_name: HashMap::new(), lengths: HashMap::new() };
    let mut above = [0; 3];
    for line in PLACES.lines().filter(|line| !line.starts_with('#')) {
        let level = line.bytes().take_while(|b| *b == b'\t').count().min(2);
        let mut fields = line.trim_start().split('\t');
        let (Some(code), Some(name)) = (fields.next(), fields.next()) else { continue };
        let division = all.divisions.len() as u32;
        above[level] = division;
        let whole = (level > 0).then(|| above[level - 1]);
        all.divisions.push(Division { code, name, above: whole, level: level as u8 });
        let others = fields.next().unwrap_or("").split(',').filter(|name| !name.is_empty());
        for name in std::iter::once(name).chain(others) {
            all.add(name, division);
        }
    }
    // Of one name the larger division comes first.
    for named in all.by_name.values_mut() {
        named.sort_by_key(|named| all.divisions[named.division as usize].level);
    }
    all
});

impl Gazetteer {
    fn add(&mut self, name: &'static str, division: u32) {
        let Some(first) = name.chars().next() else { return };
        let whole = name.ends_with(|c| SORTS.contains(c)) && name.chars().count() > 2;
        self.by_name.entry(name).or_default().push(Named { division, whole });
        let lengths = self.lengths.entry(first).or_default();
        if let Err(at) = lengths.binary_search_by(|length| name.len().cmp(length)) {
            lengths.insert(at, name.len());
        }
    }

    /// The names that `text` begins with, the longest first, and what each may stand for. A name in
    /// letters ends where a word does.
    pub(super) fn names_at<'a>(
        &'a self,
        text: &'a str,
    ) -> impl Iterator<Item = (usize, &'a [Named])> {
        let first = text.chars().next();
        let lengths = first.and_then(|first| self.lengths.get(&first));
        lengths.into_iter().flatten().filter_map(move |&end| {
            let name = text.get(..end)?;
            let next = text[end..].chars().next();
            let within = next.is_some_and(|c| c.is_alphanumeric() && !is_han(c));
            if within && !first.is_some_and(is_han) {
                return None;
            }
            self.by_name.get(name).map(|named| (end, named.as_slice()))
        })
    }

    /// The divisions from the province or the country down to this one.
    pub(super) fn path(&self, division: u32) -> Vec<&Division> {
        let mut path = Vec::new();
        let mut at = Some(division);
        while let Some(division) = at.and_then(|at| self.divisions.get(at as usize)) {
            path.push(division);
            at = division.above;
        }
        path.reverse();
        path
    }
}
