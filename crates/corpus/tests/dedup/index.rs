//! The index against brute force, and the two ways through it against each other.

use hadal_corpus::dedup::batch::{self, Options};
use hadal_corpus::dedup::{Entry, Fingerprints, Index, RADIUS, Rule, Store};
use hadal_corpus::lines::Counts;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

/// The `i`th random number of a series.
pub(crate) fn random(series: u64, i: u64) -> u64 {
    xxh3_64(&[series.to_le_bytes(), i.to_le_bytes()].concat())
}

#[test]
fn every_fingerprint_within_the_radius_is_found_and_no_other() {
    let mut n_found = 0;
    for series in 0..6 {
        // Few origins, and around each of them fingerprints of which 0 to 6 bits are flipped.
        let all: Vec<u64> = (0..400)
            .map(|i| {
                let flips = (0..random(series, i) % 7)
                    .map(|k| 1 << (random(series, 1000 * k + i + 7) % 64));
                flips.fold(random(series, 1_000_000 + i % 9), |bits: u64, flip: u64| bits ^ flip)
            })
            .collect();
        let mut index = Fingerprints::default();
        all.iter().for_each(|&fingerprint| index.insert(fingerprint));
        for &looked_for in &all {
            let mut found = Vec::new();
            index.near(looked_for, &mut found);
            found.sort_unstable();
            found.dedup();
            let brute: Vec<u32> = (0..all.len() as u32)
                .filter(|&n| (all[n as usize] ^ looked_for).count_ones() <= RADIUS)
                .collect();
            assert_eq!(found, brute, "series {series}");
            n_found += found.len();
        }
    }
    assert!(n_found > 6 * 400 * 3, "{n_found} pairs are too few to show anything");
}

#[test]
fn the_filter_answers_as_inserting_one_by_one_does() {
    for series in 0..20 {
        let texts: Vec<String> = (0..100)
            .map(|i| random(series, i))
            .map(|random| variant(random as usize % 12, (random >> 32) as usize % 5))
            .collect();
        let mut index = Index::new(Rule::default());
        for text in &texts {
            index.insert(&Entry::of(text));
        }
        let one_by_one: Vec<u32> = (0..texts.len() as u32).map(|n| index.cluster(n)).collect();
        let (filtered, _, _) = filter(&texts, Options::default());
        let clusters: Vec<u32> =
            filtered.iter().map(|record| record["cluster"].as_u64().unwrap() as u32).collect();
        assert_eq!(clusters, one_by_one, "series {series}");
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
