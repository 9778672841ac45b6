//! Checkpoints: Hugging Face folders that also hold what a run needs to go on.
//!
//! A checkpoint is `checkpoint-STEP/` with `config.json`, `model.safetensors` (bf16), the
//! tokenizer's files, and `training.safetensors` (weights and moments in f32) with `training.json`.
//! It is written as `checkpoint-STEP.partial/` and renamed when all of it is on disk.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use hadal_model::{Config, read_safetensors, write_safetensors};
use hadal_tensor::{DType, Differentiable, Tensor};
use hadal_tokenizer::Tokenizer;
use half::bf16;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::{Error, at};
use crate::optimiser::{Method, TrainedWeights};

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Steps done.
    pub(crate) step: u32,
    /// The recipe's seed, which decides the order of the data.
    pub(crate) seed: u64,
}

/// Writes a Hugging Face folder: configuration, weights, tokenizer. Matrices are rounded to
/// `dtype`; vectors stay `f32`, as the router's bias must.
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
    fs::create_dir_all(folder).map_err(at(folder))?;
    let rounded: Vec<(String, Tensor)> =
        weights.iter().map(|(name, weight)| (name.clone(), round(weight, dtype))).collect();
    write_safetensors(&folder.join("model.safetensors"), &rounded)?;
    tokenizer.save(folder)?;
    let mut config = config.json.clone();
    let model_type = config["model_type"].as_str().unwrap_or_default().to_owned();
    let architecture = match model_type.as_str() {
        "deepseek_v2" => "DeepseekV2ForCausalLM",
        "deepseek_v3" => "DeepseekV3ForCausalLM",
        _ => "DeepseekForCausalLM",
    };
    config["architectures"] = json!([architecture]);
    config["torch_dtype"] = json!(match dtype {
        DType::Bf16 => "bfloat16",
        DType::F16 => "float16",
        _ => "float32",
    });
    let text = serde_json::to_string_pretty(&config).expect("JSON prints");
    write(&folder.join("config.json"), text.as_bytes())
}

fn round(weight: &Tensor, dtype: DType) -> Tensor {
    if weight.dims().len() < 2 || dtype != DType::Bf16 {
        return weight.clone();
    }
    let values: Vec<bf16> = weight.as_slice().iter().map(|x| bf16::from_f32(*x)).collect();
    Tensor::from_slice(&values, weight.dims())
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
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(at(&partial))?;
    }
    let mut named = weights.named(device);
    let mut write_all = || {
        save_model(&partial, config, &named, DType::Bf16, tokenizer)?;
        named.extend(weights.named_moments(device));
        write_safetensors(&partial.join("training.safetensors"), &named)?;
        let text = serde_json::to_string_pretty(progress).expect("progress is plain data");
        write(&partial.join("training.json"), text.as_bytes())?;
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(at(&folder))?;
        }
        fs::rename(&partial, &folder).map_err(at(&folder))?;
        // The rename itself must reach the disk before older checkpoints go.
        File::open(run_folder).and_then(|folder| folder.sync_all()).map_err(at(run_folder))
    };
    if let Err(error) = write_all() {
        // What cannot be finished is of no use; failing to remove it is not a second error.
        let _ = fs::remove_dir_all(&partial);
        return Err(error);
    }
    let mut all = list_checkpoints(run_folder)?;
    all.truncate(all.len().saturating_sub(keep));
    for old in all {
        fs::remove_dir_all(&old).map_err(at(&old))?;
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

/// Reads a checkpoint back.
pub(crate) fn load(
    folder: &Path,
    config: &Config,
    method: Method,
    device: &dyn Differentiable,
) -> Result<(TrainedWeights, Progress), Error> {
    let wrong = |reason: String| Error::Checkpoint { folder: folder.to_path_buf(), reason };
    let path = folder.join("training.json");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let progress = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let tensors: HashMap<String, Tensor> = read_safetensors(&folder.join("training.safetensors"))?;
    let weights = TrainedWeights::restore(config.clone(), device, method, |name, dims| {
        let tensor = tensors.get(name).ok_or_else(|| wrong(format!("it has no `{name}`")))?;
        if tensor.dims() == dims && tensor.dtype() == DType::F32 {
            Ok(tensor.clone())
        } else {
            let found = tensor.dims();
            Err(wrong(format!("`{name}` is {found:?}, the recipe's model has {dims:?}")))
        }
    })?;
    Ok((weights, progress))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || {
        let mut file = File::create(path)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()
    };
    write().map_err(at(path))
}
