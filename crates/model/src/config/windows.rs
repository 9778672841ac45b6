//! Sliding windows, and what of them a configuration may say.

use crate::error::Error;
use crate::keys::Keys;

use super::family::{Family, WindowFamily};

/// Layers below which Qwen's windows are not used, where the configuration does not say.
const MAX_WINDOW_LAYERS: usize = 28;

/// Reads `layer_types` and `sliding_window`, as transformers writes them: how many newest keys each
/// layer sees.
pub(super) fn windows(
    keys: &mut Keys,
    family: &Family,
    n_layers: usize,
) -> Result<Vec<Option<usize>>, Error> {
    let window = keys.size_if_given("sliding_window")?;
    let (window, first) = match family.windows {
        WindowFamily::Listed => (window, None),
        WindowFamily::UpperLayers | WindowFamily::AllLayers => {
            let is_used = keys.flag_or("use_sliding_window", false)?;
            let upper = keys.count_or("max_window_layers", MAX_WINDOW_LAYERS)?;
            let first = if family.windows == WindowFamily::AllLayers { 0 } else { upper };
            (window.filter(|_| is_used), Some(first))
        }
    };
    let Some(types) = keys.words("layer_types")? else {
        return match (window, first) {
            (None, _) => Ok(vec![None; n_layers]),
            (Some(_), Some(first)) => {
                Ok((0..n_layers).map(|layer| window.filter(|_| layer >= first)).collect())
            }
            (Some(window), None) => Err(keys.bad(
                "sliding_window",
                window,
                "layer_types beside it, which says the layers it holds for",
            )),
        };
    };
    if types.len() != n_layers {
        let expected = format!("one entry for each of the {n_layers} layers");
        return Err(keys.bad("layer_types", format!("{} entries", types.len()), expected));
    }
    types
        .iter()
        .map(|kind| match (kind.as_str(), window) {
            ("full_attention", _) => Ok(None),
            ("sliding_attention", Some(window)) => Ok(Some(window)),
            ("sliding_attention", None) => Err(Error::MissingKey {
                key: "sliding_window".to_owned(),
                expected: "the number of keys that the sliding layers see".to_owned(),
            }),
            (other, _) => {
                let expected = "full_attention or sliding_attention";
                Err(keys.bad("layer_types", format!("{other:?}"), expected))
            }
        })
        .collect()
}
