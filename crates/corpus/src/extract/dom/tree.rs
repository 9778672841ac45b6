//! Tags and text to a tree: what opens, what closes it, and what is closed with it.

use super::tokens::{Token, Tokens};
use super::{Dom, N_TAGS, Node, Tag};

/// The deepest nesting kept; elements below stand beside each other, as in browsers.
const DEEPEST: usize = 512;

/// Reads a whole page.
pub(super) fn build(source: &str) -> Dom<'_> {
    let mut tree = Tree {
        dom: Dom { source, nodes: Vec::with_capacity(source.len() / 40) },
        open: Vec::with_capacity(64),
        n_open: [0; N_TAGS],
    };
    tree.push(Tag::Page, (0, 0));
    tree.enter(0);
    let mut tokens = Tokens::new(source);
    while let Some(token) = tokens.next() {
        match token {
            Token::Text { start, end } => {
                tree.push(Tag::Text, (start, end));
            }
            Token::Start { tag, name, start, end } => {
                tree.start(tag, (start, end));
                if tag.is_raw_text() || tag == Tag::Plaintext {
                    if let Some(text) = tokens.raw_text(tag, name) {
                        tree.push(Tag::Text, text);
                    }
                    if tree.current() == tag {
                        tree.close_to(tree.open.len() - 1);
                    }
                }
            }
            Token::End { tag, name } => tree.end(tag, name),
        }
    }
    tree.close_to(0);
    tree.dom
}

struct Tree<'a> {
    dom: Dom<'a>,
    /// The open elements, from the page inwards.
    open: Vec<u32>,
    /// How many open elements there are of each tag.
    n_open: [u32; N_TAGS],
}

impl Tree<'_> {
    fn tag(&self, depth: usize) -> Tag {
        self.dom.nodes[self.open[depth] as usize].tag
    }

    fn current(&self) -> Tag {
        self.tag(self.open.len() - 1)
    }

    /// Adds a node to the innermost open element.
    fn push(&mut self, tag: Tag, span: (usize, usize)) -> u32 {
        let id = self.dom.nodes.len() as u32;
        let parent = self.open.last().copied().unwrap_or(0);
        self.dom.nodes.push(Node {
            tag,
            parent,
            end: id + 1,
            span: (span.0 as u32, span.1 as u32),
        });
        id
    }

    fn enter(&mut self, id: u32) {
        self.n_open[self.dom.nodes[id as usize].tag as usize] += 1;
        self.open.push(id);
    }

    /// Closes all open elements from a depth inwards.
    fn close_to(&mut self, depth: usize) {
        let end = self.dom.nodes.len() as u32;
        for id in self.open.drain(depth..) {
            let node = &mut self.dom.nodes[id as usize];
            node.end = end;
            self.n_open[node.tag as usize] -= 1;
        }
    }

    /// The depth of the innermost open element that `wanted` takes, unless one that `barrier` takes
    /// stands further in.
    fn find(&self, wanted: impl Fn(Tag) -> bool, barrier: impl Fn(Tag) -> bool) -> Option<usize> {
        for depth in (1..self.open.len()).rev() {
            let tag = self.tag(depth);
            if wanted(tag) {
                return Some(depth);
            }
            if barrier(tag) {
                return None;
            }
        }
        None
    }

    /// Closes the innermost open element of `tags`, and what is open in it.
    fn close(&mut self, tags: &[Tag], barrier: impl Fn(Tag) -> bool) {
        if tags.iter().all(|&tag| self.n_open[tag as usize] == 0) {
            return;
        }
        if let Some(depth) = self.find(|tag| tags.contains(&tag), barrier) {
            self.close_to(depth);
        }
    }

    fn start(&mut self, tag: Tag, span: (usize, usize)) {
        match tag {
            Tag::Html | Tag::Head | Tag::Body if self.n_open[tag as usize] > 0 => return,
            Tag::Body => self.close(&[Tag::Head], |_| false),
            Tag::Li => self.close(&[Tag::Li], ends_list_item),
            Tag::Dd | Tag::Dt => self.close(&[Tag::Dd, Tag::Dt], ends_list_item),
            Tag::Option | Tag::Optgroup => {
                let inner: &[Tag] =
                    if tag == Tag::Option { &[Tag::Option] } else { &[Tag::Optgroup, Tag::Option] };
                self.close(inner, |tag| tag == Tag::Select || tag.is_scope());
            }
            Tag::Td | Tag::Th => self.close(&[Tag::Td, Tag::Th], is_table),
            Tag::Tr => self.close(&[Tag::Tr, Tag::Caption, Tag::Colgroup], is_table),
            Tag::Tbody | Tag::Thead | Tag::Tfoot => self.close(
                &[Tag::Tbody, Tag::Thead, Tag::Tfoot, Tag::Caption, Tag::Colgroup],
                is_table,
            ),
            Tag::A => self.close(&[Tag::A], |tag| tag.is_block() || tag.is_scope()),
            Tag::Button => self.close(&[Tag::Button], Tag::is_scope),
            _ => {}
        }
        if tag.closes_paragraph() {
            self.close(&[Tag::P], |tag| tag.is_scope() || tag == Tag::Button);
        }
        if tag.is_heading() && self.current().is_heading() {
            self.close_to(self.open.len() - 1);
        }
        if self.current() == Tag::Head && !stands_in_head(tag) {
            self.close_to(self.open.len() - 1);
        }
        let id = self.push(tag, span);
        if !tag.is_void() && self.open.len() < DEEPEST {
            self.enter(id);
        }
    }

    fn end(&mut self, tag: Tag, name: &str) {
        match tag {
            Tag::Br => {
                self.push(Tag::Br, (0, 0));
                return;
            }
            // What follows the body belongs to it.
            Tag::Html | Tag::Body => return,
            _ => {}
        }
        if self.n_open[tag as usize] == 0 {
            return;
        }
        let depth = if tag == Tag::Other {
            let is_named = |&depth: &usize| {
                let raw = self.dom.raw(self.open[depth] as usize).as_bytes();
                self.tag(depth) == tag
                    && raw.len() >= name.len()
                    && raw[..name.len()].eq_ignore_ascii_case(name.as_bytes())
            };
            (1..self.open.len())
                .rev()
                .take_while(|&depth| !self.tag(depth).is_scope())
                .find(is_named)
        } else if tag.is_heading() {
            self.find(Tag::is_heading, Tag::is_scope)
        } else {
            self.find(|open| open == tag, |open| bars_end(tag, open))
        };
        if let Some(depth) = depth {
            self.close_to(depth);
        }
    }
}

/// Whether an end tag does not reach through an open element to close what is outside it.
fn bars_end(tag: Tag, open: Tag) -> bool {
    match tag {
        Tag::Table | Tag::Template | Tag::Svg | Tag::Math => false,
        Tag::Td | Tag::Th | Tag::Tr | Tag::Tbody | Tag::Thead | Tag::Tfoot | Tag::Caption => {
            is_table(open)
        }
        Tag::Li => open.is_scope() || matches!(open, Tag::Ul | Tag::Ol),
        Tag::P => open.is_scope() || open == Tag::Button,
        _ if tag.is_block() => open.is_scope(),
        // A mark such as `</b>` ends nothing that is not within a line.
        _ => open.is_scope() || open.is_block(),
    }
}

/// Whether tags of cells and rows do not reach out of an element.
fn is_table(tag: Tag) -> bool {
    matches!(tag, Tag::Table | Tag::Template | Tag::Html | Tag::Page)
}

/// Whether an element keeps a list's item open that a new item would else end.
fn ends_list_item(tag: Tag) -> bool {
    tag.is_scope() || (tag.is_block() && !matches!(tag, Tag::Address | Tag::Div | Tag::P | Tag::Li))
}

/// Whether an element may stand in the head, or else ends it.
fn stands_in_head(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Base
            | Tag::Link
            | Tag::Meta
            | Tag::Noframes
            | Tag::Noscript
            | Tag::Script
            | Tag::Style
            | Tag::Template
            | Tag::Title
            | Tag::Other
    )
}
