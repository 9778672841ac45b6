//! What a run makes.

use std::fs;
use std::path::Path;

use hadal_corpus::run::{Wanted, inspect};
use hadal_corpus::table::{open, records};
use hadal_tokenizer::Tokenizer;
use hadal_train::Shards;

use crate::sea::{made, sources, text, tokenizer};

fn reason_count(summary: &hadal_corpus::run::Summary, reason: &str) -> i64 {
    let rows = summary.dropped.iter().filter(|row| row.reason == reason);
    rows.map(|row| row.n_records).sum()
}

#[test]
fn every_step_of_the_recipe_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    sources(folder.path());
    let (summary, _) = made(folder.path());
    let out = folder.path().join("out");
    // Two lines are what is asked for, and a third shares thirteen words with it by chance. Of 60 lines
    // 12 are copies, one of a line that is asked for.
    assert_eq!(reason_count(&summary, "line is not a JSON record"), 1);
    assert_eq!(reason_count(&summary, "shares a run of words with an evaluation set"), 3);
    let n_exact = reason_count(&summary, "exact duplicate");
    assert!((9..=11).contains(&n_exact), "{:?}", summary.dropped);
    assert!(reason_count(&summary, "near duplicate") >= 4, "{:?}", summary.dropped);
    assert_eq!(summary.n_left() % 2, 0, "each has one copy by augmentation");

    let texts: Vec<_> = open(&out.join("texts/00000.parquet"))
        .unwrap()
        .flat_map(|rows| records(&rows.unwrap()))
        .collect();
    let page = texts.iter().find(|page| page.text.contains("number 5 of the log")).unwrap();
    assert!(page.text.contains("2021-05-03"), "{}", page.text);
    assert!(!page.text.contains("keeper5@"), "{}", page.text);
    assert_eq!(page.title.as_deref(), Some("Log 5"));
    assert_eq!(page.licence.as_deref(), Some("CC0-1.0"));
    assert_eq!(page.lang.as_deref(), Some("en"));

    for name in ["card.md", "card.html", "card/sources.svg", "card/dropped.svg", "card/lengths.svg"]
    {
        assert!(out.join(name).is_file(), "{name}");
    }
    let card = fs::read_to_string(out.join("card.md")).unwrap();
    for expected in ["| pages | CC0-1.0 | en |", "exact duplicate", "[decontaminate]", "`train`"] {
        assert!(card.contains(expected), "{expected} in {card}");
    }
}

#[test]
fn the_trainer_reads_the_shards() {
    let folder = tempfile::tempdir().unwrap();
    sources(folder.path());
    let (summary, _) = made(folder.path());
    let tokenizer = Tokenizer::from_folder(&tokenizer()).unwrap();
    let mut n = 0;
    for (name, report) in [("train", &summary.train), ("validation", &summary.validation)] {
        let report = report.as_ref().unwrap();
        let shards = Shards::open(&folder.path().join("out").join(name)).unwrap();
        assert_eq!(
            (shards.n_tokens(), shards.n_documents()),
            (report.n_tokens, report.n_documents)
        );
        for (ids, n_bytes) in shards.documents() {
            let ids: Vec<u32> = ids.iter().map(|&id| id as u32).collect();
            assert_eq!(ids.last().copied(), tokenizer.eos());
            let text = tokenizer.decode(&ids, true).unwrap();
            assert_eq!(text.len(), n_bytes);
            assert!(text.contains("In"), "{text}");
            n += 1;
        }
    }
    assert!(
        summary.train.as_ref().unwrap().sha256.len() > 1,
        "shards are closed when they are full"
    );
    assert!(n > 40, "{n}");
}

#[test]
fn shares_are_those_of_the_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let lines = |from: u64, n: u64| -> String {
        (from..from + n)
            .map(|n| serde_json::json!({ "text": text(n) }).to_string() + "\n")
            .collect()
    };
    fs::write(path.join("a.jsonl"), lines(0, 400)).unwrap();
    fs::write(path.join("b.jsonl"), lines(1000, 100)).unwrap();
    let recipe = |share_of_a: f64| {
        format!(
            "output = 'out'\n[[source]]\nname = 'a'\npaths = ['a.jsonl']\nshare = {share_of_a}\n\
             [[source]]\nname = 'b'\npaths = ['b.jsonl']\nshare = {}\n\
             [pack]\ntokenizer = '{}'\nmost_epochs = 2\n",
            1.0 - share_of_a,
            tokenizer().display()
        )
    };
    for (share_of_a, n_of_a, n_of_b) in [(0.5, 200, 200), (0.8, 800, 200)] {
        fs::write(path.join("recipe.toml"), recipe(share_of_a)).unwrap();
        let (summary, _) = made(path);
        let n = summary.train.unwrap().n_documents as i64;
        assert!((n - n_of_a - n_of_b).abs() < 40, "{n} documents for {share_of_a}");
        let of_b = summary.epochs["b"];
        assert!((of_b - n_of_b as f64 / 100.0).abs() < 0.05, "{of_b}");
    }
}

#[test]
fn kept_and_dropped_are_shown_as_they_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    sources(folder.path());
    made(folder.path());
    let ask = |wanted: Wanted| inspect(&folder.path().join("out"), &wanted).unwrap();
    let some = ask(Wanted { n: 4, ..Wanted::default() });
    assert_eq!((some.kept.len(), some.dropped.len()), (4, 4));
    assert_eq!(some, ask(Wanted { n: 4, ..Wanted::default() }));
    assert_ne!(some, ask(Wanted { n: 4, seed: 1, ..Wanted::default() }));
    let reason = Some("it's not".to_owned());
    assert!(ask(Wanted { n: 4, reason, ..Wanted::default() }).dropped.is_empty());
    let step = Some("decontaminate".to_owned());
    let found = ask(Wanted { n: 9, step, source: Some("lines".to_owned()), ..Wanted::default() });
    assert_eq!(found.dropped.len(), 3);
    assert!(found.dropped.iter().all(|dropped| dropped.record.id.starts_with("line-")));
}

#[test]
fn a_recipe_that_cannot_be_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    let check = |recipe: &str, expected: &str| {
        fs::write(&path, recipe).unwrap();
        let error = hadal_corpus::run::Recipe::read(&path).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let source = "[[source]]\nname = 'a'\npaths = ['x']\n";
    check("output = 'o'", "missing field `source`");
    check("output = 'o'\nsource = []", "it has no [[source]]");
    check(&format!("output = 'o'\ncolour = 1\n{source}"), "unknown field `colour`");
    check(&format!("output = 'o'\n{source}{source}"), "two sources are named \"a\"");
    check(&format!("output = 'o'\n{source}share = 0.5\n"), "add up to 0.5");
    check("output = 'o'\n[[source]]\nname = 'a'\n", "neither `paths` nor `list`");
    check(&format!("output = 'o'\nmemory_mib = 1\n{source}"), "64 is the least");
    check(
        &format!("output = 'o'\n{source}[dedup]\nthreshold = 0.0\n"),
        "threshold of [dedup] is 0",
    );
    check(
        &format!("output = 'o'\n{source}[pack]\ntokenizer = 't'\nvalidation = 1.0\n"),
        "validation",
    );
    fs::remove_file(&path).unwrap();
    let error = hadal_corpus::run::Recipe::read(Path::new(&path)).err().unwrap().to_string();
    assert!(error.contains("recipe.toml: "), "{error}");
}
