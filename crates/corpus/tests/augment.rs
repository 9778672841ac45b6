//! What copies of a text have in common with it, for every operation.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use hadal_corpus::Record;
use hadal_corpus::augment::{Augmenter, Homophones, Lexicon, Operation, Synonyms};
use hadal_corpus::filter::Segmenter;

const CHINESE: &str = "酒店的服务很好，房间也干净，下次还会再来。";
const ENGLISH: &str = "The deep sea is dark, and fish there have large eyes to see with.";

fn augmenter(operations: &[Operation], seed: u64) -> Augmenter {
    let tab =
        "1-n\tcmn:lemma\t酒店\n1-n\tcmn:lemma\t旅馆\n2-n\tcmn:lemma\t房间\n2-n\tcmn:lemma\t屋子\n";
    let english =
        "1-n\teng:lemma\tsea\n1-n\teng:lemma\tocean\n2-n\teng:lemma\tdark\n2-n\teng:lemma\tblack\n";
    let segmenter = Arc::new(Segmenter::default());
    Augmenter {
        operations: operations.to_vec(),
        alpha: 0.1,
        n_copies: 20,
        seed,
        lexicon: Lexicon {
            english: Some(Synonyms::of_tab_text(english).unwrap()),
            chinese: Some(Synonyms::of_tab_text(tab).unwrap()),
            homophones: Homophones::new(Arc::clone(&segmenter)),
        },
        segmenter,
    }
}

fn copies(operation: Operation, text: &str) -> Vec<String> {
    let copies = augmenter(&[operation], 7).copies(text);
    assert!(!copies.is_empty(), "{}", operation.name());
    copies.into_iter().map(|(copy, _)| copy).collect()
}

fn sorted(text: &str) -> Vec<char> {
    let mut chars: Vec<char> = text.chars().collect();
    chars.sort_unstable();
    chars
}

#[test]
fn synonyms_stand_where_the_word_stood() {
    for copy in copies(Operation::Synonym, ENGLISH) {
        assert_eq!(copy.replace("ocean", "sea").replace("black", "dark"), ENGLISH);
    }
    for copy in copies(Operation::Synonym, CHINESE) {
        assert_eq!(copy.replace("旅馆", "酒店").replace("屋子", "房间"), CHINESE);
    }
}

#[test]
fn a_synonym_is_put_in_and_nothing_lost() {
    for copy in copies(Operation::Insert, ENGLISH) {
        let without = copy.replace("ocean ", "").replace("black ", "");
        assert_eq!(without, ENGLISH);
    }
}

#[test]
fn swapped_words_are_all_still_there() {
    for text in [ENGLISH, CHINESE] {
        for copy in copies(Operation::Swap, text) {
            assert_eq!(sorted(&copy), sorted(text));
            assert_ne!(copy, text);
        }
    }
}

#[test]
fn deletion_leaves_words_in_their_order() {
    for text in [ENGLISH, CHINESE] {
        for copy in copies(Operation::Delete, text) {
            let mut rest = text.chars();
            assert!(copy.chars().all(|c| rest.any(|other| other == c)), "{copy}");
        }
    }
}

#[test]
fn marks_are_put_in_and_nothing_lost() {
    for copy in copies(Operation::Punctuation, ENGLISH) {
        assert!(copy.len() > ENGLISH.len());
        let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
        assert_eq!(letters(&copy), letters(ENGLISH));
    }
}

#[test]
fn slips_change_few_letters_of_one_word() {
    for operation in [Operation::Keyboard, Operation::Typo] {
        for copy in copies(operation, ENGLISH) {
            let differs = |(a, b): &(&str, &str)| a != b;
            let n_words = copy.split(' ').zip(ENGLISH.split(' ')).filter(differs).count();
            assert_eq!(n_words, 1, "{copy}");
            assert!(copy.len().abs_diff(ENGLISH.len()) <= 1);
        }
    }
    for copy in copies(Operation::Homophone, CHINESE) {
        assert_eq!(copy.chars().count(), CHINESE.chars().count());
        assert_eq!(copy.chars().zip(CHINESE.chars()).filter(|(a, b)| a != b).count(), 1, "{copy}");
    }
}

#[test]
fn copies_depend_on_the_seed_and_the_text_alone() {
    let of = |seed| augmenter(&Operation::ALL, seed).copies(ENGLISH);
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn a_copy_holds_what_the_record_holds() {
    let mut record = Record { id: "r".into(), text: ENGLISH.into(), ..Record::default() };
    record.other.insert("label".into(), 1.into());
    let records = augmenter(&[Operation::Swap], 0).augment(record.clone());
    assert_eq!(records[0], record);
    assert_eq!(records[1].id, "r#1");
    assert_eq!(records[1].other["label"], 1);
    assert_eq!(records[1].other["augmented_by"], "swap");
}

#[test]
fn texts_without_words_have_no_copies() {
    for text in ["", "  ", "!?", "😀"] {
        assert_eq!(augmenter(&Operation::ALL, 0).copies(text), []);
    }
}
