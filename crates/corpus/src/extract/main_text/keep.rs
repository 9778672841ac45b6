//! Which blocks of the element that holds the text are text, and which that stand before it.

use super::Trust;
use super::blocks::{Block, Blocks};
use super::choose::{Judged, choose};
use super::phrases::{is_about_other, is_invitation};
use crate::extract::dom::{Dom, Tag};

/// From this worth on a block is certainly text.
const SURELY_TEXT: f32 = 80.0;

/// The indices of the blocks that are the page's text, in its order.
pub(super) fn keep(dom: &Dom<'_>, all: &Blocks, trust: Trust) -> Vec<usize> {
    let blocks = &all.blocks;
    let judged = choose(dom, blocks, trust);
    let text = |at: usize| &all.text[blocks[at].text.clone()];
    let mut kept = lead(blocks, &judged, text);
    let mut owners: Vec<u32> = judged
        .chosen
        .clone()
        .filter(|&at| judged.values[at] > SURELY_TEXT)
        .map(|at| blocks[at].owner)
        .collect();
    owners.sort_unstable();
    let (mut in_text, mut about_other) = (false, false);
    for at in judged.chosen.clone() {
        let block = &blocks[at];
        if judged.hints[at].is_no_text() {
            continue;
        }
        if is_about_other(text(at)) {
            about_other = true;
            continue;
        }
        if about_other && (block.tag == Tag::Li || block.link_share() > 0.3) {
            continue;
        }
        about_other = false;
        if is_invitation(text(at)) || is_in_list_of_links(blocks, at, &judged) {
            continue;
        }
        let is_kept = match block.tag {
            Tag::H1 => in_text,
            tag if tag.is_heading() => true,
            tag if is_running_text(tag) => true,
            _ => is_sentence(block, text(at)) || owners.binary_search(&block.owner).is_ok(),
        };
        if is_kept {
            kept.push(at);
            in_text |= judged.values[at] > SURELY_TEXT;
        }
    }
    while kept.last().is_some_and(|&at| blocks[at].tag.is_heading() && judged.values[at] <= 0.0) {
        kept.pop();
    }
    kept
}

/// Whether an element is there for running text, however short.
fn is_running_text(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::P | Tag::Blockquote | Tag::Pre | Tag::Li | Tag::Td | Tag::Th | Tag::Dd | Tag::Dt
    )
}

/// Whether a block of no certain element reads as a sentence; a date does not.
fn is_sentence(block: &Block, text: &str) -> bool {
    let n_digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_date = text.len() < 120 && n_digits * 6 > text.len();
    block.n_stops >= 1 && text.len() > 30 && !is_date
}

/// Whether a block is little but a link.
fn is_link(block: &Block) -> bool {
    block.link_share() > 0.6 && block.n_bytes() < 300
}

/// Whether a block is a link among links, or one in no running text.
fn is_in_list_of_links(blocks: &[Block], at: usize, judged: &Judged) -> bool {
    if !is_link(&blocks[at]) {
        return false;
    }
    let near = at.saturating_sub(2).max(judged.chosen.start)..(at + 3).min(judged.chosen.end);
    let n_links = near.filter(|&other| is_link(&blocks[other])).count();
    n_links > 2 || !matches!(blocks[at].tag, Tag::P | Tag::Li)
}

/// How far before the text its lead may stand, in blocks.
const FARTHEST_LEAD: usize = 30;

/// The lead: sentences between the page's heading and the element that holds the text.
fn lead<'a>(blocks: &[Block], judged: &Judged, text: impl Fn(usize) -> &'a str) -> Vec<usize> {
    let start = judged.chosen.start;
    let before = start.saturating_sub(FARTHEST_LEAD)..start;
    let Some(heading) = before.clone().rev().find(|&at| blocks[at].tag == Tag::H1) else {
        return Vec::new();
    };
    let is_lead = |&at: &usize| {
        let block = &blocks[at];
        let is_long = block.n_bytes() >= 80 && block.n_stops >= 1 && block.link_share() < 0.3;
        is_long && is_sentence(block, text(at)) && !judged.hints[at].is_no_text()
    };
    (heading + 1..start).filter(is_lead).take(2).collect()
}
