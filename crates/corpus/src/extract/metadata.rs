//! What a page says of itself: its title, its day, the text that it hands to search engines.

use serde_json::Value;

use super::dom::{Dom, Tag, resolve};

/// What the head of a page and its data for machines state.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    pub title: Option<String>,
    /// `YYYY-MM-DD`.
    pub date: Option<String>,
    /// The language stated, as it stands: `en-US`.
    pub lang: Option<String>,
    /// The text as its publisher states it for machines.
    pub body: Option<String>,
}

/// Meta elements that state a title, the surest first.
const TITLES: &[&str] = &["og:title", "twitter:title", "dc.title", "dcterm:title", "headline"];

/// Meta elements that state a day, the surest first.
const DATES: &[&str] = &[
    "article:published_time",
    "datepublished",
    "og:published_time",
    "dc.date.issued",
    "dcterms.created",
    "dc.date",
    "parsely-pub-date",
    "sailthru.date",
    "pubdate",
    "publishdate",
    "date",
];

/// Reads what a page says of itself.
pub(super) fn metadata(dom: &Dom<'_>, url: Option<&str>) -> Metadata {
    let mut found = Metadata::default();
    let metas: Vec<(String, String)> =
        dom.elements(Tag::Meta).filter_map(|id| name_and_content(dom, id)).collect();
    let meta = |names: &[&str]| {
        let of = |name: &&str| metas.iter().find(|(found, _)| found == name);
        names.iter().find_map(of).map(|(_, content)| content.clone())
    };
    let (mut headline, mut published) = (None, None);
    for id in dom.elements(Tag::Script) {
        let is_data = dom.attribute(id, "type").is_some_and(|kind| kind.contains("ld+json"));
        if let (true, Ok(data)) = (is_data, serde_json::from_str::<Value>(dom.text_raw(id).trim()))
        {
            let string = |key| find(&data, key).map(str::to_owned);
            headline = headline.or_else(|| string("headline"));
            published = published.or_else(|| string("datePublished"));
            found.body = found.body.or_else(|| string("articleBody"));
        }
    }
    found.title = title(dom, meta(TITLES).or(headline));
    found.date = meta(DATES)
        .and_then(|stated| day(&stated))
        .or_else(|| published.and_then(|stated| day(&stated)))
        .or_else(|| time_element(dom))
        .or_else(|| url.and_then(day_in_address));
    found.lang = dom
        .elements(Tag::Html)
        .next()
        .and_then(|id| dom.attribute(id, "lang").or_else(|| dom.attribute(id, "xml:lang")))
        .map(str::to_owned);
    found
}

fn name_and_content(dom: &Dom<'_>, id: usize) -> Option<(String, String)> {
    let mut name = None;
    let mut content = None;
    for (attribute, value) in dom.attributes(id) {
        match attribute.to_ascii_lowercase().as_str() {
            "name" | "property" | "itemprop" if name.is_none() => {
                name = Some(value.to_ascii_lowercase());
            }
            "content" => content = Some(one_line(&resolve(value))),
            _ => {}
        }
    }
    let content = content.filter(|content| !content.is_empty())?;
    Some((name?, content))
}

/// The first string under a key, however deep; JSON nests no deeper than its reader allows.
fn find<'v>(data: &'v Value, key: &str) -> Option<&'v str> {
    match data {
        Value::Object(fields) => fields
            .get(key)
            .and_then(Value::as_str)
            .or_else(|| fields.values().find_map(|value| find(value, key))),
        Value::Array(values) => values.iter().find_map(|value| find(value, key)),
        _ => None,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands between a page's title and its site's name.
const SEPARATORS: &[&str] = &[" | ", " - ", " – ", " — ", " :: ", " » ", " · ", " • "];

/// The title: as stated, without the site's name where the page's heading lacks it too.
fn title(dom: &Dom<'_>, stated: Option<String>) -> Option<String> {
    let in_head = dom
        .elements(Tag::Title)
        .find(|&id| !dom.is_within(id, Tag::Svg))
        .map(|id| one_line(&dom.text(id)))
        .filter(|title| !title.is_empty());
    let heading =
        dom.elements(Tag::H1).map(|id| one_line(&dom.text(id))).find(|heading| !heading.is_empty());
    let title = stated.or(in_head);
    let Some(title) = title else {
        return heading;
    };
    for separator in SEPARATORS {
        let Some((before, _)) = title.rsplit_once(separator) else {
            continue;
        };
        let is_heading = heading.as_deref().is_some_and(|heading| before.starts_with(heading));
        // A title of fewer words may be the site's name, and what follows it the page's.
        if is_heading || before.split_whitespace().count() >= 4 {
            return Some(before.trim().to_owned());
        }
    }
    Some(title)
}

/// The day of the first `time` element that states one.
fn time_element(dom: &Dom<'_>) -> Option<String> {
    dom.elements(Tag::Time).find_map(|id| day(dom.attribute(id, "datetime")?))
}

/// A day written `2019-11-19…`, `20191119`, `November 19, 2019` or `19 November 2019`.
fn day(text: &str) -> Option<String> {
    let numbers: Vec<(u32, usize)> = text
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|digits| !digits.is_empty() && digits.len() <= 8)
        .filter_map(|digits| Some((digits.parse().ok()?, digits.len())))
        .collect();
    match numbers[..] {
        [(whole, 8), ..] => date(whole / 10_000, whole / 100 % 100, whole % 100),
        [(year, 4), (month, _), (day, _), ..] => date(year, month, day),
        [(day, _), (year, 4), ..] => date(year, month_named(text)?, day),
        _ => None,
    }
}

/// The first month that a text names in English.
fn month_named(text: &str) -> Option<u32> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let lower = text.to_ascii_lowercase();
    let mut words = lower.split(|letter: char| !letter.is_ascii_alphabetic());
    words
        .find_map(|word| MONTHS.iter().position(|month| word.starts_with(month)))
        .map(|month| month as u32 + 1)
}

/// A day that can be one of a page: the web began in 1990.
fn date(year: u32, month: u32, day: u32) -> Option<String> {
    let is_day =
        (1990..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_day.then(|| format!("{year}-{month:02}-{day:02}"))
}

/// A day in an address: `/2019/11/19/`, `/2019-11-19-`.
fn day_in_address(url: &str) -> Option<String> {
    let parts: Vec<&str> = url.split(['/', '-', '_', '.']).collect();
    parts.windows(3).find_map(|parts| {
        let is_date = parts[0].len() == 4 && parts[1].len() == 2 && parts[2].len() == 2;
        if !is_date {
            return None;
        }
        date(parts[0].parse().ok()?, parts[1].parse().ok()?, parts[2].parse().ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_day(text: &str, expected: Option<&str>) {
        assert_eq!(day(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn days_are_read_as_pages_write_them() {
        check_day("2019-11-19T08:00:00Z", Some("2019-11-19"));
        check_day("20191119", Some("2019-11-19"));
        check_day("November 9, 2019", Some("2019-11-09"));
        check_day("Tue, 19 Nov 2019 10:00 GMT", Some("2019-11-19"));
        check_day("19/13/2019", None);
        check_day("yesterday", None);
    }

    fn check_title(html: &str, expected: &str) {
        assert_eq!(metadata(&Dom::parse(html), None).title.as_deref(), Some(expected));
    }

    #[test]
    fn titles_lose_the_name_of_the_site() {
        check_title(
            "<title>The light of the deep sea | Hadal News</title>",
            "The light of the deep sea",
        );
        check_title("<title>Deep - Hadal</title><h1>Deep</h1>", "Deep");
        check_title("<title>Hadal - Deep</title>", "Hadal - Deep");
        check_title("<meta property='og:title' content='A &amp; B'><title>x</title>", "A & B");
    }

    #[test]
    fn the_day_may_stand_in_the_address_only() {
        let found = metadata(&Dom::parse("<p>x"), Some("https://a.b/2019/11/19/c.html"));
        assert_eq!(found.date.as_deref(), Some("2019-11-19"));
    }
}
