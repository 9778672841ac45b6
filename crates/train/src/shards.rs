//! Token shards: documents tokenised once and laid end to end in safetensors files, which later
//! runs map.
//!
//! A shard holds `tokens` (`i32 [N]`), and per document `starts` (`i32 [M + 1]`, the last one
//! being `N`) and `bytes` (`i32 [M]`, its length in UTF-8). A document is the beginning-of-text
//! token, its text, and the end-of-text token.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use hadal_model::{read_safetensors, write_safetensors};
use hadal_tensor::Tensor;
use hadal_tokenizer::Tokenizer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::documents::{Document, documents};
use crate::error::{Error, at};
use crate::manifest::Manifest;

/// Tokens after which a shard is closed.
const SHARD_TOKENS: usize = 1 << 26;
/// Documents that are tokenised together.
const GROUP: usize = 256;

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
    pub(crate) fn refuses(&self, document: &Document) -> Option<String> {
        let allowed = |licences: &Vec<String>| licences.contains(&document.licence);
        if !self.licences.as_ref().is_none_or(allowed) {
            return Some(format!("licence {:?}", document.licence));
        }
        let excluded = |prefix: &String| document.src.starts_with(prefix);
        self.exclude_sources.iter().any(excluded).then(|| "excluded source".to_owned())
    }
}

/// What packing did: the data card of a set of shards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackReport {
    /// Tells whether the shards are those of given files, filter and tokenizer.
    fingerprint: u64,
    /// Documents kept.
    pub n_documents: usize,
    /// Tokens, beginnings and ends included.
    pub n_tokens: usize,
    /// Bytes of text kept.
    pub n_bytes: usize,
    /// Documents kept, by licence.
    pub kept_by_licence: BTreeMap<String, usize>,
    /// Documents dropped, by reason.
    pub dropped_by_reason: BTreeMap<String, usize>,
}

/// The shards of one set of documents, mapped.
pub struct Shards {
    shards: Vec<Shard>,
}

struct Shard {
    tokens: Tensor,
    starts: Tensor,
    bytes: Tensor,
}

impl Shards {
    /// Packs `files` into `folder`, unless that has been done already.
    ///
    /// # Errors
    /// When a file cannot be read, or a shard not be written; nothing half-written is left.
    pub fn pack(
        files: &[PathBuf],
        filter: &DocumentFilter,
        tokenizer: &Tokenizer,
        folder: &Path,
    ) -> Result<(Shards, PackReport), Error> {
        let report_path = folder.join("report.json");
        let fingerprint = fingerprint(files, filter, tokenizer)?;
        if let Some(report) = read_report(&report_path)
            && report.fingerprint == fingerprint
            && Manifest::is_in(folder)
        {
            Manifest::verify(folder).map_err(pack_again)?;
            return Ok((Shards::open(folder)?, report));
        }
        fs::create_dir_all(folder).map_err(at(folder))?;
        remove_packed(folder)?;
        let mut packer = Packer::new(folder, tokenizer);
        let mut report = PackReport { fingerprint, ..PackReport::default() };
        for file in files {
            let mut group = Vec::with_capacity(GROUP);
            for document in documents(file)? {
                let document = document?;
                match filter.refuses(&document) {
                    Some(reason) => *report.dropped_by_reason.entry(reason).or_default() += 1,
                    None => group.push(document),
                }
                if group.len() == GROUP {
                    packer.add(&mut group, &mut report)?;
                }
            }
            packer.add(&mut group, &mut report)?;
        }
        packer.close_shard()?;
        let mut manifest = Manifest::default();
        manifest.adopt_others(folder)?;
        manifest.close(folder)?;
        let text = serde_json::to_string_pretty(&report).expect("a report is plain data");
        fs::write(&report_path, text).map_err(at(&report_path))?;
        Ok((Shards::open(folder)?, report))
    }

    /// What packing `files` into `folder` did, where that has been done already.
    ///
    /// # Errors
    /// When a file is not there.
    pub fn packed(
        files: &[PathBuf],
        filter: &DocumentFilter,
        tokenizer: &Tokenizer,
        folder: &Path,
    ) -> Result<Option<PackReport>, Error> {
        let fingerprint = fingerprint(files, filter, tokenizer)?;
        let report = read_report(&folder.join("report.json"));
        Ok(report.filter(|report| report.fingerprint == fingerprint))
    }

    /// Opens the shards in `folder`.
    ///
    /// # Errors
    /// When one cannot be read, or is not a shard.
    pub fn open(folder: &Path) -> Result<Shards, Error> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let path = entry.map_err(at(folder))?.path();
            if path.extension().is_some_and(|extension| extension == "safetensors") {
                paths.push(path);
            }
        }
        paths.sort();
        let shards = paths.iter().map(|path| Shard::open(path)).collect::<Result<_, _>>()?;
        Ok(Shards { shards })
    }

    /// All tokens.
    pub fn n_tokens(&self) -> usize {
        self.shards.iter().map(|shard| shard.tokens.len()).sum()
    }

    /// Windows of `length` tokens and the token after them, side by side.
    pub fn n_windows(&self, length: usize) -> usize {
        self.shards.iter().map(|shard| shard.n_windows(length)).sum()
    }

    /// Window `index` and the token after it, with the places in it where documents begin.
    ///
    /// # Panics
    /// When there is no such window.
    pub fn window(&self, mut index: usize, length: usize) -> (&[i32], Vec<usize>) {
        for shard in &self.shards {
            let here = shard.n_windows(length);
            if index < here {
                return shard.window(index * length, length);
            }
            index -= here;
        }
        panic!("there is no such window");
    }

    /// Every document's tokens and length in bytes.
    pub fn documents(&self) -> impl Iterator<Item = (&[i32], usize)> {
        self.shards.iter().flat_map(|shard| {
            let (tokens, starts) = (shard.tokens.as_slice(), shard.starts.as_slice::<i32>());
            let bytes = shard.bytes.as_slice::<i32>();
            starts.windows(2).zip(bytes).map(move |(ends, &bytes)| {
                (&tokens[ends[0] as usize..ends[1] as usize], bytes as usize)
            })
        })
    }
}

impl Shard {
    fn open(path: &Path) -> Result<Shard, Error> {
        let wrong = |reason: &str| Error::Shard { path: path.into(), reason: reason.into() };
        let mut tensors = read_safetensors(path)?;
        let mut take = |name: &str| {
            let tensor =
                tensors.remove(name).ok_or_else(|| wrong(&format!("it has no `{name}`")))?;
            if tensor.dtype() == hadal_tensor::DType::I32 && tensor.dims().len() == 1 {
                Ok(tensor)
            } else {
                Err(wrong(&format!("`{name}` is not a list of i32")))
            }
        };
        let shard =
            Shard { tokens: take("tokens")?, starts: take("starts")?, bytes: take("bytes")? };
        let starts = shard.starts.as_slice::<i32>();
        let is_cut_whole = starts.first() == Some(&0)
            && starts.last().map(|last| *last as usize) == Some(shard.tokens.len())
            && starts.is_sorted()
            && starts.len() == shard.bytes.len() + 1;
        if is_cut_whole { Ok(shard) } else { Err(wrong("its documents do not cover its tokens")) }
    }

    fn n_windows(&self, length: usize) -> usize {
        self.tokens.len().saturating_sub(1) / length
    }

    fn window(&self, start: usize, length: usize) -> (&[i32], Vec<usize>) {
        let starts = self.starts.as_slice::<i32>();
        let first = starts.partition_point(|&s| (s as usize) < start);
        let within =
            starts[first..].iter().map(|&s| s as usize).take_while(|&s| s < start + length);
        let begins = within.map(|s| s - start).collect();
        (&self.tokens.as_slice()[start..start + length + 1], begins)
    }
}

/// Gathers tokenised documents and writes them shard by shard.
struct Packer<'a> {
    folder: &'a Path,
    tokenizer: &'a Tokenizer,
    n_shards: usize,
    tokens: Vec<i32>,
    starts: Vec<i32>,
    bytes: Vec<i32>,
}

impl<'a> Packer<'a> {
    fn new(folder: &'a Path, tokenizer: &'a Tokenizer) -> Self {
        let (tokens, bytes) = (Vec::new(), Vec::new());
        Packer { folder, tokenizer, n_shards: 0, tokens, starts: vec![0], bytes }
    }

    fn add(&mut self, group: &mut Vec<Document>, report: &mut PackReport) -> Result<(), Error> {
        let encoded: Vec<Vec<u32>> = group
            .par_iter()
            .map(|document| self.tokenizer.encode(&document.text, false))
            .collect::<Result<_, _>>()?;
        for (document, ids) in group.drain(..).zip(encoded) {
            if self.tokens.len() + ids.len() + 2 > SHARD_TOKENS {
                self.close_shard()?;
            }
            let before = self.tokens.len();
            self.tokens.extend(self.tokenizer.bos().map(|id| id as i32));
            self.tokens.extend(ids.into_iter().map(|id| id as i32));
            self.tokens.extend(self.tokenizer.eos().map(|id| id as i32));
            self.starts.push(self.tokens.len() as i32);
            self.bytes.push(document.text.len() as i32);
            report.n_documents += 1;
            report.n_tokens += self.tokens.len() - before;
            report.n_bytes += document.text.len();
            *report.kept_by_licence.entry(document.licence).or_default() += 1;
        }
        Ok(())
    }

    fn close_shard(&mut self) -> Result<(), Error> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let path = self.folder.join(format!("{:04}.safetensors", self.n_shards));
        let tensor = |values: &[i32]| Tensor::from_slice(values, &[values.len()]);
        write_safetensors(
            &path,
            &[
                ("tokens".to_owned(), tensor(&self.tokens)),
                ("starts".to_owned(), tensor(&self.starts)),
                ("bytes".to_owned(), tensor(&self.bytes)),
            ],
        )?;
        *self = Packer { n_shards: self.n_shards + 1, ..Packer::new(self.folder, self.tokenizer) };
        Ok(())
    }
}

/// Removes what an earlier packing left: other files, or other settings, may need fewer shards.
fn remove_packed(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let is_packed = |extension| matches!(extension, "safetensors" | "partial" | "json");
        if path.extension().and_then(|extension| extension.to_str()).is_some_and(is_packed) {
            fs::remove_file(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

fn pack_again(error: Error) -> Error {
    match error {
        Error::Damaged { path, reason } => {
            let advice = "remove its folder, and the documents are packed again";
            Error::Shard { path, reason: format!("{reason}; {advice}") }
        }
        other => other,
    }
}

fn read_report(path: &Path) -> Option<PackReport> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// Changes when a file, the filter or the tokenizer does.
fn fingerprint(
    files: &[PathBuf],
    filter: &DocumentFilter,
    tokenizer: &Tokenizer,
) -> Result<u64, Error> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        let metadata = fs::metadata(file).map_err(at(file))?;
        (file, metadata.len()).hash(&mut hasher);
        metadata.modified().map_err(at(file))?.hash(&mut hasher);
    }
    filter.hash(&mut hasher);
    tokenizer.definition()?.hash(&mut hasher);
    Ok(hasher.finish())
}
