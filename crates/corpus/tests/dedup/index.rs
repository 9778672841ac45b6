//! The index against brute force, and the two ways through it against each other.

use hadal_corpus::dedup::batch::{self, Options};
use hadal_corpus::dedup::{Entry, Fingerprints, Index, RADIUS, Rule, Store};
use hadal_corpus::lines::Counts;
use proptest::prelude::*;
use serde_json::{Value, json};

/// `fingerprint` with the bits flipped that `places` names; the same place twice is no flip.
fn flipped(fingerprint: u64, places: &[u32]) -> u64 {
    places.iter().fold(fingerprint, |bits, place| bits ^ 1 << place)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_fingerprint_within_the_radius_is_found_and_no_other(
        seeds in prop::collection::vec(any::<u64>(), 1..40),
        flips in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(0u32..64, 0..6)), 0..200),
    ) {
        let mut all = seeds.clone();
        all.extend(flips.iter().map(|(of, places)| flipped(*of.get(&seeds), places)));
        let mut index = Fingerprints::default();
        for (number, &fingerprint) in all.iter().enumerate() {
            index.insert(fingerprint, number as u32);
        }
        for &looked_for in &all {
            let mut found = Vec::new();
            index.near(looked_for, &mut found);
            found.sort_unstable();
            found.dedup();
            let brute: Vec<u32> = (0..all.len() as u32)
                .filter(|&n| (all[n as usize] ^ looked_for).count_ones() <= RADIUS)
                .collect();
            prop_assert_eq!(found, brute);
        }
    }

    #[test]
    fn the_filter_answers_as_inserting_one_by_one_does(picks in prop::collection::vec((0usize..12, 0usize..5), 1..80)) {
        let texts: Vec<String> = picks.iter().map(|&(of, how)| variant(of, how)).collect();
        let mut index = Index::new(Rule::default());
        for text in &texts {
            index.insert(&Entry::of(text));
        }
        let one_by_one: Vec<u32> = (0..texts.len() as u32).map(|n| index.cluster(n)).collect();
        let (filtered, _, _) = filter(&texts, Options::default());
        let clusters: Vec<u32> =
            filtered.iter().map(|record| record["cluster"].as_u64().unwrap() as u32).collect();
        prop_assert_eq!(clusters, one_by_one);
    }
}

/// One of twelve texts of 120 words of its own, as it is or changed a little.
fn variant(of: usize, how: usize) -> String {
    let mut words: Vec<String> =
        (0..120).map(|i| format!("w{}", i * 7919 % 1013 + of * 2000)).collect();
    match how {
        0 => {}
        1 => words[60] = "changed".to_owned(),
        2 => words.truncate(100),
        3 => words.extend((0..60).map(|i| format!("menu{i}"))),
        _ => words.iter_mut().step_by(2).for_each(|word| word.push('x')),
    }
    words.join(" ")
}

fn filter(texts: &[String], options: Options) -> (Vec<Value>, Vec<Value>, Counts) {
    let input: String =
        texts.iter().map(|text| json!({ "text": text }).to_string() + "\n").collect();
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    let mut store = Store::in_memory(Rule::default());
    let counts =
        batch::run(&mut store, options, input.as_bytes(), &mut kept, &mut dropped).unwrap();
    (values(&kept), values(&dropped), counts)
}

fn values(lines: &[u8]) -> Vec<Value> {
    lines
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[test]
fn small_changes_and_longer_frames_join_and_half_a_text_does_not() {
    for how in 0..5 {
        let mut index = Index::new(Rule::default());
        index.insert(&Entry::of(&variant(0, 0)));
        let (number, answer) = index.insert(&Entry::of(&variant(0, how)));
        let is_joined = how != 4;
        assert_eq!(index.cluster(number) == 0, is_joined, "change {how}: {answer:?}");
    }
}

#[test]
fn dropping_keeps_the_first_of_each_cluster_and_says_why_of_the_others() {
    let texts = [variant(0, 0), variant(1, 0), variant(0, 0), variant(1, 1), variant(2, 0)];
    let (kept, dropped, counts) = filter(&texts, Options { drop: true, within: false });
    let clusters: Vec<_> = kept.iter().map(|record| record["cluster"].clone()).collect();
    assert_eq!(clusters, [0, 1, 4]);
    let whys: Vec<_> = dropped
        .iter()
        .map(|record| (record["duplicate_of"].clone(), record["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(whys, [(json!(0), "exact duplicate"), (json!(1), "near duplicate")]);
    assert_eq!(counts, Counts { n_kept: 3, n_dropped: 2, n_unreadable: 0 });
}

#[test]
fn a_later_record_that_joins_two_clusters_changes_what_was_said_of_the_second() {
    let (a, b) = (variant(0, 0), variant(1, 0));
    let texts = [a.clone(), b.clone(), format!("{a} {b}")];
    let (kept, _, _) = filter(&texts, Options::default());
    let clusters: Vec<_> = kept.iter().map(|record| record["cluster"].clone()).collect();
    assert_eq!(clusters, [0, 0, 0]);
    assert_eq!(kept[1]["duplicate_of"], 0);
    assert!(kept[0].get("duplicate_of").is_none());
}

#[test]
fn lines_that_are_no_records_are_dropped_and_repeats_within_a_text_cut() {
    let line = "This sentence is longer than thirty characters.";
    let input = format!("{}\nnot json\n", json!({ "id": "a", "text": format!("{line}\n{line}") }));
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    let mut store = Store::in_memory(Rule::default());
    let options = Options { drop: false, within: true };
    batch::run(&mut store, options, input.as_bytes(), &mut kept, &mut dropped).unwrap();
    assert_eq!(values(&kept)[0]["text"], format!("{line}\n"));
    assert!(values(&kept)[0]["repeated"].as_f64().unwrap() > 0.4);
    assert_eq!(values(&dropped)[0]["dropped_by"], "read");
}

#[test]
fn texts_without_words_are_copies_of_themselves_only() {
    let texts = ["", "…", "", "a"].map(str::to_owned);
    let (kept, _, _) = filter(&texts, Options::default());
    let clusters: Vec<_> = kept.iter().map(|record| record["cluster"].clone()).collect();
    assert_eq!(clusters, [0, 1, 0, 3]);
}
