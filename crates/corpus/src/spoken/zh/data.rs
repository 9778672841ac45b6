//! The tables of Chinese: units, currencies, abbreviations, words that stay as they are.

use std::sync::LazyLock;

use super::table::{Table, lines};

/// A unit of measure.
pub(super) struct Unit {
    /// Its symbol; `None` for a measure word, which has none.
    pub(super) symbol: Option<&'static str>,
    /// How it is read.
    pub(super) word: &'static str,
}

/// Units: by symbol, and by word.
pub(super) struct Units {
    /// What the tables' entries are.
    pub(super) list: Vec<Unit>,
    /// By symbol.
    pub(super) symbols: Table,
    /// By word.
    pub(super) words: Table,
}

pub(super) static UNITS: LazyLock<Units> = LazyLock::new(|| {
    let (mut list, mut symbols, mut words) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines(include_str!("data/units.txt")) {
        let (written, spoken) = columns(line);
        let symbol = written.split('|').next().filter(|symbol| *symbol != "-");
        if symbol.is_some() && spoken != "-" {
            let word = spoken.split('|').next().unwrap_or(spoken).trim_start_matches('!');
            symbols.extend(written.split('|').map(|symbol| (symbol, list.len())));
            let back = spoken.split('|').filter(|word| !word.starts_with('!'));
            words.extend(back.map(|word| (word, list.len())));
            list.push(Unit { symbol, word });
            continue;
        }
        for word in spoken.split('|') {
            words.push((word, list.len()));
            list.push(Unit { symbol: None, word });
        }
    }
    Units {
        list,
        symbols: Table::new(true, symbols.into_iter()),
        words: Table::new(false, words.into_iter()),
    }
});

/// A currency.
pub(super) struct Currency {
    /// The sign before a sum, in NeMo's suite.
    pub(super) nemo: &'static str,
    /// The sign before a sum, in WeTextProcessing's.
    pub(super) wetext: &'static str,
    /// How it is read.
    pub(super) word: &'static str,
}

/// Currencies: by sign, and by word.
pub(super) struct Currencies {
    /// What the tables' entries are.
    pub(super) list: Vec<Currency>,
    /// By sign or code.
    pub(super) signs: Table,
    /// By word.
    pub(super) words: Table,
}

pub(super) static CURRENCIES: LazyLock<Currencies> = LazyLock::new(|| {
    let (mut list, mut signs, mut words) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines(include_str!("data/currencies.txt")) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [nemo, wetext, others, spoken] = columns[..] else { continue };
        let all = others.split('|').chain([nemo, wetext]);
        signs.extend(all.map(|sign| (sign, list.len())));
        words.extend(spoken.split('|').map(|word| (word, list.len())));
        let word = spoken.split('|').next().unwrap_or(spoken);
        list.push(Currency { nemo, wetext, word });
    }
    Currencies {
        list,
        signs: Table::new(true, signs.into_iter()),
        words: Table::new(false, words.into_iter()),
    }
});

/// Words by which others are replaced.
pub(super) struct Replacements {
    /// What the table's entries are replaced by.
    pub(super) list: Vec<&'static str>,
    /// The words replaced.
    pub(super) words: Table,
}

/// What is said in full and written short: 全球定位系统 is GPS.
pub(super) static EXPANSIONS: LazyLock<Replacements> =
    LazyLock::new(|| replacements(false, include_str!("data/expansions.txt")));

/// What is typed, and how it is read: O2O is O to O.
pub(super) static READINGS: LazyLock<Replacements> =
    LazyLock::new(|| replacements(true, include_str!("data/replacements.txt")));

/// A file whose lines hold words and what they are replaced by; `exact`: in this case of letters.
fn replacements(exact: bool, text: &'static str) -> Replacements {
    let (mut list, mut words) = (Vec::new(), Vec::new());
    for line in lines(text) {
        let (replaced, by) = columns(line);
        words.extend(replaced.split('|').map(|word| (word, list.len())));
        list.push(by);
    }
    Replacements { list, words: Table::new(exact, words.into_iter()) }
}

/// Abbreviations, which are written in capitals.
pub(super) static ABBREVIATIONS: LazyLock<Replacements> = LazyLock::new(|| {
    let list: Vec<&str> =
        lines(include_str!("data/abbreviations.txt")).flat_map(str::split_whitespace).collect();
    let words = Table::new(false, list.iter().copied().zip(0..));
    Replacements { list, words }
});

/// What vehicles' plates begin with.
pub(super) const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

/// Words with a numeral in them that speak of no number.
pub(super) static KEPT: LazyLock<Table> =
    LazyLock::new(|| Table::of_words(include_str!("data/kept.txt")));

/// Words in which 儿 is a syllable of its own.
pub(super) static ERHUA: LazyLock<Table> =
    LazyLock::new(|| Table::of_words(include_str!("data/erhua.txt")));

/// Numbers of services.
pub(super) static HOTLINES: LazyLock<Table> =
    LazyLock::new(|| Table::of_words(include_str!("data/hotlines.txt")));

/// A line's first word, and the rest.
fn columns(line: &'static str) -> (&'static str, &'static str) {
    line.split_once(' ').map_or((line, ""), |(first, rest)| (first, rest.trim()))
}
