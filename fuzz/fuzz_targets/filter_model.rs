//! Any bytes as a trained filter: an error, or a model that scores any text between 0 and 1 and is
//! read again once written.
#![no_main]

use hadal_corpus::filter::classifier::Model;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = Model::from_bytes(bytes) {
        let score = model.score("The deepest part of the sea, 深海");
        assert!((0.0..=1.0).contains(&score));
        assert!(Model::from_bytes(&model.to_bytes()).is_ok());
    }
});
