//! Who says the same, over all records of a run: which pairs to compare, what they share, and what
//! follows from all pairs together.
//!
//! Records are compared that share one of their smallest shingle hashes or two of five blocks of
//! their fingerprints, as the index of [`crate::dedup`] looks them up; but keys are sorted on disk,
//! so that memory holds no more than who is joined with whom, 4 bytes a record. Copies are set aside
//! first: they are what their original is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, BooleanArray, ListBuilder, RecordBatch, UInt64Array, UInt64Builder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, UInt64Type};

use super::relations::Relations;
use super::tables::lists;
use crate::Error;
use crate::dedup::{Clusters, MOST_RECORDS, N_POSTED, RADIUS, Rule, Sketch, likeness};
use crate::table::{Output, TableWriter};

/// Blocks that a fingerprint is cut into. Two fingerprints that differ in three bits have two blocks
/// of five that are the same, which is 25 bits: few records share them by chance.
const N_BLOCKS: u32 = 5;

/// The tables that are written on the way.
pub(super) struct Files<'a> {
    /// One file per unit, with `number`, `id`, `content`, `fingerprint` and `hashes`.
    pub(super) sketches: &'a [String],
    /// Where the records are written that are no copies.
    pub(super) originals: &'a Path,
    /// Where pairs to compare are written.
    pub(super) pairs: &'a Path,
    /// Where duplicates are written as they are found: `number`, `first` of its cluster, and whether
    /// it is a `copy`.
    pub(super) found: &'a Path,
    /// Where they are written with the `id` of the first, in the order of their numbers.
    pub(super) duplicates: &'a Path,
}

/// How many records each unit has, by its index.
pub(super) struct Numbering {
    /// Of each unit, how many records stand before it.
    offsets: Vec<u32>,
}

impl Numbering {
    /// Numbers records that are known by unit and row from 0 on.
    ///
    /// # Errors
    /// Where they are too many.
    pub(super) fn new(n_records: impl Iterator<Item = u64>) -> Result<Self, Error> {
        let mut offsets = vec![0];
        let mut sum = 0;
        for n in n_records {
            sum += n;
            let most = u64::from(u32::MAX);
            let offset = u32::try_from(sum);
            offsets.push(offset.map_err(|_| Error::TooManyRecords { n_records: sum, most })?);
        }
        Ok(Self { offsets })
    }

    fn n_records(&self) -> u32 {
        *self.offsets.last().expect("there is always the first")
    }

    /// From unit and row to the place among all.
    fn place(&self, number: u64) -> u32 {
        self.offsets[(number >> 32) as usize] + number as u32
    }

    /// From the place among all to unit and row.
    fn number(&self, place: u32) -> u64 {
        let unit = self.offsets.partition_point(|&offset| offset <= place) - 1;
        (unit as u64) << 32 | u64::from(place - self.offsets[unit])
    }
}

/// Finds all duplicates, and writes them in the order of their numbers.
pub(super) fn find(
    relations: &Relations,
    rule: Rule,
    numbering: &Numbering,
    files: &Files<'_>,
) -> Result<Output, Error> {
    let mut clusters = Clusters::default();
    (0..numbering.n_records()).for_each(|_| clusters.push());
    register(relations, rule);
    relations.table("sketches", files.sketches)?;
    relations.view(
        "firsts",
        "SELECT content AS c, fingerprint AS f, min(number) AS first
         FROM sketches GROUP BY content, fingerprint",
    )?;
    let mut copies = Vec::new();
    relations.rows(
        "copies",
        "SELECT first, number FROM sketches JOIN firsts ON content = c AND fingerprint = f
         WHERE number > first",
        |rows| {
            each_pair(&rows, |first, copy| {
                let (first, copy) = (numbering.place(first), numbering.place(copy));
                clusters.join(first, copy);
                copies.push(copy);
            });
            Ok(())
        },
    )?;
    // Written, and not a view: what finds them is then not in memory beside what uses them.
    relations.write(
        "originals",
        "SELECT number, fingerprint, hashes FROM sketches
         JOIN firsts ON content = c AND fingerprint = f AND number = first",
        files.originals,
    )?;
    relations.table("originals", &[files.originals.display().to_string()])?;
    write_pairs(relations, files.pairs)?;
    relations.table("pairs", &[files.pairs.display().to_string()])?;
    relations.rows(
        "near duplicates",
        "SELECT a, b FROM (SELECT DISTINCT a, b FROM pairs)
         JOIN originals x ON a = x.number JOIN originals y ON b = y.number
         WHERE are_alike(x.hashes, y.hashes)",
        |rows| {
            each_pair(&rows, |a, b| clusters.join(numbering.place(a), numbering.place(b)));
            Ok(())
        },
    )?;
    copies.sort_unstable();
    write_found(&clusters, &copies, numbering, files.found)?;
    relations.table("found", &[files.found.display().to_string()])?;
    relations.write(
        "the names of duplicates",
        "SELECT f.number, f.copy, s.id FROM found f JOIN sketches s ON f.first = s.number
         ORDER BY f.number",
        files.duplicates,
    )
}

fn each_pair(rows: &RecordBatch, mut each: impl FnMut(u64, u64)) {
    let [a, b] = [0, 1].map(|column| rows.column(column).as_primitive::<UInt64Type>());
    a.values().iter().zip(b.values()).for_each(|(&a, &b)| each(a, b));
}

/// Sorts records by what they share, and writes who is to be compared with whom.
fn write_pairs(relations: &Relations, path: &Path) -> Result<(), Error> {
    let fields = ["a", "b"].map(|name| Field::new(name, DataType::UInt64, false));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let rows_of = |pairs: &[(u64, u64)]| {
        let [a, b] = [
            UInt64Array::from_iter_values(pairs.iter().map(|pair| pair.0)),
            UInt64Array::from_iter_values(pairs.iter().map(|pair| pair.1)),
        ];
        let rows = RecordBatch::try_new(schema.clone(), vec![Arc::new(a), Arc::new(b)]);
        rows.expect("both columns are as long")
    };
    let mut table = TableWriter::create(path, schema.clone())?;
    let (mut group, mut pairs) = (Group::default(), Vec::new());
    relations.rows(
        "what records share",
        "SELECT key, number, fingerprint FROM
         (SELECT unnest(keys(fingerprint, hashes)) AS key, number, fingerprint FROM originals)
         ORDER BY key, number",
        |rows| {
            let [key, number, fingerprint] =
                [0, 1, 2].map(|column| rows.column(column).as_primitive::<UInt64Type>().values());
            for row in 0..rows.num_rows() {
                group.meet(key[row], number[row], fingerprint[row], &mut pairs);
            }
            table.write(&rows_of(&pairs))?;
            pairs.clear();
            Ok(())
        },
    )?;
    table.finish().map(|_| ())
}

/// The records so far that share a key, and are compared with those to come.
#[derive(Default)]
struct Group {
    key: u64,
    /// The first numbers of each fingerprint, or of all where the key is a hash.
    members: BTreeMap<u64, Vec<u64>>,
}

impl Group {
    /// Adds to `pairs` each record of the group with `number`, where they are to be compared, and
    /// `number` to the group.
    fn meet(&mut self, key: u64, number: u64, fingerprint: u64, pairs: &mut Vec<(u64, u64)>) {
        if key != self.key {
            self.members.clear();
            self.key = key;
        }
        let is_block = key >> 32 != 0;
        let fingerprint = if is_block { fingerprint } else { 0 };
        for (other, numbers) in &self.members {
            if (other ^ fingerprint).count_ones() <= RADIUS {
                let others = numbers.iter().filter(|&&other| other != number);
                pairs.extend(others.map(|&other| (other, number)));
            }
        }
        let same = self.members.entry(fingerprint).or_default();
        if same.len() < MOST_RECORDS && same.last() != Some(&number) {
            same.push(number);
        }
    }
}

/// What a record is looked up by: its smallest hashes, and each two blocks of its fingerprint with
/// their places above them.
fn keys(fingerprint: u64, hashes: &[u32], take: &mut Vec<u64>) {
    take.extend(hashes.iter().take(N_POSTED).map(|&hash| u64::from(hash)));
    // Five blocks of 13 bits, the last one of 12.
    let block = |at: u32| fingerprint >> (13 * at) & 0x1FFF;
    let mut pair = 0;
    for i in 0..N_BLOCKS {
        for j in i + 1..N_BLOCKS {
            pair += 1;
            take.push(pair << 32 | block(i) << 13 | block(j));
        }
    }
}

/// Registers the functions that the plans use.
fn register(relations: &Relations, rule: Rule) {
    let list = |of: DataType| DataType::List(Arc::new(Field::new_list_field(of, true)));
    relations.function(
        "keys",
        vec![DataType::UInt64, list(DataType::UInt32)],
        list(DataType::UInt64),
        Arc::new(|columns| {
            let fingerprints = columns[0].as_primitive::<UInt64Type>();
            let mut found = ListBuilder::new(UInt64Builder::new());
            let mut row = Vec::new();
            for (&fingerprint, hashes) in fingerprints.values().iter().zip(lists(&columns[1])) {
                row.clear();
                keys(fingerprint, hashes, &mut row);
                found.values().append_slice(&row);
                found.append(true);
            }
            Ok(Arc::new(found.finish()))
        }),
    );
    relations.function(
        "are_alike",
        vec![list(DataType::UInt32), list(DataType::UInt32)],
        DataType::Boolean,
        Arc::new(move |columns| {
            let sketch = |hashes: &[u32]| Sketch::from_hashes(hashes.to_vec()).unwrap_or_default();
            let pairs = lists(&columns[0]).map(sketch).zip(lists(&columns[1]).map(sketch));
            let are_alike =
                pairs.map(|(a, b)| likeness(&a, &b, rule.measure, rule.threshold).is_some());
            Ok(Arc::new(BooleanArray::from_iter(are_alike.map(Some))))
        }),
    );
}

fn write_found(
    clusters: &Clusters,
    copies: &[u32],
    numbering: &Numbering,
    path: &Path,
) -> Result<(), Error> {
    let fields = vec![
        Field::new("number", DataType::UInt64, false),
        Field::new("first", DataType::UInt64, false),
        Field::new("copy", DataType::Boolean, false),
    ];
    let schema = Arc::new(Schema::new(fields));
    let mut table = TableWriter::create(path, schema.clone())?;
    let places: Vec<u32> =
        (0..numbering.n_records()).filter(|&place| clusters.first(place) != place).collect();
    for places in places.chunks(1 << 16) {
        let number = places.iter().map(|&place| numbering.number(place));
        let first = places.iter().map(|&place| numbering.number(clusters.first(place)));
        let copy = places.iter().map(|place| Some(copies.binary_search(place).is_ok()));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(number)),
            Arc::new(UInt64Array::from_iter_values(first)),
            Arc::new(BooleanArray::from_iter(copy)),
        ];
        let rows = RecordBatch::try_new(schema.clone(), columns);
        table.write(&rows.expect("the columns are as long"))?;
    }
    table.finish().map(|_| ())
}
