//! Any text as a web page: a tree whose nodes stand in their parents, and a text.
#![no_main]

use hadal_corpus::extract::dom::Dom;
use hadal_corpus::extract::extract;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let html = String::from_utf8_lossy(bytes);
    let dom = Dom::parse(&html);
    for (id, node) in dom.nodes().iter().enumerate().skip(1) {
        assert!((node.parent as usize) < id && node.end as usize > id);
        assert!(node.end <= dom.nodes()[node.parent as usize].end);
    }
    extract(&html, None);
});
