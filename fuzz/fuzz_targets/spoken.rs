//! Any text as it is spoken and as it is written, in either language.
#![no_main]

use hadal_corpus::spoken::{Direction, Lang, Options, rewrite};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for lang in [Lang::En, Lang::Zh] {
        for direction in [Direction::ToSpoken, Direction::ToWritten] {
            rewrite(text, &Options::new(lang, direction));
        }
    }
});
