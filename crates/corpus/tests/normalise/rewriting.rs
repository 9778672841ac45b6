//! Texts and the form they are given.

use hadal_corpus::Record;
use hadal_corpus::Step as _;
use hadal_corpus::normalise::{Lang, Normalise, Options, Undo, normalise};

use crate::data;

fn check(lang: Lang, text: &str, rewritten: &str) {
    let reference = Some("2016-11-07T16:12:00".parse().unwrap());
    let got = normalise(text, &Options { lang, reference, half_width: true, places: false });
    assert_eq!(got.text, rewritten, "{text}");
}

#[test]
fn english_texts_are_given_one_form() {
    check(Lang::En, "I'll be back tomorrow.", "I'll be back 2016-11-08.");
    check(Lang::En, "It took twenty-one days", "It took P21D");
    check(Lang::En, "about two hundred and two thousand people", "about 202000 people");
    check(Lang::En, "the twenty-first time, 1,234,567 files", "the 21st time, 1234567 files");
    check(Lang::En, "on January 12, 2016 at noon", "on 2016-01-12T12");
    check(Lang::En, "twenty percent of it", "20% of it");
    check(Lang::En, "fn v2_x3(a1: u8) { x = 16; }", "fn v2_x3(a1: u8) { x = 16; }");
    check(Lang::En, "It may march on a second time.", "It may march on a second time.");
    check(Lang::En, "half of 5/1 is 2.0", "half of 5/1 is 2.0");
    check(
        Lang::En,
        "from two or three hundred to 10% - 60%",
        "from two or three hundred to 10% - 60%",
    );
    check(Lang::En, "a negative zero, two more, ten of us", "a negative zero, two more, ten of us");
    check(Lang::En, "in ten minutes of a May day", "in ten minutes of a May day");
    check(Lang::En, "the Thirty Years War of Fifty-Two", "the Thirty Years War of Fifty-Two");
    check(Lang::En, "from 3/4/2016, that is 2016/10/2", "from 3/4/2016, that is 2016-10-02");
    check(Lang::En, "see v1.2.3 and http://a.b/2016/10/02", "see v1.2.3 and http://a.b/2016/10/02");
}

#[test]
fn chinese_texts_are_given_one_form() {
    check(Lang::Zh, "明天下午5:00开会", "2016-11-08T17:00开会");
    check(Lang::Zh, "四万五千六百二十二人", "45622人");
    check(Lang::Zh, "百分之五", "5%");
    check(Lang::Zh, "二零零四年八月十五", "2004-08-15");
    check(Lang::Zh, "ＡＢ１２", "AB12");
    check(Lang::Zh, "同一个人十分高兴，二分之后三元一次", "同一个人十分高兴，二分之后三元一次");
    check(Lang::Zh, "七八十人，三到五万，二百五，千万别去", "七八十人，三到五万，二百五，千万别去");
    check(Lang::Zh, "三十六计，1990年左右，30年", "三十六计，1990年左右，30年");
    check(Lang::Zh, "《去明天上线》将于明天上线", "《去明天上线》将于2016-11-08上线");
    check(Lang::Zh, "《去明天上线", "《去2016-11-08上线");
}

/// What counts from a moment that no one told stays, and says of itself no more than its type.
#[test]
fn without_a_reference_only_what_is_certain_is_resolved() {
    for (lang, text, rewritten, values) in [
        (Lang::En, "see you tomorrow", "see you tomorrow", r#"[{"type":"date"}]"#),
        (
            Lang::En,
            "on May 5, 2016",
            "on 2016-05-05",
            r#"[{"timex":"2016-05-05","type":"date","value":"2016-05-05"}]"#,
        ),
        (
            Lang::Zh,
            "去5月3日",
            "去XXXX-05-03",
            r#"[{"timex":"XXXX-05-03","type":"date"},{"timex":"XXXX-05-03","type":"date"}]"#,
        ),
    ] {
        let got =
            normalise(text, &Options { lang, reference: None, half_width: false, places: false });
        assert_eq!(got.text, rewritten);
        let got = serde_json::to_string(&got.spans[0].resolution["values"]).unwrap();
        assert_eq!(got, values, "{text}");
    }
}

#[test]
fn a_record_carries_its_reference_and_is_undone() {
    let line = r#"{"text":"see you tomorrow","lang":"en","reference":"2020-02-28T00:00:00"}"#;
    let record: Record = serde_json::from_str(line).unwrap();
    let step = Normalise {
        lang: Lang::Zh,
        reference: Some("2000-01-01T00:00:00".parse().unwrap()),
        half_width: false,
        places: false,
    };
    let normalised = step.apply(record.clone()).unwrap();
    assert_eq!(normalised.text, "see you 2020-02-29");
    assert_eq!(normalised.other["spans"][0]["original"], "tomorrow");
    assert_eq!(Undo.apply(normalised).unwrap(), record);
    let wrong: Record = serde_json::from_str(r#"{"text":"a","reference":"soon"}"#).unwrap();
    assert_eq!(step.apply(wrong).unwrap_err().reason, "reference is not a date and time");
}

/// A false rewrite here is a line of source in which anything is rewritten at all: code speaks of
/// no dates.
#[test]
fn code_is_left_as_it_is() {
    let reference = Some("2016-11-07T00:00:00".parse().unwrap());
    let options = Options { lang: Lang::En, reference, half_width: true, places: false };
    let (mut n_lines, mut n_false) = (0, 0);
    for language in ["cpp", "go", "java", "js", "python", "rust"] {
        let file = format!("code/humanevalx.{language}.public.jsonl.zst");
        let Some(cases) = data::lines(&file) else { return };
        for case in &cases {
            let source = case.as_object().unwrap().values().filter_map(|value| value.as_str());
            for line in source.flat_map(str::lines).filter(|line| !line.trim().is_empty()) {
                n_lines += 1;
                let got = normalise(line, &options);
                if got.text != line {
                    n_false += 1;
                    println!("FALSE {line} -> {}", got.text);
                }
            }
        }
    }
    println!("code: {n_false} false rewrites in {n_lines} lines");
    assert!(f64::from(n_false) < 0.001 * f64::from(n_lines), "{n_false} of {n_lines}");
}
