//! The weights that a run begins with: fresh, or those of another model.

use std::collections::BTreeSet;
use std::path::Path;

use hadal_model::{Config, Parameter, initialise, parameters, read_weights};
use hadal_tensor::Tensor;

use crate::error::Error;

/// The weights of the model in the Hugging Face folder `folder`, widened to `f32`, for a run of
/// `config`. Layers beyond the model's own — the modules that predict further tokens — are fresh by
/// `seed` where the folder does not have them.
///
/// # Errors
/// When the folder cannot be read, or a tensor differs in name or shape.
pub fn weights_from(
    folder: &Path,
    config: &Config,
    seed: u64,
) -> Result<Vec<(Parameter, Tensor)>, Error> {
    let wrong = |reason: String| Error::InitialWeights { folder: folder.to_path_buf(), reason };
    let wanted = parameters(config);
    let their_config = Config::read(folder)?;
    let (ours, theirs) = (own_names(config), own_names(&their_config));
    if let Some(name) = theirs.iter().find(|name| !ours.contains(*name)) {
        return Err(wrong(format!("it has `{name}`, which the recipe's model has not")));
    }
    if let Some(name) = ours.iter().find(|name| !theirs.contains(*name)) {
        return Err(wrong(format!("it has no `{name}`, which the recipe's model has")));
    }
    let tensors = read_weights(folder, their_config.packed)?;
    let mut fresh = None;
    wanted
        .into_iter()
        .map(|parameter| {
            let Parameter { name, dims } = &parameter;
            match tensors.get(name) {
                Some(tensor) if tensor.dims() != dims => {
                    let found = tensor.dims();
                    Err(wrong(format!("`{name}` is {found:?}, in the recipe's model {dims:?}")))
                }
                Some(tensor) => {
                    let weight = Tensor::from_slice(&tensor.to_f32_vec(), dims);
                    Ok((parameter, weight))
                }
                None if !ours.contains(name) => {
                    let fresh = fresh.get_or_insert_with(|| initialise(config, seed));
                    let found = fresh.iter().find(|(other, _)| *other == parameter);
                    Ok(found.expect("the configuration is the same").clone())
                }
                None => Err(wrong(format!("its weights have no `{name}`"))),
            }
        })
        .collect()
}

/// The names of all tensors but those of layers beyond the model's own.
fn own_names(config: &Config) -> BTreeSet<String> {
    let is_own = |parameter: &Parameter| parameter.layer().is_none_or(|l| l < config.n_layers);
    parameters(config).into_iter().filter(is_own).map(|parameter| parameter.name).collect()
}
