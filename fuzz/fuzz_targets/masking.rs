//! Any text masked: it changes where something was found, and nowhere else.
#![no_main]

use hadal_corpus::filter::Personal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let personal = Personal::default();
    let masked = personal.mask(text);
    assert_eq!(masked.kinds.is_empty(), masked.text == text);
});
