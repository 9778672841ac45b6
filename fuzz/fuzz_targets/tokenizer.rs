//! Any bytes as `tokenizer.json` beside any as `tokenizer_config.json`.
#![no_main]

use hadal_tokenizer::Tokenizer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| {
    if let Ok(tokenizer) = Tokenizer::from_bytes(input.0, Some(input.1)) {
        if let Ok(ids) = tokenizer.encode("The sea. 海", true) {
            let _ = tokenizer.decode(&ids, false);
        }
    }
});
