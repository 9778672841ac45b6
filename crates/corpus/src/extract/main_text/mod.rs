//! The main text of a page: cut it into blocks, choose the element that holds the text, keep what
//! of it is text.

mod blocks;
mod choose;
mod hints;
mod keep;
mod phrases;
mod sums;

use self::blocks::blocks;
use super::dom::Dom;

/// How much of what names and tags say of an element is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// All of it.
    Names,
    /// What tags say, and what is named a comment.
    Tags,
    /// Nothing: the whole page is text but for its links.
    Nothing,
}

/// A text shorter than this, in bytes, is taken for a part only, and names are believed less.
pub(super) const ENOUGH: usize = 250;

/// The main text: a paragraph, heading or list item each, an empty line between.
pub(super) fn main_text(dom: &Dom<'_>) -> String {
    let blocks = blocks(dom);
    let mut best: Vec<usize> = Vec::new();
    let mut n_best = 0;
    for trust in [Trust::Names, Trust::Tags, Trust::Nothing] {
        let kept = keep::keep(dom, &blocks, trust);
        let n_bytes: usize = kept.iter().map(|&at| blocks.blocks[at].n_bytes()).sum();
        // A less careful reading must find much more to be believed.
        if n_bytes > 2 * n_best {
            (best, n_best) = (kept, n_bytes);
        }
        if n_best >= ENOUGH {
            break;
        }
    }
    let mut text = String::with_capacity(n_best + 2 * best.len());
    for at in best {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&blocks.text[blocks.blocks[at].text.clone()]);
    }
    text
}
