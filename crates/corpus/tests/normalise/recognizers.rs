//! The cases of Recognizers-Text, by model.

use std::collections::BTreeMap;

use hadal_corpus::normalise::{
    Ends, Found, Lang, Sort, When, language, resolve, token, write_number,
};
use jiff::civil::DateTime;
use serde_json::{Map, Value};

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
        "NumberRangeModel" => &["number_range"],
        "NumberRangeModelExperimentalMode" => &["number_range_closed"],
        "DateExtractor" | "DateParser" => &["date"],
        "DatePeriodExtractor" | "DatePeriodParser" => &["daterange"],
        "TimeExtractor" | "TimeParser" => &["time"],
        "TimePeriodExtractor" | "TimePeriodParser" => &["timerange"],
        "DateTimeExtractor" | "DateTimeParser" => &["datetime"],
        "DateTimePeriodExtractor" | "DateTimePeriodParser" => &["datetimerange"],
        "DurationExtractor" | "DurationParser" => &["duration"],
        "SetExtractor" | "SetParser" => &["set"],
        "HolidayExtractor" | "HolidayParser" => &["holiday"],
        "DateTimeModelSplitDateAndTime" => {
            &["date", "time", "duration", "set", "timerange", "daterange"]
        }
        _ if model.starts_with("DateTimeModel") || model.starts_with("Merged") => &["merged"],
        "CurrencyModel" => &["currency"],
        "DimensionModel" => &["dimension"],
        "TemperatureModel" => &["temperature"],
        "AgeModel" => &["age"],
        _ => &[],
    }
}

/// As the specification writes texts: lower case, half width.
fn written(text: &str) -> String {
    text.chars().map(|c| if token::is_han(c) { c } else { token::fold(c) }).collect()
}

fn right(case: &Value, found: &[Found]) -> bool {
    let input = case["Input"].as_str().unwrap();
    let expected = case["Results"].as_array().unwrap();
    expected.len() == found.len()
        && expected.iter().zip(found).all(|(expected, found)| {
            let text = written(&input[found.start..found.end]);
            let Some(got) = resolve(&found.value) else { return false };
            let name = expected["TypeName"].as_str().or(expected["Type"].as_str()).unwrap_or("");
            let plain = |name: &str| name.replace("datetimeV2.", "").to_lowercase();
            written(expected["Text"].as_str().unwrap_or("").to_lowercase().as_str()) == text
                && plain(name) == plain(&got.type_name)
                && match expected.get("Resolution").or(expected.get("Value")) {
                    Some(Value::Object(fields)) if fields.contains_key("Timex") => {
                        found.value.when().is_some_and(|when| same_readings(fields, when))
                    }
                    Some(Value::Object(fields)) => fields.iter().all(|(key, value)| {
                        without_calendar(got.fields.get(key)) == without_calendar(Some(value))
                    }),
                    _ => true,
                }
        })
}

/// Values without `isLunar`, which says nothing of the day itself.
fn without_calendar(value: Option<&Value>) -> Option<Value> {
    let mut value = value?.clone();
    for reading in value.as_array_mut().into_iter().flatten() {
        if let Some(fields) = reading.as_object_mut() {
            fields.remove("isLunar");
        }
    }
    Some(value)
}

/// Whether a parser's case, `{Timex, FutureResolution, PastResolution}`, is what was read.
fn same_readings(fields: &Map<String, Value>, when: &When) -> bool {
    if fields["Timex"] != when.timex.as_str() {
        return false;
    }
    if when.sort == Sort::Set || !when.resolved {
        return true;
    }
    let texts = |name: &str| -> Vec<String> {
        let fields = fields.get(name).and_then(Value::as_object);
        fields
            .into_iter()
            .flat_map(|fields| fields.values())
            .map(|v| v.as_str().unwrap_or("").to_owned())
            .collect()
    };
    if when.sort == Sort::Duration {
        return texts("FutureResolution") == [write_number(when.seconds)];
    }
    let write = |at: DateTime| match when.sort {
        Sort::Date | Sort::DateRange => at.date().to_string(),
        Sort::Time | Sort::TimeRange => at.time().to_string(),
        _ => format!("{} {}", at.date(), at.time()),
    };
    let same = |name: &str, (start, end): Ends| {
        let (wanted, got) = (texts(name), [write(start), write(end)]);
        match wanted.as_slice() {
            [] => true,
            [one] => got.contains(one),
            // The fields of a range come in the order of their names: the end before the start.
            both => both.iter().all(|text| got.contains(text)),
        }
    };
    same("FutureResolution", when.future) && same("PastResolution", when.past)
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
            .unwrap_or("2021-05-03T00:00:00")
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

/// Floors stand just under what is reached, so that a loss is noticed.
#[test]
fn english() {
    let floors = [
        ("NumberModel", 0.98),
        ("OrdinalModel", 1.0),
        ("PercentModel", 1.0),
        ("NumberRangeModel", 0.93),
        ("DateTimeModel", 0.955),
        ("DateParser", 0.93),
        ("DatePeriodParser", 0.92),
        ("DateTimeParser", 0.96),
        ("DateTimePeriodParser", 0.97),
        ("TimeParser", 0.92),
        ("TimePeriodParser", 0.94),
        ("DurationParser", 1.0),
        ("SetParser", 1.0),
        ("DimensionModel", 0.86),
        ("TemperatureModel", 0.92),
        ("CurrencyModel", 0.69),
    ];
    check(Lang::En, "normalization/recognizers_text.english.public.jsonl.zst", &floors);
}

#[test]
fn chinese() {
    let floors = [
        ("NumberModel", 0.975),
        ("OrdinalModel", 1.0),
        ("PercentModel", 1.0),
        ("NumberRangeModel", 1.0),
        ("DateTimeModel", 0.95),
        ("DateParser", 1.0),
        ("DatePeriodParser", 0.88),
        ("CurrencyModel", 1.0),
        ("DimensionModel", 1.0),
    ];
    check(Lang::Zh, "normalization/recognizers_text.chinese.public.jsonl.zst", &floors);
}
