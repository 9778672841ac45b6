//! Files that are damaged or say what cannot be: each is an error that says so, none a panic.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

mod data;

use hadal_tokenizer::{ChatOptions, Error, Message, Tokenizer};
use serde_json::{Value, json};

fn definition() -> Vec<u8> {
    std::fs::read(data::goldens().join("small/tokenizer.json")).unwrap()
}

/// The definition with one change.
fn changed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value = serde_json::from_slice(&definition()).unwrap();
    change(&mut value);
    value.to_string().into_bytes()
}

#[test]
fn damaged_files_are_refused_with_a_reason() {
    let check = |definition: &[u8], config: Option<&[u8]>, expected: &str| {
        let error = Tokenizer::from_bytes(definition, config).unwrap_err().to_string();
        assert!(error.contains(expected), "expected {expected:?} in {error:?}");
    };
    let whole = definition();

    check(b"", None, "tokenizer.json is not valid: EOF while parsing a value at line 1 column 0");
    check(b"{", None, "EOF while parsing an object at line 1 column 1");
    check(b"7", None, "tokenizer.json is not valid: invalid type: integer `7`");
    check(b"[]", None, "tokenizer.json has the decoder null; expected ByteLevel");
    check(b"{}", None, "tokenizer.json has the decoder null; expected ByteLevel");
    check(b"\xff\xfe", None, "at line 1 column 1");
    check(&whole[..whole.len() / 2], None, "EOF while parsing");
    check(&[&whole[..], b"}"].concat(), None, "trailing characters");
    check(&changed(|v| v["model"] = json!(3)), None, "tokenizer.json");
    check(&changed(|v| v["model"]["vocab"]["a"] = json!("a")), None, "tokenizer.json");
    check(&changed(|v| v["model"]["vocab"]["a"] = json!(-1)), None, "tokenizer.json");
    check(&changed(|v| v["model"]["merges"][0] = json!(["no", "such"])), None, "tokenizer.json");
    check(&changed(|v| v["model"]["merges"][0] = json!("x")), None, "tokenizer.json");
    check(
        &changed(|v| v["model"]["vocab"]["far"] = json!(4_000_000_000_u32)),
        None,
        "numbers a token 4000000000; expected ids below 4194304",
    );
    check(
        &changed(|v| v["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = json!("(")),
        None,
        "tokenizer.json",
    );
    check(&changed(|v| v["decoder"] = Value::Null), None, "the decoder null; expected ByteLevel");
    check(&changed(|v| v["decoder"] = json!({"type": "Fuse"})), None, "the decoder Fuse;");
    check(
        &changed(|v| v["post_processor"]["special_tokens"] = json!({})),
        None,
        "a token of the post processor's template for a single text is \"<｜begin▁of▁sentence｜>\"; the",
    );
    check(
        &changed(|v| v["post_processor"]["single"][1]["Sequence"]["id"] = json!("B")),
        None,
        "template for a single text asks for a second",
    );

    let config = |text: &str, expected: &str| check(&whole, Some(text.as_bytes()), expected);
    config("", "tokenizer_config.json is not valid: EOF while parsing a value at line 1 column 0");
    config("[1]", "tokenizer_config.json is not valid: invalid type: sequence, expected a map");
    config(r#"{"bos_token": 7}"#, "says `bos_token` is 7; expected a text, or an object");
    config(r#"{"bos_token": {}}"#, "says `bos_token` is an object; expected a text, or an object");
    config(r#"{"eos_token": "</s>"}"#, r#"eos_token is "</s>"; the vocabulary has no such token"#);
    config(r#"{"add_bos_token": "yes"}"#, "`add_bos_token` is \"yes\"; expected true or false");
    config(r#"{"add_bos_token": true}"#, "`add_bos_token` is true, and bos_token is not given");
    config(r#"{"chat_template": 1}"#, "`chat_template` is 1; expected a text, or a list");
    config(r#"{"chat_template": [{"name": "x"}]}"#, "`chat_template` is an object; expected");
    config(r#"{"chat_template": "a\n{{"}"#, "the chat template, line 2: syntax error");
    check(&whole, Some(b"{\"a\": \"\xff\"}"), "invalid unicode code point at line 1 column 8");
}

#[test]
fn no_cut_of_a_file_panics() {
    let whole = definition();
    for len in (0..whole.len()).step_by(97) {
        assert!(Tokenizer::from_bytes(&whole[..len], None).is_err(), "{len} bytes");
    }
}

#[test]
fn no_changed_byte_panics() {
    let whole = definition();
    for at in (0..whole.len()).step_by(53) {
        for byte in [b'"', b'0', b'{', 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            // It may well still be a tokenizer; then it may be used.
            if let Ok(tokenizer) = Tokenizer::from_bytes(&damaged, None) {
                let ids = tokenizer.encode("The sea 海 123\n", true).unwrap_or_default();
                let _ = tokenizer.decode(&ids, true);
            }
        }
    }
}

#[test]
fn missing_and_unreadable_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Tokenizer::from_folder(folder.path()).unwrap_err();
    assert!(matches!(&error, Error::File { path, .. } if path.ends_with("tokenizer.json")));
    std::fs::write(folder.path().join("tokenizer.json"), definition()).unwrap();
    assert!(!Tokenizer::from_folder(folder.path()).unwrap().has_chat_template());
    std::fs::write(folder.path().join("chat_template.jinja"), b"\xff").unwrap();
    let error = Tokenizer::from_folder(folder.path()).unwrap_err().to_string();
    assert!(error.contains("chat_template.jinja: invalid utf-8"), "{error}");
}

#[test]
fn the_template_is_chosen_by_name() {
    let open = |templates: Value| {
        let config = json!({ "chat_template": templates }).to_string();
        Tokenizer::from_bytes(&definition(), Some(config.as_bytes())).unwrap()
    };
    let messages = [Message::new("user", "Hi")];
    let plain = ChatOptions::default();
    let with_tools = ChatOptions { tools: Some(json!([])), ..ChatOptions::default() };
    let both = open(json!([
        {"name": "default", "template": "plain"},
        {"name": "tool_use", "template": "tools"},
    ]));
    assert_eq!(both.apply_chat_template(&messages, &plain).unwrap(), "plain");
    assert_eq!(both.apply_chat_template(&messages, &with_tools).unwrap(), "tools");

    let other = open(json!([{"name": "rag", "template": ""}]));
    let error = other.apply_chat_template(&messages, &plain).unwrap_err().to_string();
    assert_eq!(error, "this tokenizer has no chat template called default; it has rag");
    let none = Tokenizer::from_bytes(&definition(), None).unwrap();
    let error = none.apply_chat_template(&messages, &plain).unwrap_err().to_string();
    assert_eq!(error, "this tokenizer has no chat template");
}
