//! Checkpoints: Hugging Face folders that also hold what a run needs to go on.
//!
//! A checkpoint is `checkpoint-STEP/` with `config.json`, `model.safetensors` (bf16), the
//! tokenizer's files, and `training.safetensors` (weights and moments in f32) with `training.json`;
//! `manifest.json`, written last, has the sums of them all. It is written as
//! `checkpoint-STEP.partial/` and renamed when all of it is on disk. A checkpoint that is removed
//! takes that name first, so that what is called `checkpoint-STEP` is whole at every moment.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hadal_model::{Config, read_safetensors, safetensors_bytes};
use hadal_tensor::{DType, Differentiable, HostBuffer, Q8_BLOCK, Tensor, quantise_q8_0};
use hadal_tokenizer::Tokenizer;
use half::{bf16, f16};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::{Error, at};
use crate::health::RouterLoads;
use crate::lasting::Lasting;
use crate::manifest::{Manifest, sync_folder};
use crate::optimiser::{Method, TrainedWeights};

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Steps done. With the recipe's seed and the documents they decide the place in the data.
    pub(crate) step: u32,
    /// Tokens of the training documents.
    pub(crate) n_tokens: usize,
    /// What the recipe may not change.
    pub(crate) recipe: Lasting,
    /// The loads that have not been told yet.
    pub(crate) loads: RouterLoads,
}

impl Progress {
    /// Reads how far the run of a checkpoint had come.
    pub(crate) fn read(folder: &Path) -> Result<Progress, Error> {
        let path = folder.join("training.json");
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        serde_json::from_str(&text)
            .map_err(|error| Error::Damaged { path, reason: error.to_string() })
    }
}

/// Writes a Hugging Face folder: configuration, weights, tokenizer. Matrices are stored as `dtype`;
/// vectors stay as they are, for the router's bias must be `f32`. Of a packed format are only
/// matrices whose rows are whole blocks, and no router, whose small differences decide; the others
/// are `bf16`, and `config.json` names the format.
///
/// # Errors
/// When a file cannot be written.
pub fn save_model(
    folder: &Path,
    config: &Config,
    weights: &[(String, Tensor)],
    dtype: DType,
    tokenizer: &Tokenizer,
) -> Result<(), Error> {
    write_model(folder, &mut Manifest::default(), config, weights, dtype, tokenizer)
}

/// As [`save_model`]; `files` takes the files in.
fn write_model(
    folder: &Path,
    files: &mut Manifest,
    config: &Config,
    weights: &[(String, Tensor)],
    dtype: DType,
    tokenizer: &Tokenizer,
) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let stored: Vec<(String, Tensor)> = weights
        .iter()
        .map(|(name, weight)| (name.clone(), convert(weight, stored_as(name, weight, dtype))))
        .collect();
    files.write(folder, "model.safetensors", &safetensors_bytes(&stored))?;
    tokenizer.save(folder)?;
    let architecture = config.model_type.architecture();
    let mut config = config.json_stored_as(dtype);
    config["architectures"] = json!([architecture]);
    config["torch_dtype"] = json!(match dtype {
        DType::Bf16 | DType::Q8_0 => "bfloat16",
        DType::F16 => "float16",
        _ => "float32",
    });
    let text = serde_json::to_string_pretty(&config).expect("JSON prints");
    files.write(folder, "config.json", text.as_bytes())
}

/// The format of one tensor in a model whose matrices are stored as `dtype`.
fn stored_as(name: &str, weight: &Tensor, dtype: DType) -> DType {
    let is_router = name.ends_with("mlp.gate.weight");
    if weight.dims().len() < 2 {
        weight.dtype()
    } else if dtype == DType::Q8_0 && (is_router || !weight.cols().is_multiple_of(Q8_BLOCK)) {
        DType::Bf16
    } else {
        dtype
    }
}

/// The same numbers as `dtype`, rounded to nearest.
fn convert(weight: &Tensor, dtype: DType) -> Tensor {
    if weight.dtype() == dtype {
        return weight.clone();
    }
    let (values, dims) = (weight.to_f32_vec(), weight.dims());
    match dtype {
        DType::F32 => Tensor::from_slice(&values, dims),
        DType::Bf16 => {
            let values: Vec<bf16> = values.into_iter().map(bf16::from_f32).collect();
            Tensor::from_slice(&values, dims)
        }
        DType::F16 => {
            let values: Vec<f16> = values.into_iter().map(f16::from_f32).collect();
            Tensor::from_slice(&values, dims)
        }
        DType::I32 => {
            let values: Vec<i32> = values.into_iter().map(|x| x.round() as i32).collect();
            Tensor::from_slice(&values, dims)
        }
        DType::Q8_0 => {
            // Each row is whole blocks, so that all of them are packed as one.
            let memory = Arc::new(HostBuffer::from_bytes(&quantise_q8_0(&values)));
            Tensor::from_memory(memory, 0, DType::Q8_0, dims)
        }
        other => panic!("weights are stored plain or in q8_0, not in {}", other.name()),
    }
}

/// Writes a checkpoint and removes those beyond the newest `keep`.
pub(crate) fn save(
    run_folder: &Path,
    (config, tokenizer): (&Config, &Tokenizer),
    device: &dyn Differentiable,
    weights: &TrainedWeights,
    progress: &Progress,
    keep: usize,
) -> Result<PathBuf, Error> {
    let folder = run_folder.join(format!("checkpoint-{:07}", progress.step));
    let partial = folder.with_extension("partial");
    let mut named = weights.named(device);
    let mut write_all = || {
        let mut files = Manifest::default();
        let kept = weights.named_averaged(device);
        write_model(&partial, &mut files, config, &kept, DType::Bf16, tokenizer)?;
        named.extend(weights.named_moments(device));
        files.write(&partial, "training.safetensors", &safetensors_bytes(&named))?;
        let text = serde_json::to_string_pretty(progress).expect("progress is plain data");
        files.write(&partial, "training.json", text.as_bytes())?;
        files.adopt_others(&partial)?;
        files.close(&partial)?;
        fs::rename(&partial, &folder).map_err(at(&folder))?;
        // The rename itself must reach the disk before older checkpoints go.
        sync_folder(run_folder)
    };
    if let Err(error) = write_all() {
        // What cannot be finished is of no use; failing to remove it is not a second error.
        let _ = fs::remove_dir_all(&partial);
        return Err(error);
    }
    let mut all = list_checkpoints(run_folder)?;
    all.truncate(all.len().saturating_sub(keep));
    for old in all {
        let partial = old.with_extension("partial");
        fs::rename(&old, &partial).map_err(at(&old))?;
        fs::remove_dir_all(&partial).map_err(at(&partial))?;
    }
    Ok(folder)
}

/// The finished checkpoints in a run's folder, oldest first.
///
/// # Errors
/// When the folder cannot be read.
pub fn list_checkpoints(run_folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(run_folder).map_err(at(run_folder))? {
        let path = entry.map_err(at(run_folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let step = name.strip_prefix("checkpoint-").and_then(|step| step.parse::<u32>().ok());
        found.extend(step.map(|step| (step, path)));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Compares every file of a checkpoint with what was written.
///
/// # Errors
/// Names the first file that is damaged.
pub fn verify_checkpoint(folder: &Path) -> Result<(), Error> {
    Manifest::verify(folder)
}

/// Reads the weights and moments of a checkpoint back.
pub(crate) fn load(
    folder: &Path,
    config: &Config,
    (method, averaged): (Method, bool),
    device: &dyn Differentiable,
) -> Result<TrainedWeights, Error> {
    let wrong = |reason: String| Error::Checkpoint { folder: folder.to_path_buf(), reason };
    let tensors: HashMap<String, Tensor> = read_safetensors(&folder.join("training.safetensors"))?;
    TrainedWeights::restore(config.clone(), device, (method, averaged), |name, dims| {
        let tensor = tensors.get(name).ok_or_else(|| wrong(format!("it has no `{name}`")))?;
        if tensor.dims() == dims && tensor.dtype() == DType::F32 {
            Ok(tensor.clone())
        } else {
            let found = tensor.dims();
            Err(wrong(format!("`{name}` is {found:?}, the recipe's model has {dims:?}")))
        }
    })
}
