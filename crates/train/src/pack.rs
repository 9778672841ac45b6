//! Packing: documents are tokenised once, into shards that every later run maps.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use hadal_model::write_aside;
use hadal_tokenizer::Tokenizer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::conversations::Conversation;
use crate::documents::{Document, Record, records};
use crate::encode::{Encoded, encode_conversation};
use crate::error::{Error, at};
use crate::fill_in_the_middle::FillInTheMiddle;
use crate::packed;
use crate::shards::{Shard, Shards, list_shards, shard_path};

/// Tokens after which a shard is closed.
const SHARD_TOKENS: usize = 1 << 26;
/// Documents that are tokenised together.
const GROUP: usize = 256;
/// Changes when the same documents would be packed otherwise than before.
const PACKING_VERSION: u32 = 2;

/// What a record of the data is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataFormat {
    /// A text, every token of which is learned from.
    #[default]
    Text,
    /// A conversation, of which the assistant's turns are learned from.
    Chat,
    /// What `hadal corpus` has packed: each of the data's paths is a folder of token shards.
    Tokens,
}

/// Which documents are kept.
#[derive(Clone, Debug, Default, Hash)]
pub struct DocumentFilter {
    /// Licences whose documents are kept; all where `None`.
    pub licences: Option<Vec<String>>,
    /// Documents whose source begins with one of these are dropped.
    pub exclude_sources: Vec<String>,
}

impl DocumentFilter {
    /// Why a document is dropped, if it is.
    pub(crate) fn refuses(&self, licence: &String, src: &str) -> Option<String> {
        if !self.licences.as_ref().is_none_or(|licences| licences.contains(licence)) {
            return Some(format!("licence {licence:?}"));
        }
        let excluded = |prefix: &String| src.starts_with(prefix);
        self.exclude_sources.iter().any(excluded).then(|| "excluded source".to_owned())
    }
}

/// How documents become tokens.
#[derive(Clone, Debug, Default)]
pub struct PackSpec {
    /// Which are kept.
    pub filter: DocumentFilter,
    /// What they are.
    pub format: DataFormat,
    /// The share of texts that are rearranged to fill in the middle.
    pub fill_in_the_middle: f64,
    /// Decides which these are, and where they are cut.
    pub seed: u64,
}

/// What packing did: the data card of a set of shards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackReport {
    /// Tells whether the shards are those of given files, specification and tokenizer.
    #[serde(default)]
    fingerprint: u64,
    /// The SHA-256 of the tokenizer's definition, where `hadal corpus` has packed the shards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tokenizer_sha256: Option<String>,
    /// The SHA-256 of each shard's tensors, in order.
    pub(crate) sha256: Vec<String>,
    /// Documents kept.
    pub n_documents: usize,
    /// Tokens, beginnings and ends included.
    pub n_tokens: usize,
    /// Tokens that are learned from; of a text all, of a conversation the assistant's.
    pub n_trained: usize,
    /// Bytes of text learned from.
    pub n_bytes: usize,
    /// Documents kept, by licence.
    #[serde(default)]
    pub kept_by_licence: BTreeMap<String, usize>,
    /// Documents dropped, by reason.
    #[serde(default)]
    pub dropped_by_reason: BTreeMap<String, usize>,
}

impl PackReport {
    fn path(folder: &Path) -> PathBuf {
        folder.join("report.json")
    }

    /// Adds the documents of another report.
    pub(crate) fn add(&mut self, other: PackReport) {
        self.sha256.extend(other.sha256);
        self.n_documents += other.n_documents;
        self.n_tokens += other.n_tokens;
        self.n_trained += other.n_trained;
        self.n_bytes += other.n_bytes;
    }

    /// The report that lies in a folder of shards, if there is one that can be read.
    pub(crate) fn read(folder: &Path) -> Option<PackReport> {
        serde_json::from_str(&fs::read_to_string(PackReport::path(folder)).ok()?).ok()
    }
}

/// Shards, ready to be read.
pub struct Packed {
    /// The shards.
    pub shards: Shards,
    /// What is in them.
    pub report: PackReport,
    /// Why shards that were there already were packed again, if they were damaged.
    pub damage: Option<String>,
}

/// Packs `files` into `folder`, unless that has been done already. Shards that are there are
/// checked against their hashes; where one is damaged, missing or not of this packing, all are
/// packed again, since the documents are here.
///
/// # Errors
/// When a file cannot be read, or a shard not be written; nothing half-written is taken for whole.
pub fn pack(
    files: &[PathBuf],
    spec: &PackSpec,
    tokenizer: &Tokenizer,
    folder: &Path,
) -> Result<Packed, Error> {
    if spec.format == DataFormat::Tokens {
        let (shards, report) = packed::open(files, tokenizer)?;
        return Ok(Packed { shards, report, damage: None });
    }
    let fingerprint = fingerprint(files, spec, tokenizer)?;
    let mut damage = None;
    if let Some(report) = PackReport::read(folder)
        && report.fingerprint == fingerprint
    {
        match Shards::verified(folder, &report.sha256) {
            Ok(shards) => return Ok(Packed { shards, report, damage: None }),
            Err(error) => damage = Some(error.to_string()),
        }
    }
    clear(folder)?;
    let report = PackReport { fingerprint, ..PackReport::default() };
    let mut packer = Packer::new(folder, spec, tokenizer, report)?;
    for file in files {
        match spec.format {
            DataFormat::Text => packer.add_file::<Document>(file)?,
            DataFormat::Chat => packer.add_file::<Conversation>(file)?,
            DataFormat::Tokens => unreachable!("shards were opened where they lie"),
        }
    }
    packer.close_shard()?;
    let report = packer.report;
    let text = serde_json::to_string_pretty(&report).expect("a report is plain data");
    write_aside(&PackReport::path(folder), text.as_bytes())?;
    Ok(Packed { shards: Shards::verified(folder, &report.sha256)?, report, damage })
}

/// What packing `files` into `folder` did, where that has been done already.
///
/// # Errors
/// When a file is not there.
pub(crate) fn already_packed(
    files: &[PathBuf],
    spec: &PackSpec,
    tokenizer: &Tokenizer,
    folder: &Path,
) -> Result<Option<PackReport>, Error> {
    if spec.format == DataFormat::Tokens {
        return packed::reports(files, tokenizer).map(Some);
    }
    let fingerprint = fingerprint(files, spec, tokenizer)?;
    Ok(PackReport::read(folder).filter(|report| report.fingerprint == fingerprint))
}

/// Makes room for new shards. The report goes first: without it, no shard is believed.
fn clear(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let report = PackReport::path(folder);
    if report.exists() {
        fs::remove_file(&report).map_err(at(&report))?;
    }
    for shard in list_shards(folder)? {
        fs::remove_file(&shard).map_err(at(&shard))?;
    }
    Ok(())
}

/// A record that can be packed.
trait Source: Record + Send + Sync {
    fn origin(&self) -> (&String, &str);

    /// Its tokens, where there is something to learn.
    fn encode(&self, packer: &Packer<'_>, index: u64) -> Result<Option<Encoded>, Error>;
}

impl Source for Document {
    fn origin(&self) -> (&String, &str) {
        (&self.licence, &self.src)
    }

    fn encode(&self, packer: &Packer<'_>, index: u64) -> Result<Option<Encoded>, Error> {
        let tokenizer = packer.tokenizer;
        let ids = match &packer.gaps {
            None => tokenizer.encode(&self.text, false)?,
            Some(gaps) => gaps.encode(tokenizer, &self.text, index)?,
        };
        let ids: Vec<u32> = tokenizer.bos().into_iter().chain(ids).chain(tokenizer.eos()).collect();
        let trained = std::iter::once(0..ids.len()).collect();
        Ok(Some(Encoded { ids, trained, n_bytes: self.text.len() }))
    }
}

impl Source for Conversation {
    fn origin(&self) -> (&String, &str) {
        (&self.licence, &self.src)
    }

    fn encode(&self, packer: &Packer<'_>, _: u64) -> Result<Option<Encoded>, Error> {
        encode_conversation(packer.tokenizer, self)
    }
}

/// Gathers tokenised documents and writes them shard by shard.
struct Packer<'a> {
    folder: &'a Path,
    spec: &'a PackSpec,
    tokenizer: &'a Tokenizer,
    gaps: Option<FillInTheMiddle>,
    report: PackReport,
    waiting: ShardContents,
}

/// The tensors of a shard, as they grow.
#[derive(Default)]
struct ShardContents {
    tokens: Vec<i32>,
    starts: Vec<i32>,
    bytes: Vec<i32>,
    trained: Vec<i32>,
}

impl<'a> Packer<'a> {
    fn new(
        folder: &'a Path,
        spec: &'a PackSpec,
        tokenizer: &'a Tokenizer,
        report: PackReport,
    ) -> Result<Self, Error> {
        let rate = spec.fill_in_the_middle;
        let gaps =
            (rate > 0.0).then(|| FillInTheMiddle::new(rate, spec.seed, tokenizer)).transpose()?;
        Ok(Packer { folder, spec, tokenizer, gaps, report, waiting: ShardContents::default() })
    }

    fn add_file<S: Source>(&mut self, file: &Path) -> Result<(), Error> {
        let mut group = Vec::with_capacity(GROUP);
        for (record, source) in (1..).zip(records::<S>(file)?) {
            let source = source?;
            let (licence, src) = source.origin();
            match self.spec.filter.refuses(licence, src) {
                Some(reason) => self.drop_for(reason),
                None => group.push((record, source)),
            }
            if group.len() == GROUP {
                self.add(file, &group)?;
                group.clear();
            }
        }
        self.add(file, &group)
    }

    fn add<S: Source>(&mut self, file: &Path, group: &[(usize, S)]) -> Result<(), Error> {
        let first = self.report.n_documents;
        let encoded: Vec<Option<Encoded>> = group
            .par_iter()
            .zip(first..first + group.len())
            .map(|((record, source), index)| {
                source.encode(self, index as u64).map_err(|error| Error::Document {
                    path: file.to_path_buf(),
                    record: *record,
                    reason: error.to_string(),
                })
            })
            .collect::<Result<_, _>>()?;
        for ((_, source), encoded) in group.iter().zip(encoded) {
            match encoded {
                None => self.drop_for("nothing for the assistant to say".to_owned()),
                Some(encoded) => {
                    let licence = source.origin().0.clone();
                    *self.report.kept_by_licence.entry(licence).or_default() += 1;
                    self.keep(&encoded)?;
                }
            }
        }
        Ok(())
    }

    fn drop_for(&mut self, reason: String) {
        *self.report.dropped_by_reason.entry(reason).or_default() += 1;
    }

    fn keep(&mut self, encoded: &Encoded) -> Result<(), Error> {
        if self.waiting.tokens.len() + encoded.ids.len() > SHARD_TOKENS {
            self.close_shard()?;
        }
        let start = self.waiting.tokens.len();
        self.waiting.starts.push(start as i32);
        self.waiting.tokens.extend(encoded.ids.iter().map(|&id| id as i32));
        self.waiting.bytes.push(encoded.n_bytes as i32);
        let ends = encoded.trained.iter().flat_map(|range| [range.start, range.end]);
        self.waiting.trained.extend(ends.map(|end| (start + end) as i32));
        self.report.n_documents += 1;
        self.report.n_tokens += encoded.ids.len();
        self.report.n_trained += encoded.trained.iter().map(ExactSizeIterator::len).sum::<usize>();
        self.report.n_bytes += encoded.n_bytes;
        Ok(())
    }

    fn close_shard(&mut self) -> Result<(), Error> {
        let ShardContents { tokens, mut starts, bytes, trained } =
            std::mem::take(&mut self.waiting);
        if bytes.is_empty() {
            return Ok(());
        }
        starts.push(tokens.len() as i32);
        let trained = (self.spec.format == DataFormat::Chat).then_some(&*trained);
        let shard = Shard::new(&tokens, &starts, &bytes, trained);
        shard.write(&shard_path(self.folder, self.report.sha256.len()))?;
        self.report.sha256.push(shard.sha256());
        Ok(())
    }
}

/// Changes when a file, the specification or the tokenizer does.
fn fingerprint(files: &[PathBuf], spec: &PackSpec, tokenizer: &Tokenizer) -> Result<u64, Error> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        let metadata = fs::metadata(file).map_err(at(file))?;
        (file, metadata.len()).hash(&mut hasher);
        metadata.modified().map_err(at(file))?.hash(&mut hasher);
    }
    (PACKING_VERSION, &spec.filter, spec.format).hash(&mut hasher);
    if spec.fill_in_the_middle > 0.0 {
        (spec.fill_in_the_middle.to_bits(), spec.seed).hash(&mut hasher);
    }
    (tokenizer.definition()?, tokenizer.configuration()).hash(&mut hasher);
    Ok(hasher.finish())
}
