//! The cases of Recognizers-Text, by model.

use std::collections::BTreeMap;

use hadal_corpus::normalise::{Found, Lang, language, resolve, token};
use jiff::civil::DateTime;
use serde_json::Value;

use crate::data;

/// The rules that answer for a model of the specification; none for a model we do not have.
fn rules(model: &str) -> &'static [&'static str] {
    match model {
        "NumberModel" | "NumberModelExperimentalMode" => &["number"],
        "NumberModelPercentMode" => &["number_percent_mode"],
        "OrdinalModel" => &["ordinal_model"],
        "OrdinalModelSuppressExtendedTypes" => &["ordinal"],
        "PercentModel" => &["percent_model"],
        "PercentModelPercentMode" => &["percent_mode_model"],
        "NumberRangeModel" | "NumberRangeModelExperimentalMode" => &["number_range"],
        _ => &[],
    }
}

/// As the specification writes texts: lower case, half width.
fn written(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap(),
            _ if token::is_han(c) => c,
            _ => token::fold(c),
        })
        .collect()
}

fn right(case: &Value, found: &[Found]) -> bool {
    let input = case["Input"].as_str().unwrap();
    let expected = case["Results"].as_array().unwrap();
    expected.len() == found.len()
        && expected.iter().zip(found).all(|(expected, found)| {
            let text = written(&input[found.start..found.end]);
            let Some(got) = resolve(&found.value) else { return false };
            let name = expected["TypeName"].as_str().or(expected["Type"].as_str());
            written(expected["Text"].as_str().unwrap()) == text
                && name == Some(&got.type_name)
                && match expected.get("Resolution").or(expected.get("Value")) {
                    Some(Value::Object(fields)) => fields
                        .iter()
                        .all(|(key, value)| got.fields.get(key) == Some(value)),
                    _ => true,
                }
        })
}

/// Cases that the specification marks as supported by no platform of its own are left out.
fn unsupported(case: &Value) -> bool {
    let marked = case["NotSupported"].as_str().unwrap_or("").to_lowercase();
    ["dotnet", "java", "javascript", "python"]
        .iter()
        .all(|platform| marked.split(',').any(|name| name.trim() == *platform))
}

fn check(lang: Lang, file: &str, floors: &[(&str, f64)]) {
    let Some(cases) = data::lines(file) else { return };
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let language = language(lang);
    for case in cases.iter().filter(|case| !unsupported(case)) {
        let model = case["model"].as_str().unwrap();
        let count = counts.entry(model.to_owned()).or_default();
        count.1 += 1;
        let reference: DateTime = case["Context"]["ReferenceDateTime"]
            .as_str()
            .unwrap_or("2016-11-07T00:00:00")
            .parse()
            .unwrap();
        let input = case["Input"].as_str().unwrap();
        let rules = rules(model);
        if rules.is_empty() {
            continue;
        }
        let found = language.find(rules, input, reference);
        if right(case, &found) {
            count.0 += 1;
            continue;
        }
        println!("FAIL {model}: {input} @{reference}");
        for expected in case["Results"].as_array().unwrap() {
            let what = expected.get("Resolution").or(expected.get("Value"));
            println!("    want [{}] {} {}", expected["Text"].as_str().unwrap_or(""),
                expected["TypeName"].as_str().or(expected["Type"].as_str()).unwrap_or(""),
                what.map_or(String::new(), Value::to_string));
        }
        for found in found {
            let got = resolve(&found.value);
            println!("    got  [{}] {}", &input[found.start..found.end], got.map_or(
                "nothing".to_owned(),
                |got| format!("{} {}", got.type_name, Value::Object(got.fields))
            ));
        }
    }
    for (model, (passed, all)) in &counts {
        let rate = f64::from(*passed) / f64::from(*all);
        println!("{lang:?} {model}: {passed} of {all}, {:.1} %", rate * 100.0);
    }
    for (model, floor) in floors {
        let (passed, all) = counts[*model];
        assert!(f64::from(passed) >= floor * f64::from(all), "{model}: {passed} of {all}");
    }
}

#[test]
fn english() {
    check(Lang::En, "normalization/recognizers_text.english.public.jsonl.zst", &[]);
}

#[test]
fn chinese() {
    check(Lang::Zh, "normalization/recognizers_text.chinese.public.jsonl.zst", &[]);
}
