//! Conversations: what is learned from is what transformers says it is, and windows hold them
//! whole.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

use std::fs;
use std::path::{Path, PathBuf};

use hadal_tokenizer::{Message, Tokenizer};
use hadal_train::{
    Conversation, DataFormat, Encoded, Error, PackSpec, Packed, Windows, encode_conversation, pack,
};
use serde_json::{Value, json};

fn small() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tokenizer/tests/goldens/small")
}

/// The small tokenizer with another chat template.
fn tokenizer(template: &str) -> Tokenizer {
    let read = |name: &str| fs::read(small().join(name)).unwrap();
    let mut config: Value = serde_json::from_slice(&read("tokenizer_config.json")).unwrap();
    config["chat_template"] = template.into();
    let config = config.to_string();
    Tokenizer::from_bytes(&read("tokenizer.json"), Some(config.as_bytes())).unwrap()
}

fn conversation(messages: Vec<Message>) -> Conversation {
    Conversation { messages, tools: None, src: String::new(), licence: String::new() }
}

fn turns(turns: &[(&str, &str)]) -> Conversation {
    conversation(turns.iter().map(|(role, content)| Message::new(*role, *content)).collect())
}

fn mask(encoded: &Encoded) -> Vec<u8> {
    let learned = |at| encoded.trained.iter().any(|run| run.contains(&at));
    (0..encoded.ids.len()).map(|at| u8::from(learned(at))).collect()
}

#[test]
fn the_tokens_learned_from_are_those_of_transformers() {
    let text = include_str!("goldens/chat/masks.json");
    let golden: Value = serde_json::from_str(text).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    for case in cases {
        let name = case["template"].as_str().unwrap();
        let tokenizer = tokenizer(golden["templates"][name].as_str().unwrap());
        let messages = serde_json::from_value(case["messages"].clone()).unwrap();
        let encoded = encode_conversation(&tokenizer, &conversation(messages)).unwrap().unwrap();
        assert_eq!(json!(encoded.ids), case["ids"], "{name}: {}", case["messages"]);
        assert_eq!(json!(mask(&encoded)), case["mask"], "{name}: {}", case["messages"]);
    }
}

#[test]
fn only_what_the_assistant_says_is_learned_from() {
    let tokenizer = Tokenizer::from_folder(&small()).unwrap();
    let said = |conversation: &Conversation| {
        let encoded = encode_conversation(&tokenizer, conversation).unwrap();
        encoded.map(|encoded| {
            let runs = encoded.trained.iter().map(|run| &encoded.ids[run.clone()]);
            runs.map(|ids| tokenizer.decode(ids, false).unwrap()).collect::<Vec<_>>()
        })
    };
    let eos = "<｜end▁of▁sentence｜>";
    let two = [("user", "a"), ("assistant", "b c"), ("user", "d"), ("assistant", "e")];
    assert_eq!(said(&turns(&two)), Some(vec![format!("b c{eos}"), format!("e{eos}")]));
    let mut weighted = turns(&two);
    weighted.messages[1] = weighted.messages[1].clone().with("weight", 0);
    assert_eq!(said(&weighted), Some(vec![format!("e{eos}")]), "a weight of 0 is only read");
    assert_eq!(said(&turns(&two[..1])), None);
    let encoded = encode_conversation(&tokenizer, &turns(&two)).unwrap().unwrap();
    assert_eq!(encoded.n_bytes, 4);
}

#[test]
fn a_template_that_hides_where_an_answer_is_is_refused() {
    let two = [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")];
    let asks_otherwise = "{% for m in messages %}{{ m.role + m.content }}{% endfor %}\
                          {% if add_generation_prompt %}assistant<think>{% endif %}";
    let drops_history = "{% for m in messages %}{% if m.role == 'user' or loop.last %}\
                         {{ m.role + m.content }}{% endif %}{% endfor %}\
                         {% if add_generation_prompt %}assistant{% endif %}";
    let refusal = |template: &str| {
        encode_conversation(&tokenizer(template), &turns(&two)).expect_err("it is refused")
    };
    assert!(matches!(refusal(asks_otherwise), Error::TemplatePrompt { message: 2 }));
    assert!(matches!(refusal(drops_history), Error::TemplatePrefix { message: 2 }));
}

/// Packs conversations, one a length in words of the answer.
fn packed(folder: &Path, n_words: &[usize]) -> Result<Packed, Error> {
    let lines: Vec<String> = n_words
        .iter()
        .map(|n| json!({"prompt": "deep", "completion": "sea ".repeat(*n)}).to_string())
        .collect();
    let file = folder.join("chat.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    let spec = PackSpec { format: DataFormat::Chat, ..PackSpec::default() };
    let tokenizer = Tokenizer::from_folder(&small()).unwrap();
    pack(&[file], &spec, &tokenizer, &folder.join("shards"))
}

#[test]
fn windows_hold_conversations_whole_and_count_what_they_cut() {
    let folder = tempfile::tempdir().unwrap();
    let n_words = [3, 20, 1, 5, 60, 2, 2, 9, 4, 1];
    let Packed { shards, report, .. } = packed(folder.path(), &n_words).unwrap();
    assert_eq!(report.n_documents, n_words.len());
    let length = 80;
    let windows = Windows::of(&shards, length);
    let of_conversations = windows.of_conversations().unwrap();
    assert_eq!((of_conversations.n_cut, of_conversations.n_left_out), (1, 0));

    let (mut n_segments, mut n_targets) = (0, 0);
    for index in 0..windows.len() {
        let batch = windows.batch(&[index]).unwrap();
        assert!(batch.inputs.n_tokens() <= length);
        for segment in &*batch.inputs.segments {
            let ids = &batch.inputs.ids.as_slice::<i32>()[segment.queries.clone()];
            assert_eq!(ids[0], 0, "a conversation begins with the beginning of text");
            n_segments += 1;
        }
        n_targets += batch.n_targets;
    }
    assert_eq!(n_segments, n_words.len());
    let whole: usize = (0..shards.n_documents())
        .map(|index| shards.document(index).1.iter().take(length).filter(|t| **t >= 0).count())
        .sum();
    assert_eq!(n_targets, whole);
    assert!(report.n_trained > whole, "one was cut");

    let short = Windows::of(&shards, 2).of_conversations().unwrap();
    assert_eq!(short.n_left_out, n_words.len(), "every question alone fills such a window");
}

#[test]
fn a_record_that_is_no_conversation_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chat.jsonl");
    let good = json!({"messages": [{"role": "user", "content": "a"}]});
    let bad = json!({"messages": [{"role": "judge", "content": "a"}, {"role": "assistant", "content": "b"}]});
    fs::write(&file, format!("{good}\n{bad}\n")).unwrap();
    let spec = PackSpec { format: DataFormat::Chat, ..PackSpec::default() };
    let tokenizer = Tokenizer::from_folder(&small()).unwrap();
    let found = pack(&[file], &spec, &tokenizer, &folder.path().join("shards"));
    let message = found.err().expect("the template refuses it").to_string();
    assert!(message.contains("chat.jsonl, record 2: the chat template refuses"), "{message}");
}
