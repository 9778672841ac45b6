//! Public sets of near duplicates, where they are beside the repository.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use hadal_corpus::dedup::{Entry, Index, Rule};
use ruzstd::decoding::StreamingDecoder;
use serde_json::Value;

/// The lines of a set, or `None` with a message where it is absent.
fn set(name: &str) -> Option<Vec<Value>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/dedup");
    let path: PathBuf = data.join(name);
    let Ok(file) = File::open(&path) else {
        eprintln!("skipped: {} is absent", path.display());
        return None;
    };
    let lines = BufReader::new(StreamingDecoder::new(file).unwrap()).lines();
    Some(lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect())
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap()
}

/// Pairs within groups.
fn n_pairs<K: Ord>(groups: impl Iterator<Item = K>) -> f64 {
    let mut sizes = BTreeMap::new();
    groups.for_each(|group| *sizes.entry(group).or_insert(0.0) += 1.0);
    sizes.values().map(|n| n * (n - 1.0) / 2.0).sum()
}

#[test]
fn versions_of_an_article_are_found() {
    let Some(records) = set("article_versions.public.jsonl.zst") else { return };
    let mut index = Index::new(Rule::default());
    for record in &records {
        index.insert(&Entry::of(text(record, "text")));
    }
    let clusters: Vec<u32> = (0..records.len() as u32).map(|n| index.cluster(n)).collect();
    let truth = || records.iter().map(|record| text(record, "cluster"));
    let both = n_pairs(truth().zip(clusters.iter().copied()));
    let (found, true_pairs) = (n_pairs(clusters.iter()), n_pairs(truth()));
    let (precision, recall) = (both / found, both / true_pairs);
    let f1 = 2.0 * both / (found + true_pairs);
    println!("article versions: F1 {f1:.4}, precision {precision:.4}, recall {recall:.4}");
    assert!(f1 >= 0.93, "{f1}");
}

/// The share of pairs that an index with the first text links the second to.
fn share_linked<'a>(pairs: impl Iterator<Item = &'a Value>) -> (f64, usize) {
    let (mut n_linked, mut n_pairs) = (0, 0);
    let pairs: Vec<_> = pairs.collect();
    let mut index = Index::new(Rule::default());
    for pair in &pairs {
        index.insert(&Entry::of(text(pair, "a")));
    }
    for (number, pair) in pairs.iter().enumerate() {
        let answer = index.query(&Entry::of(text(pair, "b")));
        let cluster = index.cluster(number as u32);
        n_linked += usize::from(answer.links.iter().any(|&link| index.cluster(link) == cluster));
        n_pairs += 1;
    }
    (f64::from(n_linked as u32) / f64::from(n_pairs as u32), n_pairs)
}

#[test]
fn two_editions_of_a_poem_are_found_the_more_alike_they_are() {
    let Some(pairs) = set("tang_variants_zh.public.jsonl.zst") else { return };
    for (from, to, least) in
        [(0.0, 0.6, 0.0), (0.6, 0.7, 0.0), (0.7, 0.8, 0.0), (0.8, 0.9, 0.9), (0.9, 1.1, 0.99)]
    {
        let band =
            pairs.iter().filter(|pair| (from..to).contains(&pair["jaccard2"].as_f64().unwrap()));
        let (share, n) = share_linked(band);
        println!("editions with bigram Jaccard {from} to {to}: {share:.3} of {n} found");
        assert!(n == 0 || share >= least, "{share}");
    }
}

#[test]
fn paraphrases_are_not_duplicates() {
    for name in ["mrpc/train.jsonl.zst", "mrpc/test.public.jsonl.zst"] {
        let Some(pairs) = set(name) else { return };
        for label in [0, 1] {
            let (share, n) = share_linked(pairs.iter().filter(|pair| pair["label"] == label));
            println!("{name}, label {label}: {share:.3} of {n} called duplicates");
            assert!(share < 0.35, "{share}");
        }
    }
}
