//! Which element holds the text: the one whose blocks are worth most together.

use std::ops::Range;

use super::Trust;
use super::blocks::Block;
use super::hints::{Hint, hint, hint_of_tag};
use super::sums::{Places, Sums};
use crate::extract::dom::{Dom, Tag};

/// The blocks of a page with what is known of each.
pub(super) struct Judged {
    /// What the elements around each block say of it.
    pub hints: Vec<Hint>,
    /// What each block is worth.
    pub values: Vec<f32>,
    /// The blocks of the element that holds the text.
    pub chosen: Range<usize>,
}

/// What a block is worth by itself: how much of the text it is, in bytes; below zero, how much of
/// the clutter.
fn value(block: &Block) -> f32 {
    let n = block.n_bytes() as f32;
    let plain = n * (1.0 - block.link_share());
    if block.link_share() > 0.5 {
        return -0.5 * n;
    }
    match block.tag {
        Tag::P | Tag::Blockquote | Tag::Pre if block.n_stops >= 1 && n >= 40.0 => plain,
        Tag::P | Tag::Blockquote | Tag::Pre => 0.2 * plain,
        tag if tag.is_heading() && (n < 100.0 || block.n_stops < 2) => 0.0,
        _ if block.n_stops >= 2 && n >= 80.0 => plain,
        Tag::Li if n >= 30.0 && block.link_share() < 0.3 => 0.5 * plain,
        _ => -0.2 * n,
    }
}

/// The share of a page's text from which on an element is not clutter, whatever it is called.
const TOO_MUCH_FOR_CLUTTER: f32 = 0.5;

/// The same for comments, which may be longer than what they are about.
const TOO_MUCH_FOR_COMMENTS: f32 = 0.8;

/// What the elements around each block say of it, as far as they are believed.
fn hints(dom: &Dom<'_>, blocks: &[Block], places: &Places, trust: Trust) -> Vec<Hint> {
    let mut hints = vec![Hint::default(); blocks.len()];
    if trust == Trust::Nothing {
        return hints;
    }
    let texts = Sums::new(blocks.iter().map(|block| value(block).max(0.0)));
    let total = texts.of(&(0..blocks.len())).max(1.0);
    for (id, node) in dom.nodes().iter().enumerate().skip(1) {
        if node.tag == Tag::Text || node.end as usize <= id + 1 {
            continue;
        }
        let inside = places.of(dom, id);
        if inside.is_empty() {
            continue;
        }
        let mut own = hint(dom, id);
        if trust == Trust::Tags {
            own.clutter = hint_of_tag(node.tag).clutter;
        }
        let share = texts.of(&inside) / total;
        own.clutter &= share <= TOO_MUCH_FOR_CLUTTER;
        own.comments &= share <= TOO_MUCH_FOR_COMMENTS;
        if own != Hint::default() {
            for hint in &mut hints[inside] {
                *hint = hint.within(own);
            }
        }
    }
    hints
}

/// Whether a block is a heading that leads to the page it is the heading of.
fn is_linked_heading(block: &Block) -> bool {
    block.tag.is_heading() && block.link_share() > 0.9
}

/// How many times as much text counts that stands in what is called the article's body.
const BODY_COUNTS: f32 = 2.0;

/// Judges all blocks and chooses the element.
pub(super) fn choose(dom: &Dom<'_>, blocks: &[Block], trust: Trust) -> Judged {
    let places = Places::new(dom, blocks);
    let hints = hints(dom, blocks, &places, trust);
    let worth = |(at, block): (usize, &Block)| {
        let is_teaser = !hints[at].article && at > 0 && is_linked_heading(&blocks[at - 1]);
        if hints[at].is_no_text() || is_teaser {
            -0.1 * block.n_bytes() as f32
        } else if hints[at].article {
            BODY_COUNTS * value(block)
        } else {
            value(block)
        }
    };
    let values: Vec<f32> = blocks.iter().enumerate().map(worth).collect();
    let chosen = match trust {
        Trust::Nothing => 0..blocks.len(),
        _ => {
            let called =
                |(value, hint): (&f32, &Hint)| if hint.article { value.max(0.0) } else { 0.0 };
            let sums = Sums::new(values.iter().copied());
            let bodies = Sums::new(values.iter().zip(&hints).map(called));
            holder(dom, &places, &sums, &bodies)
        }
    };
    Judged { hints, values, chosen }
}

/// The share of the text that an element must hold to be chosen over one around it.
const NEARLY_ALL: f32 = 0.9;

/// The same for what is called the article's body: the rest is then about other articles.
const CALLED_BODY: f32 = 0.5;

/// The same for an `article` element.
const CALLED_ARTICLE: f32 = 0.6;

/// The blocks of the element whose sum is greatest, or of the innermost in it with nearly as much.
fn holder(dom: &Dom<'_>, places: &Places, sums: &Sums, bodies: &Sums) -> Range<usize> {
    let nodes = dom.nodes();
    let is_holder = |&id: &usize| nodes[id].tag.is_block() && nodes[id].end as usize > id + 1;
    let sum = |id: usize| sums.of(&places.of(dom, id));
    let (mut best, mut most) = (0, sum(0));
    for id in (1..nodes.len()).filter(is_holder) {
        if sum(id) >= most {
            (best, most) = (id, sum(id));
        }
    }
    if most <= 0.0 {
        return places.of(dom, 0);
    }
    let mut is_named = false;
    for id in (best + 1..nodes[best].end as usize).filter(is_holder) {
        let inner = sum(id);
        if inner < CALLED_BODY * most {
            continue;
        }
        let is_body = !is_named
            && hint(dom, id).article
            && inner >= NEARLY_ALL * bodies.of(&places.of(dom, best));
        let least = match nodes[id].tag {
            _ if is_body => CALLED_BODY,
            Tag::Article if !is_named => CALLED_ARTICLE,
            _ => NEARLY_ALL,
        };
        if inner >= least * most {
            best = id;
            if inner < NEARLY_ALL * most {
                is_named = true;
                most = inner;
            }
        }
    }
    places.of(dom, best)
}
