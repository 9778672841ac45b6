//! Any text as a recipe: an error or a recipe, never a panic.
#![no_main]

use hadal_train::Recipe;
use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|text: &str| {
    let _ = Recipe::parse(text, Path::new("recipe.toml"));
});
