//! The mean of several checkpoints' weights, which often predicts better than each of them
//! (Izmailov et al. 2018).

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hadal_model::{Checkpoint, Config, parameters, read_safetensors};
use hadal_tensor::{DType, Tensor};
use hadal_tokenizer::Tokenizer;

use crate::checkpoint::save_model;
use crate::error::{Error, at};
use crate::manifest::Manifest;

/// Writes the mean of the weights of `folders` to a new Hugging Face folder `out`, with the
/// configuration and the tokenizer of the first, its matrices in bf16. A checkpoint of a run gives
/// its f32 weights, any other folder those of its model.
///
/// # Errors
/// When `out` is there already, a folder cannot be read or is damaged, or the shapes of its
/// tensors are not those of the first.
///
/// # Panics
/// When there are no folders.
pub fn average_checkpoints(folders: &[PathBuf], out: &Path) -> Result<(), Error> {
    if out.exists() {
        return Err(at(out)(ErrorKind::AlreadyExists.into()));
    }
    let first = folders.first().expect("a mean is of something");
    let path = first.join("config.json");
    let config = Config::from_json(&fs::read_to_string(&path).map_err(at(&path))?)?;
    let tokenizer = Tokenizer::from_folder(first)?;
    let sources = folders.iter().map(|folder| Weights::open(folder));
    let sources = sources.collect::<Result<Vec<_>, _>>()?;
    let mut means = Vec::new();
    for parameter in parameters(&config) {
        let mut sums = vec![0.0; parameter.dims.iter().product()];
        for (source, folder) in sources.iter().zip(folders) {
            let differs = |reason: String| {
                let (folder, first) = (folder.clone(), first.clone());
                Error::Average { folder, first, reason }
            };
            let name = &parameter.name;
            let tensor = source.get(name).ok_or_else(|| differs(format!("it has no `{name}`")))?;
            let (found, expected) = (tensor.dims(), &parameter.dims);
            if found != expected {
                return Err(differs(format!("`{name}` is {found:?} here and {expected:?} there")));
            }
            for (sum, value) in sums.iter_mut().zip(tensor.to_f32_vec()) {
                *sum += f64::from(value);
            }
        }
        let n = folders.len() as f64;
        let mean: Vec<f32> = sums.into_iter().map(|sum| (sum / n) as f32).collect();
        means.push((parameter.name, Tensor::from_slice(&mean, &parameter.dims)));
    }
    save_model(out, &config, &means, DType::Bf16, &tokenizer)
}

/// The weights of one folder.
enum Weights {
    /// Of a run, in f32.
    Training(HashMap<String, Tensor>),
    /// Of a model, as they are stored.
    Model(Box<Checkpoint>),
}

impl Weights {
    fn open(folder: &Path) -> Result<Weights, Error> {
        if Manifest::is_in(folder) {
            Manifest::verify(folder)?;
        }
        let training = folder.join("training.safetensors");
        if training.exists() {
            return Ok(Weights::Training(read_safetensors(&training)?));
        }
        Ok(Weights::Model(Box::new(Checkpoint::open(folder)?)))
    }

    fn get(&self, name: &str) -> Option<&Tensor> {
        match self {
            Weights::Training(tensors) => tensors.get(name),
            Weights::Model(checkpoint) => checkpoint.tensor(name),
        }
    }
}
