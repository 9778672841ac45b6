//! Record numbers in many short lists, four bytes each.
//!
//! A list holds numbers that only ascend, each beside a check of twelve bits. An entry is the check
//! and what is to be added to the number before it, and entries stand in blocks of 64 bytes, one
//! line of a processor's cache, that lead to one another. A block is never moved or copied: there is
//! no pause in which lists grow, and no room lost but the end of each list's last block.

/// Bits of a check.
pub(super) const CHECK_BITS: u32 = 12;

const STEP_BITS: u32 = u32::BITS - CHECK_BITS;

/// An entry with this step holds no number; the next one is as much further.
const LONGEST_STEP: u32 = (1 << STEP_BITS) - 1;

const BLOCK_LEN: usize = 15;

/// Blocks in a page of 8 MiB; one array of them would be copied as it grows.
const PAGE_LEN: usize = 1 << 17;

/// A block that leads nowhere yet, and the blocks of an empty list.
const NONE: u32 = u32::MAX;

/// Lists of numbers, one a place.
#[derive(Debug)]
pub(super) struct Places {
    lists: Vec<List>,
    pages: Vec<Vec<Block>>,
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

impl Places {
    /// As many empty lists.
    pub(super) fn new(n_places: usize) -> Self {
        let empty = List { first: NONE, last: NONE, n_entries: 0, number: 0 };
        Self { lists: vec![empty; n_places], pages: Vec::new() }
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
                before => self.block_mut(before).next = last,
            }
        }
        self.block_mut(last).entries[at] = entry;
        self.lists[place].last = last;
        self.lists[place].n_entries += 1;
    }

    /// A new block, by its number.
    fn push_block(&mut self) -> u32 {
        if self.pages.last().is_none_or(|page| page.len() == PAGE_LEN) {
            self.pages.push(Vec::with_capacity(PAGE_LEN));
        }
        let n_pages = self.pages.len();
        let page = &mut self.pages[n_pages - 1];
        page.push(Block { entries: [0; BLOCK_LEN], next: NONE });
        ((n_pages - 1) * PAGE_LEN + page.len() - 1) as u32
    }

    fn block_mut(&mut self, block: u32) -> &mut Block {
        &mut self.pages[block as usize / PAGE_LEN][block as usize % PAGE_LEN]
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
            cursors.iter_mut().for_each(|cursor| cursor.next = self.block(cursor.block).next);
            cursors.retain_mut(|cursor| {
                let n_read = cursor.n_left.min(BLOCK_LEN as u32);
                for &entry in &self.block(cursor.block).entries[..n_read as usize] {
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

    fn block(&self, block: u32) -> &Block {
        &self.pages[block as usize / PAGE_LEN][block as usize % PAGE_LEN]
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
    fn what_was_pushed_is_read_in_order() {
        check(&[]);
        check(&[(4095, 0)]);
        check(&[(0, 7), (1, 7), (4095, 7)]);
        let long = LONGEST_STEP;
        check(&[(9, long - 1), (9, 2 * long - 1), (9, 3 * long), (0, 9 * long + 5), (3, u32::MAX)]);
        check(&(0..1000).map(|i| (i % 4096, i * i)).collect::<Vec<_>>());
    }
}
