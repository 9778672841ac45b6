//! A page as the lines and paragraphs that a reader sees, each with what tells text from clutter.

use std::ops::Range;

use super::hints::hint;
use crate::extract::dom::{Dom, Tag, resolve_into};

/// A run of text that no block element interrupts.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The innermost block element it stands in.
    pub owner: u32,
    /// The tag that says what it is: that of the owner, or of the list item or cell around it.
    pub tag: Tag,
    /// Its first text node.
    pub first: u32,
    /// Where its text stands in [`Blocks::text`].
    pub text: Range<usize>,
    /// How much of its text stands in links, in bytes.
    pub n_link_bytes: usize,
    /// How many stops and commas it has.
    pub n_stops: usize,
}

impl Block {
    /// Its length in bytes; three bytes to a Chinese character weigh it as much as half a word.
    pub(super) fn n_bytes(&self) -> usize {
        self.text.len()
    }

    /// The share of its text that stands in links.
    pub(super) fn link_share(&self) -> f32 {
        self.n_link_bytes as f32 / self.n_bytes().max(1) as f32
    }
}

/// All blocks of a page, in its order.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The texts of all blocks, one after the other.
    pub text: String,
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// An open element, while the page is walked.
struct Open {
    end: usize,
    id: u32,
    tag: Tag,
    is_block: bool,
    is_link: bool,
}

/// The most nodes of an element within a line that its name may hide.
const MOST_INLINE: usize = 40;

/// Cuts a page into blocks.
pub(super) fn blocks(dom: &Dom<'_>) -> Blocks {
    let mut cutter = Cutter::default();
    let mut open: Vec<Open> = Vec::new();
    let mut id = 0;
    while id < dom.nodes().len() {
        let node = &dom.nodes()[id];
        while open.last().is_some_and(|element| element.end <= id) {
            if open.pop().is_some_and(|element| element.is_block) {
                cutter.finish();
            }
        }
        if node.tag == Tag::Text {
            cutter.add(dom.raw(id), id, &open);
            id += 1;
            continue;
        }
        if is_skipped(node.tag) {
            if node.tag.is_block() {
                cutter.finish();
            }
            id = node.end as usize;
            continue;
        }
        match node.tag {
            Tag::Br => cutter.line_break(),
            Tag::Hr => cutter.finish(),
            _ => {}
        }
        let is_block = node.tag.is_block();
        // A tooltip within a line is no part of it.
        if node.tag == Tag::Span && node.end as usize <= id + MOST_INLINE && hint(dom, id).clutter {
            id = node.end as usize;
            continue;
        }
        if is_block {
            cutter.finish();
        }
        if node.end as usize > id + 1 {
            let is_link = node.tag == Tag::A || open.last().is_some_and(|element| element.is_link);
            open.push(Open {
                end: node.end as usize,
                id: id as u32,
                tag: node.tag,
                is_block,
                is_link,
            });
        }
        id += 1;
    }
    cutter.finish();
    cutter.blocks
}

/// Whether nothing in an element is text of the page.
fn is_skipped(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Audio
            | Tag::Button
            | Tag::Canvas
            | Tag::Dialog
            | Tag::Embed
            | Tag::Head
            | Tag::Iframe
            | Tag::Input
            | Tag::Map
            | Tag::Noembed
            | Tag::Noframes
            | Tag::Noscript
            | Tag::Object
            | Tag::Option
            | Tag::Script
            | Tag::Select
            | Tag::Style
            | Tag::Svg
            | Tag::Template
            | Tag::Textarea
            | Tag::Title
            | Tag::Video
    )
}

#[derive(Default)]
struct Cutter {
    blocks: Blocks,
    current: Option<Block>,
    /// Line breaks since the last text.
    n_breaks: usize,
    /// Whether white space stands between the last text and the next.
    space: bool,
    scratch: String,
}

impl Cutter {
    fn line_break(&mut self) {
        self.n_breaks += 1;
        // Two breaks are how pages without paragraphs end a paragraph.
        if self.n_breaks >= 2 {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.n_breaks = 0;
        self.space = false;
        if let Some(mut block) = self.current.take() {
            block.text.end = self.blocks.text.len();
            block.n_stops = count_stops(&self.blocks.text[block.text.clone()]);
            // Markup that shows as text was never meant to be read.
            if block.tag == Tag::Body && self.blocks.text[block.text.clone()].starts_with('<') {
                return;
            }
            self.blocks.blocks.push(block);
        }
    }

    /// Adds a text node with its white space made single.
    fn add(&mut self, raw: &str, id: usize, open: &[Open]) {
        if raw.bytes().all(|byte| byte.is_ascii_whitespace()) {
            self.space |= !raw.is_empty();
            return;
        }
        let is_pre = open.iter().rev().any(|element| element.tag == Tag::Pre);
        self.scratch.clear();
        resolve_into(raw, false, &mut self.scratch);
        if self.scratch.chars().all(char::is_whitespace) {
            self.space = true;
            return;
        }
        let current = self.current.get_or_insert_with(|| {
            let owner = open.iter().rev().find(|element| element.is_block);
            let item = open
                .iter()
                .rev()
                .filter(|element| element.is_block)
                .find(|element| !matches!(element.tag, Tag::Div | Tag::Section | Tag::Center));
            Block {
                owner: owner.map_or(0, |element| element.id),
                tag: match owner.map(|element| element.tag) {
                    Some(Tag::Div) => match item.map(|element| element.tag) {
                        Some(tag @ (Tag::Li | Tag::Figcaption)) => tag,
                        _ => Tag::Div,
                    },
                    Some(tag) => tag,
                    None => Tag::Page,
                },
                first: id as u32,
                text: self.blocks.text.len()..self.blocks.text.len(),
                n_link_bytes: 0,
                n_stops: 0,
            }
        });
        let text = &mut self.blocks.text;
        let is_first = text.len() == current.text.start;
        let starts_with_space = self.scratch.starts_with(char::is_whitespace);
        if !is_first {
            if self.n_breaks > 0 {
                text.push('\n');
            } else if (self.space || starts_with_space) && !is_pre {
                text.push(' ');
            }
        }
        self.n_breaks = 0;
        let before = text.len();
        if is_pre {
            text.push_str(&self.scratch);
        } else {
            let mut words = self.scratch.split_whitespace();
            text.push_str(words.next().unwrap_or_default());
            for word in words {
                text.push(' ');
                text.push_str(word);
            }
        }
        if open.last().is_some_and(|element| element.is_link) {
            current.n_link_bytes += text.len() - before;
        }
        self.space = self.scratch.ends_with(char::is_whitespace);
    }
}

/// Stops and commas, of Latin, Chinese, Arabic and Indian scripts.
fn count_stops(text: &str) -> usize {
    let is_stop = |&c: &char| {
        matches!(
            c,
            '.' | ',' | '!' | '?' | ';' | '。' | '，' | '、' | '！' | '？' | '；' | '،' | '۔' | '।'
        )
    };
    text.chars().filter(is_stop).count()
}
