//! Record numbers in many short lists, four bytes each.
//!
//! A list holds numbers that only ascend, each beside a check of twelve bits. An entry is the check
//! and what is to be added to the number before it, and entries stand in blocks of 64 bytes, one
//! line of a processor's cache, that lead to one another. A block is never moved or copied: there is
//! no pause in which lists grow, and no room lost but the end of each list's last block. A list that
//! is split leaves its blocks to those that grow.

use std::ops::{Index, IndexMut};

/// Bits of a check.
pub(super) const CHECK_BITS: u32 = 12;

const STEP_BITS: u32 = u32::BITS - CHECK_BITS;

/// An entry with this step holds no number; the next one is as much further.
const LONGEST_STEP: u32 = (1 << STEP_BITS) - 1;

const BLOCK_LEN: usize = 15;

/// A block that leads nowhere yet, and the blocks of an empty list.
const NONE: u32 = u32::MAX;

/// Lists of numbers, one a place.
#[derive(Debug)]
pub(super) struct Places {
    lists: Paged<List>,
    blocks: Paged<Block>,
    /// The first of the blocks that no list has any more, each of which leads to the next.
    unused: u32,
}

#[derive(Debug, Clone, Copy)]
struct List {
    first: u32,
    last: u32,
    n_entries: u32,
    /// The number that came last.
    number: u32,
}

#[derive(Debug)]
#[repr(align(64))]
struct Block {
    entries: [u32; BLOCK_LEN],
    next: u32,
}

/// How far a list has been read.
struct Cursor {
    looked_for: usize,
    block: u32,
    next: u32,
    n_left: u32,
    number: u32,
}

const EMPTY: List = List { first: NONE, last: NONE, n_entries: 0, number: 0 };

impl Places {
    /// As many empty lists.
    pub(super) fn new(n_places: usize) -> Self {
        let mut places = Self { lists: Paged::default(), blocks: Paged::default(), unused: NONE };
        (0..n_places).for_each(|_| places.lists.push(EMPTY));
        places
    }

    /// How many lists there are.
    pub(super) fn len(&self) -> usize {
        self.lists.len
    }

    /// Adds a list, and moves the entries of `place` to it whose check `moves`.
    pub(super) fn split(&mut self, place: usize, moves: impl Fn(u32) -> bool) {
        let mut entries = Vec::with_capacity(self.lists[place].n_entries as usize);
        self.read(&[place], |_, check, number| entries.push((check, number)));
        let List { first, last, .. } = std::mem::replace(&mut self.lists[place], EMPTY);
        if last != NONE {
            self.blocks[last as usize].next = self.unused;
            self.unused = first;
        }
        let added = self.len();
        self.lists.push(EMPTY);
        for (check, number) in entries {
            self.push(if moves(check) { added } else { place }, check, number);
        }
    }

    /// Adds `number`, which is no less than any before it, and its `check` to the list of `place`.
    pub(super) fn push(&mut self, place: usize, check: u32, number: u32) {
        let mut step = number - self.lists[place].number;
        while step >= LONGEST_STEP {
            self.push_entry(place, LONGEST_STEP);
            step -= LONGEST_STEP;
        }
        self.push_entry(place, check << STEP_BITS | step);
        self.lists[place].number = number;
    }

    fn push_entry(&mut self, place: usize, entry: u32) {
        let list = self.lists[place];
        let at = list.n_entries as usize % BLOCK_LEN;
        let mut last = list.last;
        if at == 0 {
            last = self.push_block();
            match list.last {
                NONE => self.lists[place].first = last,
                before => self.blocks[before as usize].next = last,
            }
        }
        self.blocks[last as usize].entries[at] = entry;
        self.lists[place].last = last;
        self.lists[place].n_entries += 1;
    }

    /// A block without entries that leads nowhere, by its number.
    fn push_block(&mut self) -> u32 {
        let empty = Block { entries: [0; BLOCK_LEN], next: NONE };
        match self.unused {
            NONE => {
                self.blocks.push(empty);
                self.blocks.len as u32 - 1
            }
            unused => {
                let block = &mut self.blocks[unused as usize];
                self.unused = std::mem::replace(block, empty).next;
                unused
            }
        }
    }

    /// Reads the lists of `places` and gives `each` entry of them: which of `places` it stands in,
    /// its check and its number.
    ///
    /// Of every list one block is asked for before any is looked at: the memory then brings them
    /// together and not one after the other, which at ten million records is most of the time.
    pub(super) fn read(&self, places: &[usize], mut each: impl FnMut(usize, u32, u32)) {
        let mut cursors: Vec<Cursor> = Vec::with_capacity(places.len());
        for (looked_for, &place) in places.iter().enumerate() {
            let list = &self.lists[place];
            let (block, n_left) = (list.first, list.n_entries);
            if n_left > 0 {
                cursors.push(Cursor { looked_for, block, next: NONE, n_left, number: 0 });
            }
        }
        while !cursors.is_empty() {
            cursors
                .iter_mut()
                .for_each(|cursor| cursor.next = self.blocks[cursor.block as usize].next);
            cursors.retain_mut(|cursor| {
                let n_read = cursor.n_left.min(BLOCK_LEN as u32);
                for &entry in &self.blocks[cursor.block as usize].entries[..n_read as usize] {
                    let step = entry & LONGEST_STEP;
                    cursor.number += step;
                    if step < LONGEST_STEP {
                        each(cursor.looked_for, entry >> STEP_BITS, cursor.number);
                    }
                }
                cursor.block = cursor.next;
                cursor.n_left -= n_read;
                cursor.n_left > 0
            });
        }
    }
}

/// Items in a page.
const PAGE_LEN: usize = 1 << 17;

/// An array in pages, since a whole one would be copied as it grows.
#[derive(Debug)]
struct Paged<T> {
    pages: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), len: 0 }
    }
}

impl<T> Paged<T> {
    fn push(&mut self, item: T) {
        if self.len.is_multiple_of(PAGE_LEN) {
            self.pages.push(Vec::with_capacity(PAGE_LEN));
        }
        self.pages[self.len / PAGE_LEN].push(item);
        self.len += 1;
    }
}

impl<T> Index<usize> for Paged<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.pages[index / PAGE_LEN][index % PAGE_LEN]
    }
}

impl<T> IndexMut<usize> for Paged<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.pages[index / PAGE_LEN][index % PAGE_LEN]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: &[(u32, u32)]) {
        let mut places = Places::new(3);
        for &(check, number) in numbers {
            places.push(0, check, number);
            places.push(2, check ^ 1, number / 2);
        }
        let mut found = [const { Vec::new() }; 3];
        places.read(&[2, 1, 0], |list, check, number| found[list].push((check, number)));
        let halves: Vec<_> =
            numbers.iter().map(|(check, number)| (check ^ 1, number / 2)).collect();
        assert_eq!(found, [halves, Vec::new(), numbers.to_vec()]);
    }

    #[test]
    fn a_list_is_split_in_order_and_its_blocks_are_used_again() {
        let mut places = Places::new(2);
        let all: Vec<(u32, u32)> = (0..1000).map(|i| (i % 7, 3 * i)).collect();
        all.iter().for_each(|&(check, number)| places.push(1, check, number));
        let n_blocks = places.blocks.len;
        places.split(1, |check| check % 2 == 1);
        let mut found = [const { Vec::new() }; 2];
        places.read(&[1, 2], |list, check, number| found[list].push((check, number)));
        let part = |odd: u32| all.iter().copied().filter(move |(check, _)| check % 2 == odd);
        assert_eq!(found, [part(0).collect::<Vec<_>>(), part(1).collect()]);
        assert!(places.blocks.len <= n_blocks + 1);
        places.split(0, |_| true);
        places.push(3, 1, 7);
        assert_eq!(places.len(), 4);
    }

    #[test]
    fn what_was_pushed_is_read_in_order() {
        check(&[]);
        check(&[(4095, 0)]);
        check(&[(0, 7), (1, 7), (4095, 7)]);
        let long = LONGEST_STEP;
        check(&[(9, long - 1), (9, 2 * long - 1), (9, 3 * long), (0, 9 * long + 5), (3, u32::MAX)]);
        check(&(0..1000).map(|i| (i % 4096, i * i)).collect::<Vec<_>>());
    }
}
