//! Public suites of pages whose text is known. The floors stand a little below what was measured.

use std::collections::HashMap;

use hadal_corpus::extract::extract;
use rayon::prelude::*;
use serde_json::Value;

use super::shared_data;

fn suite(name: &str) -> Option<Vec<Value>> {
    let bytes = shared_data(&format!("webextract/{name}.public.jsonl.zst"))?;
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    Some(lines.map(|line| serde_json::from_slice(line).unwrap()).collect())
}

fn string<'v>(page: &'v Value, key: &str) -> &'v str {
    page[key].as_str().unwrap_or_default()
}

/// Runs of four words, or the whole of a shorter text, each with how often it stands there.
fn shingles(text: &str) -> HashMap<Vec<&str>, usize> {
    let is_no_word = |letter: char| !(letter.is_alphanumeric() || letter == '_');
    let words: Vec<&str> = text.split(is_no_word).filter(|word| !word.is_empty()).collect();
    let mut counts = HashMap::new();
    for at in 0..words.len().saturating_sub(3).max(1) {
        let shingle = words[at..words.len().min(at + 4)].to_vec();
        if !shingle.is_empty() {
            *counts.entry(shingle).or_default() += 1;
        }
    }
    counts
}

/// Shingles in both texts, in the found text only, in the true text only.
fn matches(truth: &str, found: &str) -> [f64; 3] {
    let (truth, found) = (shingles(truth), shingles(found));
    let n = |counts: &HashMap<Vec<&str>, usize>| counts.values().sum::<usize>();
    let both: usize =
        truth.iter().map(|(words, &n)| n.min(found.get(words).copied().unwrap_or(0))).sum();
    [both as f64, (n(&found) - both) as f64, (n(&truth) - both) as f64]
}

/// The benchmark's F1: of mean precision and mean recall, over pages on which each is defined.
fn f1(pages: &[[f64; 3]]) -> f64 {
    let mean = |shares: Vec<f64>| shares.iter().sum::<f64>() / shares.len() as f64;
    let share = |both: f64, only: f64| (both + only > 0.0).then(|| both / (both + only));
    let precision = mean(pages.iter().filter_map(|&[both, found, _]| share(both, found)).collect());
    let recall = mean(pages.iter().filter_map(|&[both, _, truth]| share(both, truth)).collect());
    println!("precision {precision:.4}, recall {recall:.4}");
    2.0 * precision * recall / (precision + recall)
}

fn check(name: &str, score: f64, floor: f64) {
    println!("{name}: {score:.4}");
    assert!(score >= floor, "{name}: {score:.4} is below {floor}");
}

#[test]
fn articles_of_news_pages_are_found() {
    let Some(pages) = suite("article_extraction_benchmark") else { return };
    let score = |page: &Value| {
        let found = extract(string(page, "html"), page["url"].as_str());
        matches(string(page, "articleBody"), &found.text)
    };
    check("F1", f1(&pages.par_iter().map(score).collect::<Vec<_>>()), 0.975);
}

#[test]
fn texts_of_mixed_pages_keep_what_belongs_and_lose_what_does_not() {
    let Some(pages) = suite("trafilatura_eval") else { return };
    let count = |page: &Value| {
        let text = extract(string(page, "html"), page["url"].as_str()).text;
        let n = |key: &str| {
            let segments = page[key].as_array().unwrap();
            let found = segments.iter().filter(|part| text.contains(part.as_str().unwrap()));
            (found.count() as f64, segments.len() as f64)
        };
        let ((kept, wanted), (clutter, _)) = (n("must"), n("must_not"));
        [kept, clutter, wanted - kept]
    };
    let counts: Vec<[f64; 3]> = pages.par_iter().map(count).collect();
    let total = |at: usize| counts.iter().map(|count| count[at]).sum::<f64>();
    let (precision, recall) = (total(0) / (total(0) + total(1)), total(0) / (total(0) + total(2)));
    println!("precision {precision:.4}, recall {recall:.4}");
    check("F1 of segments", 2.0 * precision * recall / (precision + recall), 0.91);
}

#[test]
fn pages_read_as_a_browser_reads_them() {
    let Some(pages) = suite("readability_pages") else { return };
    let results: Vec<([f64; 3], bool)> = pages
        .par_iter()
        .map(|page| {
            let found = extract(string(page, "source"), None);
            // What is expected is a page of its own, of text alone.
            let truth = text_of(string(page, "expected"));
            let title = page["metadata"]["title"].as_str().map(str::trim);
            (matches(&truth, &found.text), found.title.as_deref() == title)
        })
        .collect();
    let scores: Vec<[f64; 3]> = results.iter().map(|&(scores, _)| scores).collect();
    check("F1", f1(&scores), 0.90);
    let n_titles = results.iter().filter(|(_, is_same)| *is_same).count();
    check("titles that are the same", n_titles as f64 / results.len() as f64, 0.5);
}

/// All text of a page, elements that are no part of a line apart.
fn text_of(html: &str) -> String {
    use hadal_corpus::extract::dom::{Dom, Tag, resolve_into};
    let dom = Dom::parse(html);
    let mut text = String::new();
    for (id, node) in dom.nodes().iter().enumerate() {
        if node.tag == Tag::Text {
            resolve_into(dom.raw(id), false, &mut text);
        } else if node.tag.is_block() || node.tag == Tag::Br {
            text.push('\n');
        }
    }
    text
}
