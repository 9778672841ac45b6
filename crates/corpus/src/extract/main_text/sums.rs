//! Sums over all blocks of an element, as differences of running sums.

use std::ops::Range;

use super::blocks::Block;
use crate::extract::dom::Dom;

/// Running sums of one number for each block.
pub(super) struct Sums {
    before: Vec<f32>,
}

impl Sums {
    pub(super) fn new(values: impl Iterator<Item = f32>) -> Self {
        let mut sum = 0.0;
        let mut before = vec![0.0];
        before.extend(values.map(|value| {
            sum += value;
            sum
        }));
        Self { before }
    }

    /// The sum over a range of blocks.
    pub(super) fn of(&self, blocks: &Range<usize>) -> f32 {
        self.before[blocks.end] - self.before[blocks.start]
    }
}

/// Which blocks stand in which element.
pub(super) struct Places {
    /// For each node, how many blocks begin before it; one more entry for the end of the page.
    before: Vec<u32>,
}

impl Places {
    pub(super) fn new(dom: &Dom<'_>, blocks: &[Block]) -> Self {
        let mut before = Vec::with_capacity(dom.nodes().len() + 1);
        for (at, block) in blocks.iter().enumerate() {
            before.resize(block.first as usize + 1, at as u32);
        }
        before.resize(dom.nodes().len() + 1, blocks.len() as u32);
        Self { before }
    }

    /// The blocks that begin in an element.
    pub(super) fn of(&self, dom: &Dom<'_>, id: usize) -> Range<usize> {
        self.before[id] as usize..self.before[dom.nodes()[id].end as usize] as usize
    }
}
