//! The cases of JioNLP's time parser, compared by their first and last second.

use hadal_corpus::normalise::{Lang, Open, Sort, language};
use jiff::civil::DateTime;
use serde_json::Value;

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

fn write(at: DateTime) -> String {
    format!("{} {}", at.date(), at.time())
}

fn minus_second(at: DateTime) -> DateTime {
    at.checked_sub(jiff::Span::new().seconds(1)).unwrap_or(at)
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
        let wanted = &case_of[2]["time"];
        let (Some(text), Some(at)) = (case_of[0].as_str(), reference(&case_of[1])) else {
            continue;
        };
        all += 1;
        let found = language.find(&["merged"], text, at);
        let right = match (found.as_slice(), wanted) {
            ([one], Value::Array(ends)) if ends.len() == 2 && ends[0].is_string() => {
                let when = one.value.when();
                when.is_some_and(|when| {
                    let same = |(start, end): (DateTime, DateTime)| {
                        let last = match when.sort {
                            Sort::Date => minus_second(end.tomorrow().unwrap_or(end)),
                            Sort::DateRange | Sort::DateTimeRange => minus_second(end),
                            _ => end,
                        };
                        let start =
                            if when.open == Open::Start { "-inf".into() } else { write(start) };
                        let last = if when.open == Open::End { "inf".into() } else { write(last) };
                        ends[0] == start.as_str() && ends[1] == last.as_str()
                    };
                    same(when.past) || same(when.future)
                })
            }
            ([one], Value::Object(parts)) => one.value.when().is_some_and(|when| {
                let length = |name: &str| match name {
                    "year" => 31_536_000.0,
                    "month" => 2_592_000.0,
                    "day" | "workday" => 86_400.0,
                    "hour" => 3600.0,
                    "minute" => 60.0,
                    _ => 1.0,
                };
                let sum: f64 =
                    parts.iter().filter_map(|(name, n)| n.as_f64().map(|n| n * length(name))).sum();
                when.sort == Sort::Duration && when.seconds == sum
            }),
            _ => false,
        };
        passed += u32::from(right);
        if !right {
            println!("FAIL JioNLP: {text} @{at}");
        }
    }
    println!("JioNLP time: {passed} of {all}, {:.1} %", 100.0 * f64::from(passed) / f64::from(all));
    assert!(passed >= 23, "{passed} of {all}");
}
