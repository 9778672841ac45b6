//! A line cut into Chinese words, when someone first asks.

use std::cell::OnceCell;

use crate::filter::JIEBA;

/// A line and, once asked for, where its words begin and end.
pub(super) struct Cut<'a> {
    line: &'a str,
    edges: OnceCell<Vec<usize>>,
}

impl<'a> Cut<'a> {
    pub(super) fn new(line: &'a str) -> Cut<'a> {
        Cut { line, edges: OnceCell::new() }
    }

    /// Whether a word begins or ends at this byte.
    pub(super) fn is_edge(&self, at: usize) -> bool {
        let edges = self.edges.get_or_init(|| {
            let words = JIEBA.cut(self.line, false);
            let ends = words.iter().scan(0, |end, word| {
                *end += word.word.len();
                Some(*end)
            });
            std::iter::once(0).chain(ends).collect()
        });
        edges.binary_search(&at).is_ok()
    }

    /// Whether no word reaches across either end of `start..end`.
    pub(super) fn is_word(&self, start: usize, end: usize) -> bool {
        self.is_edge(start) && self.is_edge(end)
    }
}
