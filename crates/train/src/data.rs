//! The packed documents of a run.

use std::path::{Path, PathBuf};

use hadal_tokenizer::Tokenizer;

use crate::checkpoint::Progress;
use crate::error::Error;
use crate::pack::{PackReport, PackSpec, Packed, pack};
use crate::recipe::Recipe;
use crate::shards::Shards;

/// What a run learns from and is measured on.
pub(crate) struct Data {
    pub(crate) train: (Shards, PackReport),
    pub(crate) validation: (Shards, PackReport),
    /// Folders whose shards were packed again, and why.
    pub(crate) repacked: Vec<(PathBuf, String)>,
}

impl Data {
    pub(crate) fn pack(recipe: &Recipe, tokenizer: &Tokenizer) -> Result<Data, Error> {
        let spec = recipe.pack_spec();
        let mut repacked = Vec::new();
        let mut pack = |files: &[PathBuf], spec: &PackSpec, folder: &Path| {
            let Packed { shards, report, damage } = pack(files, spec, tokenizer, folder)?;
            repacked.extend(damage.map(|why| (folder.to_path_buf(), why)));
            Ok::<_, Error>((shards, report))
        };
        let folder = recipe.output.folder.join("shards");
        let train = pack(&recipe.data.train, &spec, &folder.join("train"))?;
        // Texts are measured as they are: a rearranged one is no longer the text.
        let spec = PackSpec { fill_in_the_middle: 0.0, ..spec };
        let validation = pack(&recipe.data.validation, &spec, &folder.join("validation"))?;
        Ok(Data { train, validation, repacked })
    }

    /// Refuses documents that are not those a checkpoint was made with: its place in them would be
    /// another.
    pub(crate) fn check_same(&self, progress: &Progress, folder: &Path) -> Result<(), Error> {
        let (was, is) = (progress.n_tokens, self.train.0.n_tokens());
        if was == is {
            return Ok(());
        }
        let reason = format!("its data.train held {was} tokens, and now holds {is}");
        Err(Error::Checkpoint { folder: folder.to_path_buf(), reason })
    }
}
