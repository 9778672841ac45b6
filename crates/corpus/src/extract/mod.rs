//! A web page to its text, title, date and language.

pub mod dom;
mod main_text;

use dom::Dom;

/// What a page says, without what stands around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its main text: paragraphs, headings and list items, an empty line between them.
    pub text: String,
}

/// Extracts a page's text and what is known of it.
pub fn extract(html: &str) -> Page {
    let dom = Dom::parse(html);
    Page { text: main_text::main_text(&dom) }
}
