//! A run finds the clusters that the index finds.

use std::collections::BTreeMap;
use std::fs;

use hadal_corpus::dedup::{Entry, Index, Rule};
use hadal_corpus::table::{open, records};
use xxhash_rust::xxh3::xxh3_64;

use crate::sea::made;

/// Texts of which some are others with a few words changed, left out or added.
fn texts(n: u64) -> Vec<String> {
    let random = |of: u64| xxh3_64(&of.to_le_bytes());
    let word = |of: u64| format!("w{}", random(of) % 3000);
    let mut texts: Vec<Vec<String>> = Vec::new();
    for number in 0..n {
        let seed = number * 10_000;
        let mut text: Vec<String> = match random(seed) % 3 {
            0 if number > 0 => texts[(random(seed + 1) % number) as usize].clone(),
            _ => (0..20 + random(seed + 2) % 200).map(|i| word(seed + 10 + i)).collect(),
        };
        for change in 0..random(seed + 3) % 12 {
            let at = (random(seed + 500 + change) as usize) % text.len();
            match random(seed + 600 + change) % 3 {
                0 => text[at] = word(seed + 700 + change),
                1 if text.len() > 5 => drop(text.remove(at)),
                _ => text.insert(at, word(seed + 800 + change)),
            }
        }
        texts.push(text);
    }
    texts.into_iter().map(|words| words.join(" ")).collect()
}

#[test]
fn clusters_are_those_of_the_index() {
    let texts = texts(3000);
    let mut index = Index::new(Rule::default());
    texts.iter().for_each(|text| {
        index.insert(&Entry::of(text));
    });
    let firsts = (0..texts.len() as u32).filter(|&number| index.cluster(number) == number);
    let expected: Vec<String> = firsts.map(|number| number.to_string()).collect();

    let folder = tempfile::tempdir().unwrap();
    // Over several files, so that clusters reach across units of work.
    for (file, texts) in texts.chunks(1000).enumerate() {
        let line = |(at, text): (usize, &String)| {
            serde_json::json!({ "id": (file * 1000 + at).to_string(), "text": text }).to_string()
                + "\n"
        };
        let lines: String = texts.iter().enumerate().map(line).collect();
        fs::write(folder.path().join(format!("{file}.jsonl")), lines).unwrap();
    }
    let sources: String = (0..3)
        .map(|n| format!("[[source]]\nname = '{n}'\npaths = ['{n}.jsonl']\nlang = 'en'\n"))
        .collect();
    let recipe = format!("output = 'out'\nmemory_mib = 64\n{sources}[dedup]\n");
    fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
    let (summary, _) = made(folder.path());
    let mut found = Vec::new();
    for unit in 0..3 {
        let table = folder.path().join(format!("out/texts/{unit:05}.parquet"));
        found.extend(open(&table).unwrap().flat_map(|rows| records(&rows.unwrap())).map(|r| r.id));
    }
    assert_eq!(found, expected);
    let reasons: BTreeMap<_, i64> =
        summary.dropped.iter().map(|row| (row.reason.clone(), row.n_records)).collect();
    assert!(summary.n_dropped() > 500, "{reasons:?}");
}
