//! The tokenizers and chat templates of DeepSeek, against what Hugging Face's `tokenizers` and
//! Jinja2 make of them.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

mod data;

use std::collections::BTreeMap;

use hadal_tokenizer::{ChatOptions, ChatTemplate, Error, Message, Parts, Tokenizer};
use serde_json::Value;

#[test]
fn ids_are_those_of_hugging_face() {
    let Some(folder) = data::deepseek() else { return };
    let records = data::read_jsonl_zst(&folder.join("goldens/tokenize.public.jsonl.zst"));
    for version in ["v2", "v3", "v4"] {
        let tokenizer = data::deepseek_tokenizer(&folder, version);
        for record in &records {
            let text = record["text"].as_str().unwrap();
            let expected: Vec<u32> = serde_json::from_value(record[version].clone()).unwrap();
            let ids = tokenizer.encode(text, false).unwrap();
            assert_eq!(ids, expected, "{version} {}: {text:?}", record["i"]);
            assert_eq!(tokenizer.decode(&ids, false).unwrap(), text, "{version} {}", record["i"]);
        }
        eprintln!("{version}: {} texts", records.len());
    }
}

#[test]
fn plain_parts_make_the_same_tokenizer() {
    let Some(folder) = data::deepseek() else { return };
    let records = data::read_jsonl_zst(&folder.join("goldens/tokenize.public.jsonl.zst"));
    for (version, splits) in [("v2", "deepseek-llm"), ("v3", "deepseek-v3"), ("v4", "deepseek-v3")]
    {
        let parts = data::deepseek_tokenizer(&folder, version).to_plain_parts().unwrap();
        assert_eq!(parts.splits, splits, "{version}");
        let tokenizer = Tokenizer::from_plain_parts(&parts).unwrap();
        for record in &records {
            let text = record["text"].as_str().unwrap();
            let expected: Vec<u32> = serde_json::from_value(record[version].clone()).unwrap();
            assert_eq!(tokenizer.encode(text, false).unwrap(), expected, "{version}: {text:?}");
        }
        assert_eq!(tokenizer.to_plain_parts().unwrap(), parts, "{version}");
    }
}

#[test]
fn parts_that_contradict_each_other_are_named() {
    let whole = data::small().to_plain_parts().unwrap();
    let check = |change: &dyn Fn(&mut Parts), expected: &str| {
        let mut parts = whole.clone();
        change(&mut parts);
        let error = Tokenizer::from_plain_parts(&parts).unwrap_err().to_string();
        assert!(error.contains(expected), "expected {expected:?} in {error:?}");
    };
    check(
        &|parts| parts.splits = "gpt-7".to_owned(),
        "by the rules \"gpt-7\"; those of deepseek-v3",
    );
    check(&|parts| parts.bos = Some(1 << 20), "bos_token is \"number 1048576\"");
    check(&|parts| parts.added.push(1 << 20), "an added token is \"number 1048576\"");
    check(&|parts| parts.merges.push("no such".to_owned()), "tokenizer.json");
}

#[test]
fn special_tokens_are_those_of_the_configuration() {
    let Some(folder) = data::deepseek() else { return };
    for (version, bos, eos, size, first) in [
        ("v2", 100_000, 100_001, 100_002, Some(100_000)),
        ("v3", 0, 1, 128_815, None),
        ("v4", 0, 1, 129_280, None),
    ] {
        let tokenizer = data::deepseek_tokenizer(&folder, version);
        assert_eq!(tokenizer.bos(), Some(bos), "{version}");
        assert_eq!(tokenizer.eos(), Some(eos), "{version}");
        assert_eq!(tokenizer.pad(), Some(eos), "{version}");
        assert_eq!(tokenizer.vocab_size(), size, "{version}");
        // v2 says `add_bos_token` and leaves it to the reader of the configuration.
        let ids = tokenizer.encode("Hello", true).unwrap();
        assert_eq!(ids.first().copied().filter(|&id| id == bos), first, "{version}");
        assert_eq!(tokenizer.has_chat_template(), version != "v4");
    }
}

#[test]
fn conversations_render_as_in_python() {
    let Some(folder) = data::deepseek() else { return };
    let tools: Value =
        serde_json::from_slice(&std::fs::read(folder.join("goldens/tools.json")).unwrap()).unwrap();
    let special_tokens =
        [("bos_token", "<｜begin▁of▁sentence｜>"), ("eos_token", "<｜end▁of▁sentence｜>")];
    let mut templates = BTreeMap::new();
    let mut n_refused = 0;
    let records = data::read_jsonl_zst(&folder.join("goldens/chat_render.public.jsonl.zst"));
    for record in &records {
        let name = record["template"].as_str().unwrap();
        let template = templates.entry(name).or_insert_with(|| {
            let path = folder.join("chat_templates").join(name);
            ChatTemplate::new(std::fs::read_to_string(path).unwrap()).unwrap()
        });
        let messages: Vec<Message> = serde_json::from_value(record["messages"].clone()).unwrap();
        let mut options = ChatOptions {
            add_generation_prompt: record["add_generation_prompt"].as_bool().unwrap(),
            tools: record["tools"].as_bool().unwrap().then(|| tools.clone()),
            ..ChatOptions::default()
        };
        if let Some(thinking) = record["thinking"].as_bool() {
            // The templates do not agree on the name.
            for name in ["thinking", "enable_thinking"] {
                options.variables.insert(name.to_owned(), thinking.into());
            }
        }
        let rendered = template.render(&messages, &options, &special_tokens);
        match record["expected"].as_str() {
            Some(expected) => assert_eq!(rendered.unwrap(), expected, "{record}"),
            None => {
                assert!(matches!(rendered, Err(Error::TemplateRender { .. })), "{record}");
                n_refused += 1;
            }
        }
    }
    eprintln!("{} conversations, {n_refused} of them refused", records.len());
}

#[test]
fn every_template_compiles() {
    let Some(folder) = data::deepseek() else { return };
    for entry in std::fs::read_dir(folder.join("chat_templates")).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        if let Err(error) = ChatTemplate::new(source) {
            panic!("{}: {error}", path.display());
        }
    }
}
