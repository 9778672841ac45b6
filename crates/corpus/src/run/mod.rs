//! A run of a recipe: read, keep, write.
//!
//! *Read and keep*: each unit of files becomes a table of the records that pass the steps which look
//! at one at a time, and a table of those that do not (`keep.rs`). *Write*: who says the same is found
//! over all of them (`duplicates.rs`); what is left of each unit gets its one form and its tokens
//! (`write.rs`), and all of it together is mixed and shuffled into shards (`shuffle.rs`) and told of on
//! a data card (`card.rs`).
//!
//! Each of these is a task, whose outputs follow from its key; `manifest.rs` knows which are done.

mod card;
mod duplicates;
mod flow;
mod inspect;
mod keep;
mod manifest;
mod pack;
mod plot;
mod recipe;
mod relations;
mod shuffle;
mod summary;
mod tables;
mod units;
mod watch;
mod write;

pub use inspect::{Samples, Wanted, inspect};
pub use pack::{PackOptions, pack};
pub use recipe::Recipe;
pub use summary::{DroppedRow, Left, Summary};
pub use watch::{Event, Tally, Watch};

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::Error;
use crate::error::at;
use crate::filter::Segmenter;
use crate::pack::{Report, ShardWriter};
use crate::table::Output;
use duplicates::{Files, Numbering};
use manifest::{Entry, Key, Manifest};
use relations::Relations;
use tables::Written;
use units::Unit;
use write::Last;

/// Changes when the same recipe and files would give another corpus than before.
const VERSION: u32 = 1;

/// The folders of a run.
const KEPT: &str = "work/kept";
const SHARED: &str = "work/duplicates";
const DROPPED: &str = "dropped";
const TEXTS: &str = "texts";
const TRAIN: &str = "train";
const VALIDATION: &str = "validation";
const CARD: &str = "card";
/// Where what does not fit into memory waits.
const SPILL: &str = "work/spill";

/// Makes the corpus that a recipe describes, or goes on where an earlier run of it has ended.
///
/// # Errors
/// Where the recipe asks for what is not there, or a file cannot be read or written. What is wrong
/// within files is no error: it is dropped, with its reason.
pub fn run(recipe: &Recipe, watch: &mut Watch<'_>) -> Result<Summary, Error> {
    for folder in [KEPT, SHARED, DROPPED, TEXTS, CARD, SPILL] {
        let folder = recipe.output.join(folder);
        fs::create_dir_all(&folder).map_err(at(&folder))?;
    }
    let units = units::units(recipe)?;
    let mut run = Run { recipe, units, manifest: Manifest::open(&recipe.output)?, watch };
    let segmenter = Arc::new(Segmenter::default());
    run.keep(&segmenter)?;
    let last = Last::new(recipe, &segmenter)?;
    let spill = recipe.output.join(SPILL);
    let relations = Relations::new(recipe.memory_mib << 20, &spill)?;
    run.find_duplicates(&relations)?;
    run.write(&last, &relations)?;
    let summary = run.finish(&last, &relations)?;
    run.manifest.close(&[KEPT, SHARED, DROPPED, TEXTS, TRAIN, VALIDATION, CARD])?;
    Ok(summary)
}

struct Run<'a, 'w> {
    recipe: &'a Recipe,
    units: Vec<Unit>,
    manifest: Manifest,
    watch: &'a mut Watch<'w>,
}

impl Run<'_, '_> {
    fn path(&self, name: &str) -> PathBuf {
        self.recipe.output.join(name)
    }

    fn key(&self) -> Key {
        let mut key = Key::default();
        key.add(&VERSION).add(env!("CARGO_PKG_VERSION"));
        key
    }

    /// Sends each unit through the steps that look at one record at a time.
    fn keep(&mut self, segmenter: &Arc<Segmenter>) -> Result<(), Error> {
        let recipe = self.recipe;
        let mut key = self.key();
        key.add(&recipe.extract).add(&recipe.filter).add(&recipe.decontaminate);
        key.add(&recipe.dedup.map(|dedup| dedup.within));
        if let Some(path) = recipe.filter.as_ref().and_then(|filter| filter.classifier.as_ref()) {
            key.add_file(path)?;
        }
        for path in recipe.decontaminate.iter().flat_map(|config| &config.against) {
            key.add_file(path)?;
        }
        let common = key.hex();
        let n_bytes = self.units.iter().map(Unit::n_bytes).sum();
        (self.watch)(Event::Begun { stage: "read", n_bytes });
        // Opening a classifier or a dictionary is left until a unit needs it.
        let mut steps = None;
        for unit in self.units.clone() {
            let source = &recipe.sources[unit.source];
            let key = Key::default()
                .add(&common)
                .add(&(&source.name, &source.licence, &source.lang))
                .add(&unit)
                .hex();
            let task = format!("keep/{}", unit.name());
            let n_bytes = unit.n_bytes();
            let was_done = self.manifest.done(&task, &key).is_some();
            if !was_done {
                let steps: &Vec<_> = match &mut steps {
                    Some(steps) => steps,
                    none => none.insert(keep::steps(recipe, segmenter)?),
                };
                let names = [KEPT, DROPPED].map(|at| format!("{at}/{}.parquet", unit.name()));
                let [kept, dropped] = names.each_ref().map(|name| self.path(name));
                let done = keep::keep(recipe, steps, &unit, (&kept, &dropped), self.watch)?;
                self.add(task, key, names, done)?;
            }
            (self.watch)(Event::Advanced { n_bytes, was_done });
        }
        Ok(())
    }

    /// What was kept of a unit.
    fn kept(&self, unit: &Unit) -> &Entry {
        let task = format!("keep/{}", unit.name());
        self.manifest.current(&task).expect("each unit is kept before it is asked for")
    }

    /// Notes a unit that is done.
    fn add(
        &mut self,
        task: String,
        key: String,
        [kept, dropped]: [String; 2],
        done: Written,
    ) -> Result<(), Error> {
        let files = BTreeMap::from([(kept, done.kept), (dropped, done.dropped)]);
        self.manifest.add(Entry { task, key, files, counts: done.counts })
    }

    /// Finds who says the same, over all units.
    fn find_duplicates(&mut self, relations: &Relations) -> Result<(), Error> {
        let Some(config) = self.recipe.dedup else { return Ok(()) };
        let task = "duplicates".to_owned();
        let key = self.key().add(&config).add(&self.manifest.key_of("keep/")).hex();
        let name = format!("{SHARED}/duplicates.parquet");
        let duplicates = self.path(&name);
        if self.manifest.done(&task, &key).is_none() {
            (self.watch)(Event::Begun { stage: "compare", n_bytes: 0 });
            let n_kept = |unit| self.kept(unit).counts["n_kept"].as_u64().unwrap_or(0);
            let numbering = Numbering::new(self.units.iter().map(n_kept))?;
            let files = Files {
                sketches: &self.files("keep/", KEPT),
                originals: &self.path(&format!("{SPILL}/originals.parquet")),
                pairs: &self.path(&format!("{SPILL}/pairs.parquet")),
                found: &self.path(&format!("{SPILL}/found.parquet")),
                duplicates: &duplicates,
            };
            let output = duplicates::find(relations, config.rule(), &numbering, &files)?;
            for file in [files.originals, files.pairs, files.found] {
                fs::remove_file(file).map_err(at(file))?;
            }
            let files = BTreeMap::from([(name, output)]);
            self.manifest.add(Entry { task, key, files, counts: Value::Null })?;
        }
        relations.table("duplicates", &[duplicates.display().to_string()])
    }

    /// The files in `folder` that tasks whose names begin so have written.
    fn files(&self, tasks: &str, folder: &str) -> Vec<String> {
        let names = self.manifest.entries(tasks).flat_map(|entry| entry.files.keys());
        let within = names.filter(|name| name.starts_with(&format!("{folder}/")));
        within.map(|name| self.path(name).display().to_string()).collect()
    }

    /// Writes what is left of each unit.
    fn write(&mut self, last: &Last, relations: &Relations) -> Result<(), Error> {
        let recipe = self.recipe;
        let mut key = self.key();
        key.add(&recipe.seed).add(&recipe.normalise).add(&recipe.augment);
        key.add(&last.encoder().map(|encoder| encoder.sha256().to_owned()));
        key.add(&self.manifest.key_of("duplicates"));
        for lexicon in recipe.augment.iter().flat_map(|a| a.wordnet.iter().chain(&a.synonyms)) {
            key.add_file(lexicon)?;
        }
        let common = key.hex();
        let relations = recipe.dedup.is_some().then_some(relations);
        let n_bytes_of = |entry: &Entry| entry.files[&kept_name(entry)].n_bytes;
        let n_bytes = self.units.iter().map(|unit| n_bytes_of(self.kept(unit))).sum();
        (self.watch)(Event::Begun { stage: "write", n_bytes });
        for unit in self.units.clone() {
            let entry = self.kept(&unit).clone();
            let source = &recipe.sources[unit.source].name;
            let key = Key::default().add(&common).add(&entry.files).hex();
            let (index, unit) = (unit.index, unit.name());
            let task = format!("write/{unit}");
            let was_done = self.manifest.done(&task, &key).is_some();
            if !was_done {
                let names =
                    [format!("{TEXTS}/{unit}.parquet"), format!("{DROPPED}/{unit}-late.parquet")];
                let [left, dropped] = names.each_ref().map(|name| self.path(name));
                let kept = self.path(&kept_name(&entry));
                let place = (index, source.as_str());
                let files = (left.as_path(), dropped.as_path());
                let done = write::write(last, relations, place, &kept, files, self.watch)?;
                self.add(task, key, names, done)?;
            }
            (self.watch)(Event::Advanced { n_bytes: n_bytes_of(&entry), was_done });
        }
        Ok(())
    }

    /// Packs all that is left, sums up, and writes the data card.
    fn finish(&mut self, last: &Last, relations: &Relations) -> Result<Summary, Error> {
        let recipe = self.recipe;
        relations.table("texts", &self.files("write/", TEXTS))?;
        let mut dropped = self.files("keep/", DROPPED);
        dropped.extend(self.files("write/", DROPPED));
        relations.table("dropped", &dropped)?;
        let mut summary = Summary::of(relations)?;
        if let (Some(pack), Some(encoder)) = (&recipe.pack, last.encoder()) {
            shuffle::register(relations, recipe.seed, pack.validation);
            summary.epochs = shuffle::mixture(relations, recipe, pack.most_epochs)?;
            let key = self
                .key()
                .add(&(recipe.seed, pack.validation, pack.shard_tokens))
                .add(&summary.epochs)
                .add(&self.manifest.key_of("write/"))
                .hex();
            let sha256 = encoder.sha256();
            summary.train = Some(self.pack(TRAIN, &key, |folder| {
                let writer = ShardWriter::create(folder, pack.shard_tokens, sha256)?;
                shuffle::train(relations, recipe.seed, summary.epochs.clone(), writer)
            })?);
            if pack.validation > 0.0 {
                summary.validation = Some(self.pack(VALIDATION, &key, |folder| {
                    let writer = ShardWriter::create(folder, pack.shard_tokens, sha256)?;
                    shuffle::validation(relations, writer)
                })?);
            }
        }
        let key = self.key().add(&summary).add(&recipe.text).hex();
        let task = "card".to_owned();
        if self.manifest.done(&task, &key).is_none() {
            let files = card::write(recipe, &summary, &recipe.output, CARD)?;
            self.manifest.add(Entry { task, key, files, counts: Value::Null })?;
        }
        Ok(summary)
    }

    /// Writes shards into a folder, where that is not done.
    fn pack(
        &mut self,
        folder: &str,
        key: &str,
        write: impl FnOnce(&Path) -> Result<(Report, BTreeMap<String, Output>), Error>,
    ) -> Result<Report, Error> {
        let task = format!("pack/{folder}");
        if let Some(entry) = self.manifest.done(&task, key)
            && let Ok(report) = serde_json::from_value(entry.counts.clone())
        {
            return Ok(report);
        }
        (self.watch)(Event::Begun { stage: "shuffle", n_bytes: 0 });
        let (report, files) = write(&self.path(folder))?;
        let files =
            files.into_iter().map(|(name, output)| (format!("{folder}/{name}"), output)).collect();
        let (key, counts) = (key.to_owned(), json!(report));
        self.manifest.add(Entry { task, key, files, counts })?;
        Ok(report)
    }
}

/// The table of records that a task of keeping has written.
fn kept_name(entry: &Entry) -> String {
    let name = entry.files.keys().find(|name| name.starts_with(KEPT));
    name.cloned().expect("keeping writes what is kept")
}
