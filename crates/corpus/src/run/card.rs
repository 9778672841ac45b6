//! The data card: what a corpus is made of and what was left out, for people (Markdown, HTML) and
//! programs (JSON).

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::{AutoEscape, Environment, context};

use super::plot::{Bar, bars};
use super::recipe::Recipe;
use super::summary::Summary;
use crate::Error;
use crate::table::{Output, written_aside};

const MARKDOWN: &str = include_str!("card/card.md.jinja");
const HTML: &str = include_str!("card/card.html.jinja");

/// Reasons that the card lists; all are in the summary.
const MOST_ROWS: usize = 40;
/// Reasons that the chart shows.
const MOST_BARS: usize = 16;

/// Writes the card beside the corpus and its charts into the folder `charts` of it, and gives the
/// files by their names in `output`.
pub(super) fn write(
    recipe: &Recipe,
    summary: &Summary,
    output: &Path,
    charts: &str,
) -> Result<BTreeMap<String, Output>, Error> {
    let drawn = [
        ("sources", sources(summary)),
        ("lengths", lengths(summary)),
        ("dropped", dropped(summary)),
    ];
    let json = serde_json::to_string_pretty(summary).expect("a summary is plain data");
    let mut contents: Vec<(String, String)> =
        drawn.iter().map(|(name, svg)| (format!("{charts}/{name}.svg"), svg.clone())).collect();
    contents.push((format!("{charts}/summary.json"), json));
    let shards: Vec<_> = [("train", &summary.train), ("validation", &summary.validation)]
        .into_iter()
        .filter_map(|(folder, report)| Some((folder, report.as_ref()?)))
        .collect();
    let name = output.file_name().map(|name| name.to_string_lossy().into_owned());
    let facts = context! {
        name => name.unwrap_or_default(),
        folder => charts,
        charts => BTreeMap::from(drawn),
        left => summary.left,
        dropped => summary.dropped,
        epochs => summary.epochs,
        shards => shards,
        n_left => summary.n_left(),
        n_dropped => summary.n_dropped(),
        n_read => summary.n_left() + summary.n_dropped(),
        n_bytes => summary.left.iter().map(|row| row.n_bytes).sum::<u64>(),
        n_tokens => summary.left.iter().map(|row| row.n_tokens).sum::<u64>(),
        most_rows => MOST_ROWS,
        recipe => recipe.text.trim_end(),
    };
    let environment = environment();
    for (name, template) in [("card.md", MARKDOWN), ("card.html", HTML)] {
        let card = environment.render_named_str(name, template, &facts);
        contents.push((name.to_owned(), card.expect("the templates know their facts")));
    }
    let write = |(name, text): (String, String)| {
        let file = written_aside(&output.join(&name), |file| file.write_all(text.as_bytes()))?;
        Ok((name, file))
    };
    contents.into_iter().map(write).collect()
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    environment.add_filter("count", |n: i64| count(n));
    environment.add_filter("bytes", |n: u64| bytes(n));
    environment.add_filter("cell", |text: String| text.replace('|', "\\|").replace('\n', " "));
    environment
}

fn sources(summary: &Summary) -> String {
    let mut of: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &summary.left {
        *of.entry(&row.source).or_default() += row.n_bytes;
    }
    let bar = |(name, n): (&str, u64)| Bar { name: name.into(), value: n as f64, label: bytes(n) };
    bars("Text by source", &of.into_iter().map(bar).collect::<Vec<_>>())
}

fn lengths(summary: &Summary) -> String {
    let bar = |(&k, &n): (&u32, &i64)| Bar {
        name: format!("{} to {}", bytes(1 << k), bytes(1 << (k + 1))),
        value: n as f64,
        label: count(n),
    };
    bars("Texts by length", &summary.lengths.iter().map(bar).collect::<Vec<_>>())
}

fn dropped(summary: &Summary) -> String {
    let mut of: BTreeMap<String, i64> = BTreeMap::new();
    for row in &summary.dropped {
        *of.entry(format!("{}: {}", row.step, row.reason)).or_default() += row.n_records;
    }
    let mut rows: Vec<_> = of.into_iter().collect();
    rows.sort_by_key(|(_, n)| -n);
    let bar = |(name, n): (String, i64)| Bar { name, value: n as f64, label: count(n) };
    bars("Dropped by reason", &rows.into_iter().take(MOST_BARS).map(bar).collect::<Vec<_>>())
}

/// A number with its thousands apart.
fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = if n < 0 { "-".to_owned() } else { String::new() };
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in the unit that suits it.
fn bytes(n: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if unit == 0 || value >= 99.95 { 0 } else { 1 };
    format!("{value:.digits$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 12, 1234, -1234567].map(count), ["0", "12", "1,234", "-1,234,567"]);
        assert_eq!(
            [0, 999, 1000, 123_456, 1_500_000].map(bytes),
            ["0 B", "999 B", "1.0 kB", "123 kB", "1.5 MB"]
        );
    }
}
