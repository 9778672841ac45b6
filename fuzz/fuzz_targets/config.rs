//! Any text as `config.json`: an error or a configuration, never a panic.
#![no_main]

use hadal_model::{Config, Size};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(config) = Config::from_json(text) {
        // Counting every tensor of an absurdly large model is slow and finds nothing.
        let n_experts = config.mixture.as_ref().map_or(1, |mixture| mixture.router.n_experts);
        if config.n_layers.saturating_mul(n_experts) < 10_000 {
            let _ = Size::of(&config);
        }
    }
});
