//! Token shards: documents tokenised once and laid end to end in safetensors files, which later
//! runs map.
//!
//! A shard holds `tokens` (`i32 [N]`), and per document `starts` (`i32 [M + 1]`, the last one
//! being `N`) and `bytes` (`i32 [M]`, of its text that is learned from, in UTF-8). A text is the
//! beginning-of-text token, its text, and the end-of-text token. A shard of conversations also
//! holds `trained` (`i32 [2 K]`): where each run of tokens that is learned from begins and ends.

use std::fs;
use std::path::{Path, PathBuf};

use hadal_model::{read_safetensors, write_safetensors};
use hadal_tensor::{DType, Tensor};
use sha2::{Digest, Sha256};

use crate::error::{Error, at};
use crate::manifest::hex;
use crate::pack::PackReport;

/// The shards of one set of documents, mapped.
#[derive(Default)]
pub struct Shards {
    shards: Vec<Shard>,
}

impl Shards {
    /// Opens the shards in `folder` and checks them against the hashes in its report.
    ///
    /// # Errors
    /// When there is no report, or a shard is damaged, missing, or not in the report.
    pub fn open(folder: &Path) -> Result<Shards, Error> {
        let path = folder.join("report.json");
        match PackReport::read(folder) {
            Some(report) => Shards::verified(folder, &report.sha256),
            None => Err(Error::Shard { path, reason: "it is no report of packing".to_owned() }),
        }
    }

    /// Opens one file as a shard, with no hash to check it against.
    ///
    /// # Errors
    /// When it cannot be read, or is not a shard.
    pub fn of_file(path: &Path) -> Result<Shards, Error> {
        Ok(Shards { shards: vec![Shard::open(path)?] })
    }

    /// Opens the shards whose hashes are given, in order.
    pub(crate) fn verified(folder: &Path, sha256: &[String]) -> Result<Shards, Error> {
        let wrong = |path: PathBuf, reason: &str| Error::Shard { path, reason: reason.to_owned() };
        let mut shards = Vec::new();
        for (index, expected) in sha256.iter().enumerate() {
            let path = shard_path(folder, index);
            if !path.is_file() {
                return Err(wrong(path, "it is missing"));
            }
            let shard = Shard::open(&path)?;
            if shard.sha256() != *expected {
                return Err(wrong(path, "its tokens are not those that were written"));
            }
            shards.push(shard);
        }
        match list_shards(folder)?.into_iter().find(|path| !is_one_of(path, sha256.len())) {
            Some(extra) => Err(wrong(extra, "the report beside it does not know it")),
            None => Ok(Shards { shards }),
        }
    }

    /// Adds the documents of another set behind those of this one.
    pub(crate) fn extend(&mut self, other: Shards) {
        self.shards.extend(other.shards);
    }

    /// All tokens.
    pub fn n_tokens(&self) -> usize {
        self.shards.iter().map(|shard| shard.tokens.len()).sum()
    }

    /// All documents.
    pub fn n_documents(&self) -> usize {
        self.shards.iter().map(Shard::n_documents).sum()
    }

    /// Whether they hold conversations, of which only a part is learned from.
    pub fn are_conversations(&self) -> bool {
        self.shards.iter().any(|shard| shard.trained.is_some())
    }

    /// Windows of `length` tokens and the token after them, side by side.
    pub fn n_windows(&self, length: usize) -> usize {
        self.shards.iter().map(|shard| shard.n_windows(length)).sum()
    }

    /// Window `index` and the token after it, with the places among them where documents begin.
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
            let bytes = shard.bytes.as_slice::<i32>().iter();
            bytes.enumerate().map(|(index, &bytes)| (shard.document(index), bytes as usize))
        })
    }

    /// Document `index`: its tokens but the last, and what should follow each: the next token, or
    /// -1 where that is not learned from.
    ///
    /// # Panics
    /// When there is no such document.
    pub fn document(&self, mut index: usize) -> (&[i32], Vec<i32>) {
        for shard in &self.shards {
            if index < shard.n_documents() {
                let tokens = shard.document(index);
                return (&tokens[..tokens.len().saturating_sub(1)], shard.targets(index));
            }
            index -= shard.n_documents();
        }
        panic!("there is no such document");
    }
}

/// One file of tokens.
pub(crate) struct Shard {
    tokens: Tensor,
    starts: Tensor,
    bytes: Tensor,
    trained: Option<Tensor>,
}

impl Shard {
    pub(crate) fn new(
        tokens: &[i32],
        starts: &[i32],
        bytes: &[i32],
        trained: Option<&[i32]>,
    ) -> Shard {
        let list = |values: &[i32]| Tensor::from_slice(values, &[values.len()]);
        let trained = trained.map(list);
        Shard { tokens: list(tokens), starts: list(starts), bytes: list(bytes), trained }
    }

    fn open(path: &Path) -> Result<Shard, Error> {
        let wrong = |reason: String| Error::Shard { path: path.to_path_buf(), reason };
        let mut tensors = read_safetensors(path).map_err(|error| wrong(error.to_string()))?;
        let mut take = |name: &str| match tensors.remove(name) {
            Some(tensor) if tensor.dtype() != DType::I32 || tensor.dims().len() != 1 => {
                Err(wrong(format!("`{name}` is not a list of i32")))
            }
            tensor => Ok(tensor),
        };
        let trained = take("trained")?;
        let mut take = |name: &str| take(name)?.ok_or_else(|| wrong(format!("it has no `{name}`")));
        let (tokens, starts, bytes) = (take("tokens")?, take("starts")?, take("bytes")?);
        let shard = Shard { tokens, starts, bytes, trained };
        let starts = shard.starts.as_slice::<i32>();
        let is_cut_whole = starts.first() == Some(&0)
            && starts.last().map(|last| *last as usize) == Some(shard.tokens.len())
            && starts.is_sorted()
            && starts.len() == shard.bytes.len() + 1;
        if !is_cut_whole {
            return Err(wrong("its documents do not cover its tokens".to_owned()));
        }
        let ends = shard.trained.as_ref().map_or(&[][..], |trained| trained.as_slice::<i32>());
        let lie_within = ends.is_sorted()
            && ends.len().is_multiple_of(2)
            && ends.first().is_none_or(|first| *first >= 0)
            && ends.last().is_none_or(|last| *last as usize <= shard.tokens.len());
        if lie_within { Ok(shard) } else { Err(wrong("`trained` are not runs of tokens".into())) }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let named = self.named().map(|(name, tensor)| (name.to_owned(), tensor.clone()));
        Ok(write_safetensors(path, &named.collect::<Vec<_>>())?)
    }

    /// The hash of its tensors: their names, lengths and values.
    pub(crate) fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for (name, tensor) in self.named() {
            hasher.update(name);
            hasher.update((tensor.len() as u64).to_le_bytes());
            hasher.update(tensor.packed_row(0));
        }
        hex(&hasher.finalize())
    }

    fn named(&self) -> impl Iterator<Item = (&'static str, &Tensor)> {
        let known = [("tokens", &self.tokens), ("starts", &self.starts), ("bytes", &self.bytes)];
        known.into_iter().chain(self.trained.as_ref().map(|trained| ("trained", trained)))
    }

    fn n_documents(&self) -> usize {
        self.bytes.len()
    }

    fn document(&self, index: usize) -> &[i32] {
        let starts = self.starts.as_slice::<i32>();
        &self.tokens.as_slice()[starts[index] as usize..starts[index + 1] as usize]
    }

    /// What should follow each token of a document but its last.
    fn targets(&self, index: usize) -> Vec<i32> {
        let tokens = self.document(index);
        let Some(trained) = &self.trained else {
            return tokens.iter().skip(1).copied().collect();
        };
        let start = self.starts.as_slice::<i32>()[index] as usize;
        let ends = trained.as_slice::<i32>();
        let first = ends.partition_point(|&end| end as usize <= start) / 2;
        let mut targets = vec![-1; tokens.len().saturating_sub(1)];
        for run in ends[2 * first..].chunks_exact(2) {
            let run = run[0] as usize..run[1] as usize;
            if run.start >= start + tokens.len() {
                break;
            }
            // The first token of a document follows nothing that the model sees.
            let within = run.start.max(start + 1)..run.end.min(start + tokens.len());
            for at in within {
                targets[at - start - 1] = tokens[at - start];
            }
        }
        targets
    }

    fn n_windows(&self, length: usize) -> usize {
        self.tokens.len().saturating_sub(1) / length
    }

    fn window(&self, start: usize, length: usize) -> (&[i32], Vec<usize>) {
        let starts = self.starts.as_slice::<i32>();
        let first = starts.partition_point(|&s| (s as usize) < start);
        let within =
            starts[first..].iter().map(|&s| s as usize).take_while(|&s| s <= start + length);
        let begins = within.map(|s| s - start).collect();
        (&self.tokens.as_slice()[start..start + length + 1], begins)
    }
}

/// Where shard `index` of a folder lies.
pub(crate) fn shard_path(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("{index:04}.safetensors"))
}

/// Everything in a folder that could be taken for a shard.
pub(crate) fn list_shards(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether a path is that of one of the first `n` shards of its folder.
fn is_one_of(path: &Path, n: usize) -> bool {
    let folder = path.parent().unwrap_or(Path::new(""));
    (0..n).any(|index| shard_path(folder, index) == path)
}
