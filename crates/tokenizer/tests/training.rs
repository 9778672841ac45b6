//! What a trained tokenizer is like, and that it survives being saved.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

mod data;

use hadal_tokenizer::{Error, Message, Tokenizer, TrainSpec, special, train_byte_level_bpe};

fn train(spec: &TrainSpec) -> Result<Tokenizer, Error> {
    let text = std::fs::read_to_string(data::goldens().join("paragraphs.txt")).unwrap();
    train_byte_level_bpe(text.lines().map(String::from), spec)
}

fn saved(tokenizer: &Tokenizer) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    tokenizer.save(folder.path()).unwrap();
    ["tokenizer.json", "tokenizer_config.json"]
        .map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap())
        .to_vec()
}

#[test]
fn special_tokens_come_first_and_are_never_split() {
    let tokenizer = data::small();
    for (id, token) in (0..).zip(special::ALL) {
        assert_eq!(tokenizer.special_id(token).unwrap(), id);
        assert_eq!(tokenizer.encode(token, false).unwrap(), [id]);
        assert_eq!(tokenizer.token_bytes(id), Some(token.as_bytes()));
        assert!(tokenizer.is_special(id));
    }
    assert_eq!((tokenizer.bos(), tokenizer.eos(), tokenizer.pad()), (Some(0), Some(1), Some(2)));
    assert!(!tokenizer.is_special(8));
    assert_eq!(tokenizer.encode("", true).unwrap(), [0]);
    let error = tokenizer.special_id("<think>").unwrap_err();
    assert!(matches!(error, Error::UnknownSpecialToken { token, .. } if token == "<think>"));
}

#[test]
fn every_byte_is_a_token() {
    let tokenizer = train_byte_level_bpe(std::iter::empty(), &TrainSpec::new(264)).unwrap();
    assert_eq!(tokenizer.vocab_size(), 264);
    let mut bytes: Vec<u8> =
        (8..264).flat_map(|id| tokenizer.token_bytes(id).unwrap().to_vec()).collect();
    bytes.sort_unstable();
    assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
}

#[test]
fn texts_are_split_as_deepseek_splits_them() {
    // With every pair merged, what is left apart is what the splits keep apart.
    let check = |text: &str, expected: &[&str]| {
        let spec = TrainSpec { min_frequency: 1, ..TrainSpec::new(4096) };
        let texts = std::iter::repeat_n(text.to_owned(), 2);
        let tokenizer = train_byte_level_bpe(texts, &spec).unwrap();
        let ids = tokenizer.encode(text, false).unwrap();
        let pieces: Vec<_> =
            ids.iter().map(|&id| tokenizer.decode(&[id], false).unwrap()).collect();
        assert_eq!(pieces, expected);
    };
    check("in 2024 and 12345", &["in", " ", "202", "4", " and", " ", "123", "45"]);
    check("深海abc魚", &["深海", "abc", "魚"]);
    check("f(x) == y;\n\n  z", &["f", "(x", ")", " ==", " y", ";\n\n", " ", " z"]);
}

#[test]
fn training_twice_gives_the_same() {
    let spec = TrainSpec::new(400);
    assert_eq!(saved(&train(&spec).unwrap()), saved(&train(&spec).unwrap()));
}

#[test]
fn the_specification_is_kept() {
    let mut spec = TrainSpec { max_token_bytes: Some(4), ..TrainSpec::new(320) };
    spec.special_tokens.push("<think>".to_owned());
    let tokenizer = train(&spec).unwrap();
    assert!(tokenizer.vocab_size() <= 320);
    assert_eq!(tokenizer.special_id("<think>").unwrap(), 8);
    for id in 9..u32::try_from(tokenizer.vocab_size()).unwrap() {
        assert!(tokenizer.token_bytes(id).unwrap().len() <= 4);
    }
}

#[test]
fn a_specification_that_cannot_be_is_refused() {
    let check = |spec: TrainSpec, expected: &str| {
        assert_eq!(train(&spec).unwrap_err().to_string(), expected);
    };
    check(TrainSpec::new(263), "a vocabulary of 263 was asked for; expected at least 264");
    let with = |change: fn(&mut Vec<String>)| {
        let mut spec = TrainSpec::new(512);
        change(&mut spec.special_tokens);
        spec
    };
    check(
        with(|tokens| tokens.push(String::new())),
        "the special tokens to train with: \"\" is empty; expected it once",
    );
    check(
        with(|tokens| tokens.push(special::USER.to_owned())),
        "the special tokens to train with: \"<｜User｜>\" is there twice; expected it once",
    );
    check(
        with(|tokens| drop(tokens.remove(1))),
        "the special tokens to train with: \"<｜end▁of▁sentence｜>\" is missing; expected it once",
    );
}

#[test]
fn saving_and_opening_changes_nothing() {
    let first = data::small();
    let folder = tempfile::tempdir().unwrap();
    first.save(folder.path()).unwrap();
    let second = Tokenizer::from_folder(folder.path()).unwrap();
    assert_eq!(saved(&first), saved(&second));
    let text = "The snailfish 狮子鱼 lives at 8,300 metres.\n";
    for add_special in [false, true] {
        let ids = first.encode(text, add_special).unwrap();
        assert_eq!(second.encode(text, add_special).unwrap(), ids);
        assert_eq!(second.decode(&ids, true).unwrap(), text);
    }
    assert_eq!(second.vocab_size(), first.vocab_size());
    assert_eq!((second.bos(), second.eos(), second.pad()), (first.bos(), first.eos(), first.pad()));
    let messages = [Message::new("user", "How deep?")];
    let render = |tokenizer: &Tokenizer| {
        tokenizer.apply_chat_template(&messages, &Default::default()).unwrap()
    };
    assert_eq!(render(&second), render(&first));
}

#[test]
fn a_template_file_goes_before_the_configuration_and_is_saved_with_it() {
    let folder = tempfile::tempdir().unwrap();
    data::small().save(folder.path()).unwrap();
    std::fs::write(folder.path().join("chat_template.jinja"), "{{ messages[0].content }}!")
        .unwrap();
    let opened = Tokenizer::from_folder(folder.path()).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    opened.save(elsewhere.path()).unwrap();
    for tokenizer in [opened, Tokenizer::from_folder(elsewhere.path()).unwrap()] {
        let text =
            tokenizer.apply_chat_template(&[Message::new("user", "Hi")], &Default::default());
        assert_eq!(text.unwrap(), "Hi!");
    }
}
