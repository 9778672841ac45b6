//! Any text through the rules of either language: undone it is what it was, and a second pass
//! changes nothing.
#![no_main]

use hadal_corpus::normalise::{Lang, Options, normalise, undo};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let reference = Some("2016-11-07T16:12:00".parse().expect("a moment"));
    for (lang, places) in [(Lang::En, false), (Lang::Zh, true)] {
        let options = Options { lang, reference, half_width: true, places };
        let once = normalise(text, &options);
        assert_eq!(undo(&once), text);
        assert_eq!(normalise(&once.text, &options).text, once.text);
    }
});
