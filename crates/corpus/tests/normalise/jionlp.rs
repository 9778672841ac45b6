//! The cases of JioNLP: times by their first and last second or their length, and money.

use hadal_corpus::normalise::{
    Bound, Found, Lang, Money, Period, Stretch, Value as Meaning, language,
};
use jiff::civil::DateTime;
use serde_json::{Value, json};

use crate::data;

/// The moment a case is read at: parts of a date, by position or by name. A time stamp is in the
/// suite's own time zone, eight hours east.
fn reference(json: &Value) -> Option<DateTime> {
    let mut parts = [2021, 1, 1, 0, 0, 0];
    match json {
        Value::Array(list) => {
            for (part, value) in parts.iter_mut().zip(list) {
                *part = value.as_i64()?;
            }
        }
        Value::Object(fields) => {
            let names = ["year", "month", "day", "hour", "minute", "second"];
            for (part, name) in parts.iter_mut().zip(names) {
                if let Some(value) = fields.get(name) {
                    *part = value.as_i64()?;
                }
            }
        }
        Value::Number(stamp) => {
            let second = stamp.as_f64()? as i64 + 8 * 3600;
            let epoch: DateTime = "1970-01-01T00:00:00".parse().ok()?;
            return epoch.checked_add(jiff::Span::new().seconds(second)).ok();
        }
        _ => {}
    }
    let [year, month, day, hour, minute, second] = parts;
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    text.parse().ok()
}

/// Units of a base that names no smaller one.
fn exactness(json: &Value) -> usize {
    match json {
        Value::Array(list) => list.len(),
        Value::Object(fields) => fields.len(),
        _ => 6,
    }
}

/// What is counted from now is no more exact than the base: the last second of its month, its day …
fn last_of_base(at: DateTime, exactness: usize) -> DateTime {
    let month = || at.date().last_of_month().day();
    let text = match exactness {
        1 => format!("{:04}-12-31T23:59:59", at.year()),
        2 => format!("{:04}-{:02}-{:02}T23:59:59", at.year(), at.month(), month()),
        3 => format!("{}T23:59:59", at.date()),
        4 => format!("{}T{:02}:59:59", at.date(), at.hour()),
        5 => format!("{}T{:02}:{:02}:59", at.date(), at.hour(), at.minute()),
        _ => return at,
    };
    text.parse().unwrap()
}

/// A period as JioNLP writes the `time` of its results.
fn jionlp_time(period: &Period, exactness: usize) -> Value {
    let write = |at: DateTime| format!("{} {}", at.date(), at.time());
    let stretch = |stretch: &Stretch| {
        let last = stretch.last.map(|last| match stretch.to_now {
            true => last_of_base(last, exactness),
            false => last,
        });
        let first = stretch.first.map_or("-inf".to_owned(), write);
        json!([first, last.map_or("inf".to_owned(), write)])
    };
    let length = |parts: &Vec<(f64, String)>| -> Value {
        let part = |(n, unit): &(f64, String)| match unit.as_str() {
            "Y" => ("year".to_owned(), json!(n)),
            "M" => ("month".to_owned(), json!(n)),
            "W" => ("day".to_owned(), json!(n * 7.0)),
            "BD" => ("workday".to_owned(), json!(n)),
            "H" => ("hour".to_owned(), json!(n)),
            "TM" => ("minute".to_owned(), json!(n)),
            "S" => ("second".to_owned(), json!(n)),
            _ => ("day".to_owned(), json!(n)),
        };
        parts.iter().map(part).collect()
    };
    match period {
        Period::Stretch(between) => stretch(between),
        Period::Length(parts) => length(parts),
        Period::Lengths(low, high) => {
            let low = low.as_ref().map_or(json!({"zero": true}), length);
            json!([low, high.as_ref().map_or(json!({"infinite": true}), length)])
        }
        Period::Cycle(every, at) => {
            json!({"delta": length(every), "point": at.as_ref().map(stretch)})
        }
    }
}

/// JioNLP keeps the words of what comes again beside its time; they are not compared, nor whether a
/// number is whole by its type.
fn compared(wanted: &Value) -> Value {
    match wanted {
        Value::Object(fields) if fields.contains_key("delta") => {
            json!({"delta": compared(&fields["delta"]), "point": fields["point"]["time"]})
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), value.as_f64().map_or(value.clone(), Value::from)))
            .collect(),
        other => other.clone(),
    }
}

#[test]
fn time_cases() {
    let Some(cases) = data::lines("normalization/jionlp_zh.public.jsonl") else { return };
    let language = language(Lang::Zh);
    let (mut passed, mut all) = (0, 0);
    for case in &cases {
        let case_of = case["case"].as_array().unwrap();
        if case["test"] != "test_time_parser" || case_of.len() < 3 {
            continue;
        }
        let (Some(text), Some(at)) = (case_of[0].as_str(), reference(&case_of[1])) else {
            continue;
        };
        all += 1;
        let found = language.find(&["period"], text, at);
        let got = match found.as_slice() {
            [Found { value: Meaning::Period(period), .. }] => {
                jionlp_time(period, exactness(&case_of[1]))
            }
            _ => Value::Null,
        };
        let wanted = compared(&case_of[2]["time"]);
        passed += u32::from(got == wanted);
        if got != wanted {
            println!("FAIL JioNLP: {text} @{at} {got} instead of {wanted}");
        }
    }
    println!("JioNLP time: {passed} of {all}, {:.1} %", 100.0 * f64::from(passed) / f64::from(all));
    assert!(f64::from(passed) >= 0.9 * f64::from(all), "{passed} of {all}");
}

/// A sum as JioNLP writes it.
fn jionlp_money(money: &Money) -> Value {
    let write = |amount: f64| format!("{amount:.2}");
    let num = match money.to {
        Some(to) => json!([write(money.amount), write(to)]),
        None => json!(write(money.amount)),
    };
    let definition = match money.bound {
        Bound::Exact => "accurate",
        Bound::About => "blur",
        Bound::AtLeast => "blur+",
        Bound::AtMost => "blur-",
    };
    json!({"num": num, "case": &*money.unit, "definition": definition})
}

#[test]
fn money_cases() {
    let Some(cases) = data::lines("normalization/jionlp_zh.public.jsonl") else { return };
    let language = language(Lang::Zh);
    let (mut passed, mut all) = (0, 0);
    for case in cases.iter().filter(|case| case["test"] == "test_money_parser") {
        let (text, wanted) = (case["case"][0].as_str().unwrap(), &case["case"][1]);
        all += 1;
        let found = language.find(&["money", "money_bare"], text, DateTime::MIN);
        let got = match found.as_slice() {
            [Found { value: Meaning::Money(money), .. }] => jionlp_money(money),
            _ => Value::Null,
        };
        passed += u32::from(got == *wanted);
        if got != *wanted {
            println!("FAIL JioNLP money: {text} {got} instead of {wanted}");
        }
    }
    println!("JioNLP money: {passed} of {all}");
    assert!(f64::from(passed) >= 0.9 * f64::from(all), "{passed} of {all}");
}

/// Where times and sums stand in a text, without what they come to.
#[test]
fn extractor_cases() {
    let Some(cases) = data::lines("normalization/jionlp_zh.public.jsonl") else { return };
    let language = language(Lang::Zh);
    for (test, rule) in [("test_time_extractor", "period"), ("test_money_extractor", "money_alone")]
    {
        let (mut passed, mut all) = (0, 0);
        for case in cases.iter().filter(|case| case["test"] == test) {
            let (text, wanted) = (case["case"][0].as_str().unwrap(), &case["case"][1]);
            all += 1;
            let at: DateTime = "2021-07-14T00:00:00".parse().unwrap();
            let found = language.find(&[rule], text, at);
            let got: Vec<&str> = found.iter().map(|found| &text[found.start..found.end]).collect();
            let texts = wanted.as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap());
            let right = texts.eq(got.iter().copied());
            passed += u32::from(right);
            if !right {
                println!("FAIL JioNLP {test}: {text} {got:?}");
            }
        }
        println!("JioNLP {test}: {passed} of {all}");
        assert!(f64::from(passed) >= 0.5 * f64::from(all), "{passed} of {all}");
    }
}
