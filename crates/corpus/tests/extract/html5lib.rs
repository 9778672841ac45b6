//! Text as the html5lib tokenizer tests expect it: entities, comments, tags that are none.

use hadal_corpus::extract::dom::Dom;
use serde_json::Value;

use super::shared_data;

/// The files of a tar archive whose names end so.
fn files<'a>(tar: &'a [u8], ending: &str) -> Vec<(&'a str, &'a [u8])> {
    let mut files = Vec::new();
    let mut rest = tar;
    while rest.len() >= 512 && rest[0] != 0 {
        let field = |range: std::ops::Range<usize>| {
            std::str::from_utf8(&rest[range]).unwrap().trim_matches(['\0', ' '])
        };
        let (name, len) = (field(0..100), usize::from_str_radix(field(124..136), 8).unwrap());
        if name.ends_with(ending) {
            files.push((name, &rest[512..512 + len]));
        }
        rest = &rest[(512 + len.next_multiple_of(512)).min(rest.len())..];
    }
    files
}

/// The characters that a test expects, where it expects no more than characters and comments, or
/// tags without text of their own.
fn expected(test: &Value) -> Option<String> {
    let is_data = test["initialStates"].is_null();
    if !is_data || test["doubleEscaped"] == true {
        return None;
    }
    let mut text = String::new();
    for token in test["output"].as_array()? {
        match token[0].as_str() {
            Some("Character") => text.push_str(token[1].as_str()?),
            Some("StartTag" | "EndTag" | "Comment" | "DOCTYPE") => {}
            _ if token == "ParseError" => {}
            _ => return None,
        }
    }
    Some(text)
}

#[test]
fn text_is_cut_out_as_the_standard_says() {
    let Some(tar) = shared_data("crawler/html5lib-tests.tar.zst") else { return };
    let (mut n_right, mut n_tests) = (0, 0);
    for (name, bytes) in files(&tar, ".test") {
        if !name.contains("tokenizer/") {
            continue;
        }
        let suite: Value = serde_json::from_slice(bytes).unwrap();
        let Some(tests) = suite["tests"].as_array() else { continue };
        for test in tests {
            let (Some(input), Some(expected)) = (test["input"].as_str(), expected(test)) else {
                continue;
            };
            n_tests += 1;
            if Dom::parse(input).text(0) == expected {
                n_right += 1;
            } else if n_tests - n_right <= 20 {
                println!("{name}: {input:?} is {:?}", Dom::parse(input).text(0));
            }
        }
    }
    println!("{n_right} of {n_tests}");
    assert!(n_tests > 1000);
    assert!(f64::from(n_right) >= 0.97 * f64::from(n_tests), "{n_right} of {n_tests}");
}
