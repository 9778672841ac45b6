//! The index: who is like a text, and which cluster it joins.

use super::clusters::Clusters;
use super::entry::Entry;
use super::fingerprints::Fingerprints;
use super::postings::Postings;
use super::sketch::{self, Measure, Rounded, SKETCH_LEN};

/// When two texts are duplicates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// What is measured.
    pub measure: Measure,
    /// The least of it that makes duplicates, above 0 and up to 1.
    pub threshold: f32,
}

impl Default for Rule {
    fn default() -> Self {
        Self { measure: Measure::Containment, threshold: 0.7 }
    }
}

/// What the index says of a text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// A number of every cluster that the text is a duplicate of, the first number that was found;
    /// ascending. They become one cluster when the text is inserted.
    pub links: Vec<u32>,
    /// The greatest likeness to one of them, 0 to 1.
    pub similarity: f32,
}

/// Every text so far, found by likeness. Texts are numbered from 0 in the order in which they came,
/// and answers depend on nothing but the texts, their order and the rule.
///
/// A record takes 17 bytes in the tables of fingerprints, 74 in the postings and 96 for its sketch
/// (less for texts under 50 words), 24 for itself and 4 for its cluster: 215 bytes. A copy, equal to
/// the byte, takes 28. The tables' places take 20 MB and the ends of their lists up to 42 MB more.
#[derive(Debug, Default)]
pub struct Index {
    rule: Rule,
    fingerprints: Fingerprints,
    postings: Postings,
    records: Vec<Kept>,
    sketches: Sketches,
    clusters: Clusters,
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    content: u64,
    sketch: Place,
}

impl Index {
    /// An empty index.
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        Self { rule, ..Self::default() }
    }

    /// How many texts were inserted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The number of the first text of the cluster of `number`.
    ///
    /// # Panics
    /// Where there is no such number.
    #[must_use]
    pub fn cluster(&self, number: u32) -> u32 {
        self.clusters.first(number)
    }

    /// Whether two numbers are of one text.
    ///
    /// # Panics
    /// Where there is no such number.
    #[must_use]
    pub fn is_copy(&self, a: u32, b: u32) -> bool {
        self.records[a as usize].content == self.records[b as usize].content
    }

    /// Who is like `entry`.
    #[must_use]
    pub fn query(&self, entry: &Entry) -> Answer {
        let mut candidates = Vec::new();
        self.fingerprints.near(entry.fingerprint, &mut candidates);
        self.postings.sharing(entry.sketch.hashes(), &mut candidates);
        let copy = candidates.iter().copied().filter(|&number| self.holds(number, entry)).min();
        if let Some(number) = copy {
            return Answer { links: vec![number], similarity: 1.0 };
        }
        candidates.sort_unstable();
        candidates.dedup();
        let mut answer = Answer::default();
        let mut joined: Vec<u32> = Vec::new();
        let mut room = [0; SKETCH_LEN];
        let rounded = Rounded::of(&entry.sketch, &mut room);
        let places: Vec<Place> =
            candidates.iter().map(|&number| self.records[number as usize].sketch).collect();
        // Copied before any is looked at: the memory then brings them together.
        let mut hashes = Vec::with_capacity(places.len() * SKETCH_LEN);
        places.iter().for_each(|&place| hashes.extend_from_slice(self.sketches.at(place).hashes));
        let mut rest = &hashes[..];
        let Rule { measure, threshold } = self.rule;
        for (number, place) in candidates.into_iter().zip(places) {
            let (hashes, behind) = rest.split_at(usize::from(place.len));
            rest = behind;
            let other = Rounded { hashes, n_cut: u32::from(place.n_cut) };
            let Some(similarity) = sketch::similarity(other, rounded, measure, threshold) else {
                continue;
            };
            let cluster = self.cluster(number);
            if !joined.contains(&cluster) {
                joined.push(cluster);
                answer.links.push(number);
                answer.similarity = answer.similarity.max(similarity);
            }
        }
        answer
    }

    /// Adds `entry` under the next number, in one cluster with whoever is like it.
    pub fn insert(&mut self, entry: &Entry) -> (u32, Answer) {
        let answer = self.query(entry);
        (self.add(entry, &answer.links), answer)
    }

    /// Adds `entry`, whose links are known.
    ///
    /// # Panics
    /// Where a link is no number yet.
    pub(super) fn add(&mut self, entry: &Entry, links: &[u32]) -> u32 {
        let number = self.records.len() as u32;
        let copy = links.iter().copied().find(|&link| self.holds(link, entry));
        let is_new = |&link: &u32| self.fingerprints.at(link) != entry.fingerprint;
        match links.iter().all(is_new) {
            true => self.fingerprints.insert(entry.fingerprint),
            false => self.fingerprints.insert_unfound(entry.fingerprint),
        }
        let sketch = match copy {
            // What is near a copy is near the text it is a copy of, which is in the tables.
            Some(link) => self.records[link as usize].sketch,
            None => {
                self.postings.insert(entry.sketch.hashes(), number);
                self.sketches.push(Rounded::of(&entry.sketch, &mut [0; SKETCH_LEN]))
            }
        };
        self.records.push(Kept { content: entry.content, sketch });
        self.clusters.push();
        links.iter().for_each(|&link| self.clusters.join(link, number));
        number
    }

    /// Whether the text of `number` is that of `entry`.
    fn holds(&self, number: u32, entry: &Entry) -> bool {
        self.records[number as usize].content == entry.content
            && self.fingerprints.at(number) == entry.fingerprint
    }
}

/// The hashes of all sketches, in pages, since one array of them would be copied as it grows.
#[derive(Debug, Default)]
struct Sketches {
    pages: Vec<Vec<u16>>,
}

/// Where a sketch stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    page: u32,
    offset: u16,
    len: u8,
    n_cut: u8,
}

const PAGE_LEN: usize = 1 << 16;

impl Sketches {
    fn push(&mut self, sketch: Rounded<'_>) -> Place {
        let Rounded { hashes, n_cut } = sketch;
        let room = self.pages.last().map_or(0, |page| PAGE_LEN - page.len());
        if room < hashes.len().max(1) {
            self.pages.push(Vec::with_capacity(PAGE_LEN));
        }
        let n_pages = self.pages.len();
        let page = &mut self.pages[n_pages - 1];
        let (offset, len) = (page.len() as u16, hashes.len() as u8);
        page.extend_from_slice(hashes);
        Place { page: n_pages as u32 - 1, offset, len, n_cut: n_cut as u8 }
    }

    fn at(&self, place: Place) -> Rounded<'_> {
        let (offset, len) = (usize::from(place.offset), usize::from(place.len));
        let hashes = &self.pages[place.page as usize][offset..offset + len];
        Rounded { hashes, n_cut: u32::from(place.n_cut) }
    }
}
