//! Places and their codes: JioNLP's location cases, and names of our own.

use hadal_corpus::normalise::{Lang, Options, find_places, normalise, resolve, undo};
use serde_json::Value;

use crate::data;

/// The first place of a text: its fields, and what stands after it.
fn first(text: &str) -> Option<(serde_json::Map<String, Value>, &str)> {
    let found = find_places(text);
    let first = found.first()?;
    Some((resolve(&first.value)?.fields, &text[first.end..]))
}

/// JioNLP calls a zone by its common name, and writes the special regions without it.
fn same_name(wanted: &Value, got: Option<&Value>) -> bool {
    match (wanted.as_str(), got.and_then(Value::as_str)) {
        (None, None) => true,
        (Some(wanted), Some(got)) => {
            wanted == got || got.ends_with(wanted) || got.starts_with(wanted)
        }
        _ => false,
    }
}

#[test]
fn jionlp_locations() {
    let Some(cases) = data::lines("normalization/jionlp_zh.public.jsonl") else { return };
    let (mut passed, mut all) = (0, 0);
    for case in cases.iter().filter(|case| case["test"] == "test_location_parser") {
        let (text, wanted) = (case["case"][0].as_str().unwrap(), &case["case"][3]);
        all += 1;
        let right = first(text).is_some_and(|(fields, rest)| {
            let same = |name: &str| {
                let got = fields.get(name).filter(|got| *got != "省直辖行政区划");
                same_name(&wanted[name], got)
            };
            same("province") && same("city") && same("county") && wanted["detail"] == rest
        });
        passed += u32::from(right);
        if !right {
            println!("FAIL JioNLP location: {text} {:?}", first(text));
        }
    }
    println!("JioNLP location: {passed} of {all}");
    assert!(f64::from(passed) >= 0.99 * f64::from(all), "{passed} of {all}");
}

#[test]
fn names_come_to_codes() {
    for (text, codes) in [
        ("从广东深圳南山区到上海浦东新区", &["440305", "310115"][..]),
        ("柳州地区忻城县与襄樊市", &["451321", "420600"]),
        ("四川、四海、陆地上的五台县", &["510000", "140922"]),
        ("上海市南京路旁的北京西路", &["310000"]),
        ("吉林省吉林市，吉林", &["220200", "220000"]),
        ("鼓楼区的人", &[]),
        ("福州市鼓楼区的人", &["350102"]),
        ("美国加利福尼亚州、法国", &["US", "US-CA", "FR"]),
        ("From New South Wales to the United States and France.", &["AU-NSW", "US", "FR"]),
        ("Inner Mongolia, Guangdong, Sao Paulo", &["150000", "440000", "BR-SP"]),
        ("a turkey in china, Georgia on my mind", &[]),
    ] {
        let found = find_places(text);
        let got: Vec<String> = found
            .iter()
            .filter_map(|found| resolve(&found.value))
            .map(|place| place.fields["value"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(got, codes, "{text}");
    }
}

#[test]
fn places_are_rewritten_where_that_is_wished() {
    for (lang, text, rewritten) in [
        (Lang::Zh, "他住在广东深圳南山区。", "他住在CN-440305。"),
        (Lang::En, "She left California for France.", "She left US-CA for FR."),
        (Lang::En, "The New York Times of California", "The New York Times of California"),
    ] {
        let mut options = Options { lang, reference: None, half_width: false, places: false };
        let found = normalise(text, &options);
        assert_eq!(found.text, text);
        assert!(found.spans.iter().all(|span| span.type_name == "place"), "{:?}", found.spans);
        options.places = true;
        let got = normalise(text, &options);
        assert_eq!(got.text, rewritten);
        assert_eq!(undo(&got), text);
        assert_eq!(normalise(rewritten, &options).text, rewritten);
    }
}
