//! Written to spoken and back, on the public halves of the suites.

#![allow(clippy::unwrap_used)]

#[path = "normalise/data.rs"]
mod data;
#[path = "spoken/english.rs"]
mod english;

use std::collections::BTreeMap;

use hadal_corpus::spoken::{Chinese, Conventions, Direction, Lang, Options, rewrite};

/// The conventions that a suite's category is written in.
fn options(suite: &str, lang: &str, kind: &str, category: &str) -> Options {
    let direction = if kind == "tn" { Direction::ToSpoken } else { Direction::ToWritten };
    let conventions =
        if suite.starts_with("NeMo") { Conventions::Nemo } else { Conventions::WeText };
    Options {
        conventions,
        keep_spacing: category.ends_with("_match_input"),
        chinese: chinese(suite, kind, category),
        ..Options::new(Lang::from_code(lang).unwrap(), direction)
    }
}

/// What WeTextProcessing's categories choose for Chinese; its whole normaliser cleans texts as well.
fn chinese(suite: &str, kind: &str, category: &str) -> Chinese {
    let whole = suite == "WeTextProcessing"
        && (category.starts_with("normalizer") || category == "postprocessor");
    Chinese {
        standalone_numbers: !category.contains("disable_standalone_number"),
        single_digits: !category.contains("disable_0_to_9"),
        half_width: whole,
        without_interjections: whole,
        without_erhua: whole && kind == "tn",
        without_punctuation: false,
        tag_unknown: category == "normalizer_tag_oov" || category == "postprocessor",
    }
}

/// Checks that at least `floor` of the cases of a language and kind come out as expected.
fn check(lang: &str, kind: &str, floor: f64) {
    let Some(cases) = data::lines("normalization/tn_itn.public.jsonl.zst") else { return };
    let (mut n_right, mut n_cases) = (0u32, 0u32);
    let mut table: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for case in &cases {
        let field = |name: &str| case[name].as_str().unwrap();
        if field("lang") != lang || field("kind") != kind {
            continue;
        }
        let (suite, category) = (field("suite"), field("cat"));
        let got = rewrite(field("input"), &options(suite, lang, kind, category));
        let right = got == field("expected");
        if !right {
            println!(
                "{suite} {category}: {:?}\n  wants {:?}\n  got   {got:?}",
                field("input"),
                field("expected")
            );
        }
        let row = table.entry((suite, category)).or_default();
        row.0 += usize::from(right);
        row.1 += 1;
        n_right += u32::from(right);
        n_cases += 1;
    }
    for ((suite, category), (n_right, n_cases)) in table {
        println!("{lang} {kind} {suite:22} {category:24} {n_right:4} of {n_cases:4}");
    }
    let share = f64::from(n_right) / f64::from(n_cases);
    println!("{lang} {kind} {n_right} of {n_cases}: {:.1} %", 100.0 * share);
    assert!(share >= floor, "{lang} {kind}: {share:.3} of the cases, {floor} were reached before");
}

#[test]
fn english_to_spoken() {
    check("en", "tn", 0.99);
}

#[test]
fn english_to_written() {
    check("en", "itn", 0.995);
}

#[test]
fn chinese_to_spoken() {
    check("zh", "tn", 0.99);
}

#[test]
fn chinese_to_written() {
    check("zh", "itn", 0.99);
}
