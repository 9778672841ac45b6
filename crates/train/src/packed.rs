//! Folders of token shards that `hadal corpus` has packed: opened where they lie.

use std::path::PathBuf;

use hadal_tokenizer::Tokenizer;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::manifest::hex;
use crate::pack::PackReport;
use crate::shards::Shards;

/// Opens the shards of `folders`, one after the other, with the sum of their reports.
///
/// # Errors
/// When a folder holds no shards, they are damaged, or another tokenizer made them.
pub(crate) fn open(
    folders: &[PathBuf],
    tokenizer: &Tokenizer,
) -> Result<(Shards, PackReport), Error> {
    // Whose tokens they are is known long before their hashes are.
    let report = reports(folders, tokenizer)?;
    let mut all = Shards::default();
    for folder in folders {
        all.extend(Shards::open(folder)?);
    }
    Ok((all, report))
}

/// The sum of the reports of `folders`.
///
/// # Errors
/// When a folder has none, or another tokenizer made its shards.
pub(crate) fn reports(folders: &[PathBuf], tokenizer: &Tokenizer) -> Result<PackReport, Error> {
    let sha256 = hex(&Sha256::digest(tokenizer.definition()?));
    let mut sum = PackReport::default();
    for folder in folders {
        let wrong = |reason: &str| Error::Shard {
            path: folder.join("report.json"),
            reason: reason.to_owned(),
        };
        let report = PackReport::read(folder).ok_or_else(|| wrong("it is no report of packing"))?;
        if report.tokenizer_sha256.as_ref() != Some(&sha256) {
            return Err(wrong("its tokens are not those of this run's tokenizer"));
        }
        sum.add(report);
    }
    Ok(sum)
}
