//! Checkpoints: Hugging Face folders that also hold what a run needs to go on.
//!
//! A checkpoint is `checkpoint-STEP/` with `config.json`, `model.safetensors` (bf16), the
//! tokenizer's files, and `training.safetensors` (weights and moments in f32) with `training.json`.
//! It is written as `checkpoint-STEP.partial/` and renamed when all of it is on disk.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hadal_model::{Config, read_safetensors, write_safetensors};
use hadal_tensor::{DType, Differentiable, HostBuffer, Q8_BLOCK, Tensor, quantise_q8_0};
use hadal_tokenizer::Tokenizer;
use half::{bf16, f16};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::{Error, at};
use crate::optimiser::TrainedWeights;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Steps done.
    pub(crate) step: u32,
    /// The recipe's seed, which decides the order of the data.
    pub(crate) seed: u64,
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
    fs::create_dir_all(folder).map_err(at(folder))?;
    let stored: Vec<(String, Tensor)> = weights
        .iter()
        .map(|(name, weight)| (name.clone(), convert(weight, stored_as(name, weight, dtype))))
        .collect();
    write_safetensors(&folder.join("model.safetensors"), &stored)?;
    tokenizer.save(folder)?;
    let mut config = config.json_stored_as(dtype);
    let model_type = config["model_type"].as_str().unwrap_or_default().to_owned();
    let architecture = match model_type.as_str() {
        "deepseek_v2" => "DeepseekV2ForCausalLM",
        "deepseek_v3" => "DeepseekV3ForCausalLM",
        _ => "DeepseekForCausalLM",
    };
    config["architectures"] = json!([architecture]);
    config["torch_dtype"] = json!(match dtype {
        DType::Bf16 | DType::Q8_0 => "bfloat16",
        DType::F16 => "float16",
        _ => "float32",
    });
    let text = serde_json::to_string_pretty(&config).expect("JSON prints");
    write(&folder.join("config.json"), text.as_bytes())
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
    device: &dyn Differentiable,
) -> Result<(TrainedWeights, Progress), Error> {
    let wrong = |reason: String| Error::Checkpoint { folder: folder.to_path_buf(), reason };
    let path = folder.join("training.json");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let progress = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let tensors: HashMap<String, Tensor> = read_safetensors(&folder.join("training.safetensors"))?;
    let weights = TrainedWeights::restore(config.clone(), device, |name, dims| {
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
