//! Token shards: the form that `hadal train` maps.
//!
//! A shard is a safetensors file with `tokens` (`i32 [N]`), and per document `starts`
//! (`i32 [M + 1]`, the last one being `N`) and `bytes` (`i32 [M]`, of its text in UTF-8). The
//! folder's `report.json` has the hash of each shard's tensors and is written last, so that a folder
//! with one is whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView, serialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Error;
use crate::error::at;
use crate::table::{Output, hex, written_aside};

/// The most tokens of a shard, and how many there are where nothing else is asked for: 256 MiB.
pub const LARGEST_SHARD: usize = 1 << 26;

/// What a folder of shards holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The SHA-256 of the definition of the tokenizer that made the tokens.
    pub tokenizer_sha256: String,
    /// The SHA-256 of each shard's tensors, in order.
    pub sha256: Vec<String>,
    /// How many documents there are.
    pub n_documents: usize,
    /// How many tokens, beginnings and ends of texts included.
    pub n_tokens: usize,
    /// How many of them are learned from: all.
    pub n_trained: usize,
    /// Bytes of text.
    pub n_bytes: usize,
}

/// Writes documents shard by shard.
pub struct ShardWriter {
    folder: PathBuf,
    shard_tokens: usize,
    tokens: Vec<i32>,
    starts: Vec<i32>,
    bytes: Vec<i32>,
    report: Report,
    files: BTreeMap<String, Output>,
}

impl ShardWriter {
    /// Begins in a folder. A report that is there goes first: without it, no shard is believed; then
    /// the shards, which are none of ours.
    ///
    /// # Errors
    /// Where the folder cannot be made or cleared.
    pub fn create(
        folder: &Path,
        shard_tokens: usize,
        tokenizer_sha256: &str,
    ) -> Result<Self, Error> {
        let clear = || {
            fs::create_dir_all(folder)?;
            let mut old = vec![folder.join("report.json")];
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.extension().is_some_and(|ending| ending == "safetensors") {
                    old.push(path);
                }
            }
            old.into_iter().filter(|path| path.exists()).try_for_each(fs::remove_file)
        };
        clear().map_err(at(folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            shard_tokens,
            tokens: Vec::new(),
            starts: Vec::new(),
            bytes: Vec::new(),
            report: Report { tokenizer_sha256: tokenizer_sha256.to_owned(), ..Report::default() },
            files: BTreeMap::new(),
        })
    }

    /// Adds a document. One that has no room in the shard begins the next.
    ///
    /// # Errors
    /// Where a shard cannot be written.
    pub fn add(&mut self, tokens: &[u32], n_bytes: u32) -> Result<(), Error> {
        if !self.bytes.is_empty() && self.tokens.len() + tokens.len() > self.shard_tokens {
            self.close_shard()?;
        }
        self.starts.push(self.tokens.len() as i32);
        self.tokens.extend(tokens.iter().map(|&id| id as i32));
        self.bytes.push(n_bytes as i32);
        self.report.n_documents += 1;
        self.report.n_tokens += tokens.len();
        self.report.n_trained += tokens.len();
        self.report.n_bytes += n_bytes as usize;
        Ok(())
    }

    /// Ends the last shard, writes the report, and gives it with the names of all files.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn finish(mut self) -> Result<(Report, BTreeMap<String, Output>), Error> {
        self.close_shard()?;
        let text = serde_json::to_string_pretty(&self.report).expect("a report is plain data");
        let name = "report.json";
        let output =
            written_aside(&self.folder.join(name), |file| file.write_all(text.as_bytes()))?;
        self.files.insert(name.to_owned(), output);
        Ok((self.report, self.files))
    }

    fn close_shard(&mut self) -> Result<(), Error> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        self.starts.push(self.tokens.len() as i32);
        let tensors = [("tokens", &self.tokens), ("starts", &self.starts), ("bytes", &self.bytes)];
        let tensors = tensors.map(|(name, values)| {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, values.len(), bytes)
        });
        let mut hasher = Sha256::new();
        for (name, len, bytes) in &tensors {
            hasher.update(name);
            hasher.update((*len as u64).to_le_bytes());
            hasher.update(bytes);
        }
        let views = tensors.iter().map(|(name, len, bytes)| {
            let view = TensorView::new(Dtype::I32, vec![*len], bytes);
            (*name, view.expect("a list of i32 has four bytes a number"))
        });
        let name = format!("{:04}.safetensors", self.report.sha256.len());
        let path = self.folder.join(&name);
        let whole = serialize(views, None)
            .map_err(|error| Error::Table { path: path.clone(), problem: error.to_string() })?;
        let output = written_aside(&path, |file| file.write_all(&whole))?;
        self.files.insert(name, output);
        self.report.sha256.push(hex(hasher));
        self.tokens.clear();
        self.starts.clear();
        self.bytes.clear();
        Ok(())
    }
}
