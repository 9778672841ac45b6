//! What of a recipe may not change while its run lasts.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;

/// Keys, or tables of keys, that may change when a run goes on. All others decide what the saved
/// weights, moments and position in the data mean.
const FREE: [&str; 12] = [
    "precision",
    "objective",
    "schedule",
    "router",
    "output",
    "data.validation",
    "optimiser.beta1",
    "optimiser.beta2",
    "optimiser.epsilon",
    "optimiser.weight_decay",
    "optimiser.clip",
    "optimiser.momentum",
];

/// The keys of a recipe that last, each with its value, defaults included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lasting(BTreeMap<String, Value>);

impl Lasting {
    /// Of a recipe as it is written: its paths are still relative to its folder, so that the whole
    /// may be moved.
    pub(crate) fn of(recipe: &Value) -> Lasting {
        let mut lasting = Lasting::default();
        lasting.gather(String::new(), recipe);
        lasting
    }

    fn gather(&mut self, key: String, value: &Value) {
        if FREE.contains(&key.as_str()) {
            return;
        }
        let Value::Object(table) = value else {
            self.0.insert(key, value.clone());
            return;
        };
        for (name, value) in table {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            self.gather(key, value);
        }
    }

    /// Compares what a checkpoint was made with, which is `self`, with the recipe of today.
    ///
    /// # Errors
    /// Names the first key that changed.
    pub(crate) fn check(&self, today: &Lasting, checkpoint: &Path) -> Result<(), Error> {
        let said = |value: Option<&Value>| value.map_or("not given".to_owned(), Value::to_string);
        let keys = self.0.keys().chain(today.0.keys());
        let mut changed = keys.filter(|key| self.0.get(*key) != today.0.get(*key));
        changed.next().map_or(Ok(()), |key| {
            Err(Error::RecipeChanged {
                folder: checkpoint.to_path_buf(),
                key: key.clone(),
                was: said(self.0.get(key)),
                is: said(today.0.get(key)),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_lasts_is_compared_and_what_is_free_is_not() {
        let check = |today: Value, expected: Option<&str>| {
            let was = Lasting::of(&json!({
                "seed": 7, "model": {"hidden_size": 32, "rope_scaling": {"factor": 4}},
                "optimiser": {"beta1": 0.9}, "schedule": {"steps": 10},
            }));
            let found = was.check(&Lasting::of(&today), Path::new("c")).err();
            let found = found.map(|error| error.to_string());
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            if let (Some(found), Some(expected)) = (found, expected) {
                assert!(found.contains(expected), "{found}");
            }
        };
        let model = json!({"hidden_size": 32, "rope_scaling": {"factor": 4}});
        check(json!({"seed": 7, "model": model, "optimiser": {"beta1": 0.8}}), None);
        check(json!({"seed": 8, "model": model}), Some("`seed` was 7"));
        let other = json!({"hidden_size": 32, "rope_scaling": {"factor": 8}});
        check(json!({"seed": 7, "model": other}), Some("`model.rope_scaling.factor` was 4"));
        let more = json!({"seed": 7, "model": model, "batch": {"length": 9}});
        check(more, Some("`batch.length` was not given"));
    }
}
