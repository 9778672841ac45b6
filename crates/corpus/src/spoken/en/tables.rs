//! Tables of units, currencies and abbreviations, read once from the files beside this one.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The rows of a table: fields between tabs; `-` is an empty field, `#` begins a comment.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split('\t').map(|field| if field == "-" { "" } else { field }).collect())
}

/// What one and many of something are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// `kilogram`.
    pub(super) one: String,
    /// `kilograms`.
    pub(super) many: String,
}

/// The units of measure.
pub(super) struct Units {
    /// By a symbol, `kg`, what it is called.
    pub(super) by_symbol: HashMap<String, Name>,
    /// By what one or many are called, `kilograms` or `kilo grams`, how it is written from speech.
    pub(super) by_name: HashMap<String, String>,
}

pub(super) static UNITS: LazyLock<Units> = LazyLock::new(|| {
    let prefixes: Vec<Vec<&str>> = rows(include_str!("tables/prefixes.tsv")).collect();
    let mut units = Units { by_symbol: HashMap::new(), by_name: HashMap::new() };
    for row in rows(include_str!("tables/units.tsv")) {
        let [one, many, written, symbols, taken] = row[..] else {
            unreachable!("a unit has five fields")
        };
        let symbols: Vec<&str> = symbols.split(' ').filter(|symbol| !symbol.is_empty()).collect();
        let alone = symbols.iter().filter(|symbol| !symbol.starts_with('('));
        units.add("", "", one, many, written, alone.map(|symbol| (*symbol).to_owned()));
        for prefix in &prefixes {
            let [name, short, read_from] = prefix[..] else {
                unreachable!("a prefix has three fields")
            };
            if !taken.split(' ').any(|taken| read_from.split(' ').any(|symbol| symbol == taken)) {
                continue;
            }
            let pairs = symbols.iter().flat_map(|symbol| {
                let symbol = symbol.trim_matches(['(', ')']);
                read_from.split(' ').map(move |prefix| format!("{prefix}{symbol}"))
            });
            units.add(name, short, one, many, written, pairs);
        }
    }
    units
});

impl Units {
    fn add(
        &mut self,
        prefix: &str,
        short: &str,
        one: &str,
        many: &str,
        written: &str,
        symbols: impl Iterator<Item = String>,
    ) {
        let name = Name { one: format!("{prefix}{one}"), many: format!("{prefix}{many}") };
        for spoken in [one, many] {
            let written = format!("{short}{written}");
            if !prefix.is_empty() {
                self.by_name.insert(format!("{prefix} {spoken}"), written.clone());
            }
            self.by_name.entry(format!("{prefix}{spoken}")).or_insert(written);
        }
        for symbol in symbols.filter(|symbol| !symbol.is_empty()) {
            self.by_symbol.entry(symbol).or_insert_with(|| name.clone());
        }
    }
}

/// A currency.
pub(super) struct Currency {
    /// How it is written from speech, or empty where by its name.
    pub(super) written: &'static str,
    /// `dollar`, `dollars`.
    pub(super) name: Name,
    /// Its hundredth part: `cent`, `cents`.
    pub(super) part: Name,
}

/// The currencies.
pub(super) struct Currencies {
    all: Vec<Currency>,
    by_mark: HashMap<&'static str, usize>,
    by_name: HashMap<&'static str, usize>,
}

pub(super) static CURRENCIES: LazyLock<Currencies> = LazyLock::new(|| {
    let mut all = Vec::new();
    let (mut by_mark, mut by_name) = (HashMap::new(), HashMap::new());
    for row in rows(include_str!("tables/currencies.tsv")) {
        let [written, marks, one, many, part, parts, others] = row[..] else {
            unreachable!("a currency has seven fields")
        };
        for mark in marks.split(' ').filter(|mark| !mark.is_empty()) {
            by_mark.insert(mark, all.len());
        }
        for name in [one, many].into_iter().chain(others.split('|')) {
            by_name.entry(name).or_insert(all.len());
        }
        all.push(Currency {
            written,
            name: Name { one: one.to_owned(), many: many.to_owned() },
            part: Name { one: part.to_owned(), many: parts.to_owned() },
        });
    }
    Currencies { all, by_mark, by_name }
});

impl Currencies {
    /// The currency of a mark: `$`, `US$`, `EUR`.
    pub(super) fn by_mark(&self, mark: &str) -> Option<&Currency> {
        self.by_mark.get(mark).map(|&at| &self.all[at])
    }

    /// The currency of a name of one or many: `dollars`.
    pub(super) fn by_name(&self, name: &str) -> Option<&Currency> {
        self.by_name.get(name).map(|&at| &self.all[at])
    }
}

/// Two columns, by the first.
pub(super) fn pairs(table: &'static str) -> HashMap<&'static str, &'static str> {
    rows(table).filter_map(|row| Some((*row.first()?, *row.get(1)?))).collect()
}

/// The months, January first.
pub(super) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Zones of time, as they are abbreviated.
pub(super) const ZONES: [&str; 22] = [
    "est", "edt", "et", "cst", "cdt", "ct", "mst", "mdt", "mt", "pst", "pdt", "pt", "gmt", "utc",
    "bst", "cet", "cest", "ist", "jst", "kst", "aest", "hst",
];

/// Endings that make `X.Y` an address of the web without more.
const DOMAINS: &str = include_str!("tables/domains.txt");

/// Whether names of the web end in this.
pub(super) fn is_domain(ending: &str) -> bool {
    DOMAINS.split_ascii_whitespace().any(|domain| domain == ending)
}
