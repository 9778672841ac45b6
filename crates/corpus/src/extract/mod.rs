//! A web page to its text, title, date and language: read it as a tree, choose what is text, say
//! what else is known.
//!
//! No library is behind it. The two ports of trafilatura were measured first: the better one reads
//! fewer pages right, at a tenth of the speed or less (`docs/corpus-extract.md`).

pub mod dom;
mod language;
mod main_text;
mod metadata;

use dom::{Dom, LONGEST_PAGE};
pub(crate) use language::language;

use crate::{Dropped, Record, Step};

/// What a page says, without what stands around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its main text: paragraphs, headings and list items, an empty line between them.
    pub text: String,
    /// Its title, without the name of its site.
    pub title: Option<String>,
    /// The day it was published, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Its language, ISO 639-1.
    pub lang: Option<String>,
}

/// Extracts a page's text and what is known of it. Whatever the page, there is an answer, in time
/// linear in its length; its address, where it is known, may tell its day.
///
/// ```
/// let page = hadal_corpus::extract::extract(
///     "<title>Light in the deep</title><nav><a href=/>Home</a></nav>\
///      <p>Little light reaches the deep sea, and none of it the trenches.</p>",
///     None,
/// );
/// assert_eq!(page.text, "Little light reaches the deep sea, and none of it the trenches.");
/// assert_eq!(page.title.as_deref(), Some("Light in the deep"));
/// ```
pub fn extract(html: &str, url: Option<&str>) -> Page {
    let dom = Dom::parse(html);
    let stated = metadata::metadata(&dom, url);
    let mut text = main_text::main_text(&dom);
    // Where a script shows the text, what the page states for machines may be all there is.
    if let Some(body) = stated.body
        && text.len() < main_text::ENOUGH
        && body.len() > 2 * text.len()
    {
        text = dom::resolve(body.trim());
    }
    let lang = language(&text, stated.lang.as_deref());
    Page { text, title: stated.title, date: stated.date, lang }
}

/// Turns pages into texts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extract;

impl Step for Extract {
    fn name(&self) -> &str {
        "extract"
    }

    /// A record without a page keeps its text, and learns its language. What a record says of
    /// itself already stands.
    fn apply(&self, mut record: Record) -> Result<Record, Box<Dropped>> {
        let Some(html) = record.html.take() else {
            if record.text.is_empty() {
                return Err(Dropped::by(self.name(), record, "neither page nor text"));
            }
            record.lang = record.lang.or_else(|| language(&record.text, None));
            return Ok(record);
        };
        if html.len() > LONGEST_PAGE {
            record.html = Some(html);
            return Err(Dropped::by(self.name(), record, "page longer than 16 MiB"));
        }
        let page = extract(&html, record.url.as_deref());
        if page.text.is_empty() {
            record.html = Some(html);
            return Err(Dropped::by(self.name(), record, "page without text"));
        }
        record.text = page.text;
        record.title = record.title.or(page.title);
        record.date = record.date.or(page.date);
        record.lang = record.lang.or(page.lang);
        Ok(record)
    }
}
