//! The packed documents of a run.

use std::path::{Path, PathBuf};

use hadal_tokenizer::Tokenizer;

use crate::error::Error;
use crate::pack::{DocumentFilter, PackReport, PackSpec, Packed, pack};
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
        let spec = PackSpec {
            filter: DocumentFilter {
                licences: recipe.data.licences.clone(),
                exclude_sources: recipe.data.exclude_sources.clone(),
            },
            format: recipe.data.format,
            fill_in_the_middle: recipe.data.fill_in_the_middle,
            seed: recipe.seed,
        };
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
}
