//! A page as a tree, read as browsers read it but for what moves no text.
//!
//! Nodes stand in the order of the page, each with the end of what it contains, so that a subtree
//! is a range, sums over subtrees are differences of running sums, and nothing recurs: a page of a
//! hundred thousand nested elements costs what any page of its length costs.

mod attributes;
mod entities;
mod tag;
mod tokens;
mod tree;

pub use attributes::Attributes;
pub use entities::{resolve, resolve_into};
pub use tag::{N_TAGS, Tag};

/// An element or a run of text; which one it is in the page is its id.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// What it is.
    pub tag: Tag,
    /// The node it stands in; the page stands in itself.
    pub parent: u32,
    /// The id after its last descendant's.
    pub end: u32,
    /// Where it stands in the source: a text from beginning to end, an element's name and attributes.
    span: (u32, u32),
}

/// The longest page read, in bytes: over a hundred times the average page.
pub const LONGEST_PAGE: usize = 16 << 20;

/// A page's nodes, in its order; the first is the page.
#[derive(Debug)]
pub struct Dom<'a> {
    source: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Dom<'a> {
    /// Reads a page; whatever its bytes, there is a tree. Only the first [`LONGEST_PAGE`] are read.
    pub fn parse(source: &'a str) -> Self {
        let mut end = source.len().min(LONGEST_PAGE);
        while !source.is_char_boundary(end) {
            end -= 1;
        }
        tree::build(&source[..end])
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A text node's text, its entities unresolved; an element's name and attributes.
    pub fn raw(&self, id: usize) -> &'a str {
        let (start, end) = self.nodes[id].span;
        &self.source[start as usize..end as usize]
    }

    /// The attributes of an element, in their order.
    pub fn attributes(&self, id: usize) -> Attributes<'a> {
        Attributes::new(if self.nodes[id].tag == Tag::Text { "" } else { self.raw(id) })
    }

    /// An attribute's value, its entities unresolved; the empty string where it has none.
    pub fn attribute(&self, id: usize, name: &str) -> Option<&'a str> {
        self.attributes(id).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// The ids of all elements of a tag, in their order.
    pub fn elements(&self, tag: Tag) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(move |&id| self.nodes[id].tag == tag)
    }

    /// All text in a node, entities resolved, white space as it stands.
    pub fn text(&self, id: usize) -> String {
        let mut text = String::new();
        for inner in id..self.nodes[id].end as usize {
            if self.nodes[inner].tag == Tag::Text {
                resolve_into(self.raw(inner), false, &mut text);
            }
        }
        text
    }

    /// The text in a script, which has no entities.
    pub fn text_raw(&self, id: usize) -> &'a str {
        let text = (id + 1..self.nodes[id].end as usize).next();
        text.map_or("", |text| self.raw(text))
    }

    /// Whether a node stands in an element of a tag.
    pub fn is_within(&self, id: usize, tag: Tag) -> bool {
        let mut id = id;
        while id != 0 {
            id = self.nodes[id].parent as usize;
            if self.nodes[id].tag == tag {
                return true;
            }
        }
        false
    }
}
