//! A small tokenizer and many small templates, against what transformers makes of them.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

mod data;

use hadal_tokenizer::{ChatOptions, ChatTemplate, Error, Message, Tokenizer};
use serde_json::Value;

fn golden(name: &str) -> Vec<Value> {
    let path = data::goldens().join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn committed() -> Tokenizer {
    Tokenizer::from_folder(&data::goldens().join("small")).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn training_gives_the_committed_tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    data::small().save(folder.path()).unwrap();
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        let trained = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let committed = std::fs::read_to_string(data::goldens().join("small").join(name)).unwrap();
        assert!(trained == committed, "{name} came out different; see tests/goldens/README.md");
    }
}

#[test]
fn texts_become_the_same_ids() {
    let tokenizer = committed();
    for case in golden("ids.json") {
        let text = case["text"].as_str().unwrap();
        let plain = tokenizer.encode(text, false).unwrap();
        assert_eq!(plain, ids(&case["ids"]), "{text:?}");
        assert_eq!(tokenizer.encode(text, true).unwrap(), ids(&case["with_special"]), "{text:?}");
        assert_eq!(tokenizer.decode(&plain, true).unwrap(), case["skipped"], "{text:?}");
        assert_eq!(tokenizer.decode(&plain, false).unwrap(), text);
    }
}

#[test]
fn ids_become_the_same_text() {
    let tokenizer = committed();
    for case in golden("decoded.json") {
        let some = ids(&case["ids"]);
        assert_eq!(tokenizer.decode(&some, false).unwrap(), case["text"], "{some:?}");
        assert_eq!(tokenizer.decode(&some, true).unwrap(), case["skipped"], "{some:?}");
    }
}

#[test]
fn conversations_become_the_same_text() {
    let tokenizer = committed();
    for case in golden("conversations.json") {
        let messages: Vec<Message> = serde_json::from_value(case["messages"].clone()).unwrap();
        let options = ChatOptions {
            add_generation_prompt: case["add_generation_prompt"].as_bool().unwrap(),
            ..ChatOptions::default()
        };
        let text = tokenizer.apply_chat_template(&messages, &options);
        match case["text"].as_str() {
            Some(expected) => assert_eq!(text.unwrap(), expected),
            None => assert!(text.is_err(), "{messages:?} gave {text:?}"),
        }
    }
}

#[test]
fn habits_of_python_are_understood() {
    let cases = golden("habits.json");
    let messages: Vec<Message> = serde_json::from_value(cases[0]["messages"].clone()).unwrap();
    let special_tokens = [
        ("bos_token", "<｜begin▁of▁sentence｜>"),
        ("eos_token", "<｜end▁of▁sentence｜>"),
        ("pad_token", "<｜▁pad▁｜>"),
    ];
    let mut options = ChatOptions::default();
    options.variables.insert("m".to_owned(), cases[0]["m"].clone());
    let mut different = Vec::new();
    for case in &cases[1..] {
        let template = case["template"].as_str().unwrap();
        let text = ChatTemplate::new(template)
            .and_then(|template| template.render(&messages, &options, &special_tokens));
        if text.as_ref().ok().map(String::as_str) != case["text"].as_str() {
            different.push(format!("{template}\n  python {}\n  here {text:?}", case["text"]));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn a_template_may_ask_for_the_time() {
    let render = |now_seconds| {
        let options = ChatOptions { now_seconds, ..ChatOptions::default() };
        let source = "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% endif %}";
        ChatTemplate::new(source).unwrap().render::<&str, &str>(&[], &options, &[]).unwrap()
    };
    assert_eq!(render(None), "");
    assert_eq!(render(Some(1_721_952_000)), "26 Jul 2024");
}

#[test]
fn failures_name_their_line_and_reason() {
    let check = |source: &str, expected: &str| {
        let result = ChatTemplate::new(source)
            .and_then(|template| template.render::<&str, &str>(&[], &ChatOptions::default(), &[]));
        assert_eq!(result.unwrap_err().to_string(), expected, "{source}");
    };
    check("a\n{% if %}", "the chat template, line 2: syntax error: unexpected end of block");
    check(
        "a\nb\n{{ 'x' + none }}",
        "rendering the chat template, line 3: invalid operation: tried to use + operator on \
         unsupported types string and none",
    );
    check(
        "{{ raise_exception('two systems') }}",
        "the chat template refuses this conversation: two systems",
    );
    check(
        "{% macro f() %}{{ raise_exception('deep') }}{% endmacro %}{{ f() }}",
        "the chat template refuses this conversation: deep",
    );
}

#[test]
fn a_template_cannot_run_for_ever() {
    let run = |source: &str| {
        let options = ChatOptions::default();
        ChatTemplate::new(source).unwrap().render::<&str, &str>(&[], &options, &[]).unwrap_err()
    };
    let loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
    assert!(matches!(run(loops), Error::TemplateLimit { what: "the number of instructions", .. }));
    let writes = "{% set x = 'x' * 100000 %}{% for a in range(99999) %}{{ x }}{% endfor %}";
    assert!(matches!(run(writes), Error::TemplateLimit { what: "the text", .. }));
    let recursion = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}";
    assert!(matches!(run(recursion), Error::TemplateRender { .. }));
}
