//! What must hold of any text.

use hadal_corpus::normalise::{Lang, Normalised, Options, normalise, undo};
use proptest::prelude::*;

fn options(lang: Lang) -> Options {
    Options {
        lang,
        reference: Some("2016-11-07T16:12:00".parse().unwrap()),
        half_width: true,
        places: false,
    }
}

fn check(text: &str) {
    for lang in [Lang::En, Lang::Zh] {
        let once = normalise(text, &options(lang));
        assert_eq!(undo(&once), text, "undone");
        let mut at = 0;
        for span in &once.spans {
            assert!(span.start >= at && span.end >= span.start, "spans in order");
            assert!(once.text.get(span.start..span.end).is_some(), "spans within the text");
            at = span.end;
        }
        let twice = normalise(&once.text, &options(lang));
        assert_eq!(twice.text, once.text, "normalised twice");
    }
}

/// Texts of the words rules are made of, in any order, which reach far more rules than letters do.
fn wordy() -> impl Strategy<Value = String> {
    let words = [
        "one",
        "two",
        "hundred",
        "and",
        "a",
        "half",
        "third",
        "Monday",
        "May",
        "5",
        "2016",
        "10:30",
        "pm",
        "to",
        "-",
        "/",
        ".",
        ",",
        "from",
        "between",
        "next",
        "last",
        "week",
        "days",
        "ago",
        "in",
        "the",
        "morning",
        "every",
        "percent",
        "%",
        "二",
        "十",
        "百",
        "万",
        "月",
        "日",
        "年",
        "点",
        "半",
        "分",
        "之",
        "下午",
        "上",
        "周",
        "从",
        "到",
        "前",
        "后",
        "每",
        "第",
        "零",
        "\n",
        "$",
        "１２",
        "km",
        "(",
        ")",
        "since",
        "before",
        "end of",
        "quarter",
        "Q3",
        "2016-11-07",
        "XXXX-10-02",
        "PT3H",
        "T08:30",
    ];
    let word = proptest::sample::select(words.to_vec());
    proptest::collection::vec((word, prop::bool::ANY), 0..24).prop_map(|words| {
        let mut text = String::new();
        for (word, space) in words {
            text.push_str(word);
            if space {
                text.push(' ');
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_undone_and_normalised_once(text in "\\PC{0,80}") {
        check(&text);
    }

    #[test]
    fn words_of_rules_in_any_order_are_undone_and_normalised_once(text in wordy()) {
        check(&text);
    }
}

#[test]
fn a_text_made_to_be_slow_ends() {
    let started = std::time::Instant::now();
    check(&"one ".repeat(3000));
    check(&"一".repeat(3000));
    check(&"from 1 to ".repeat(800));
    check(&"1,".repeat(3000));
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn spans_that_do_not_fit_are_passed_over() {
    let whole = normalise("two days", &options(Lang::En));
    let mut broken = Normalised { text: "x".to_owned(), ..whole };
    broken.spans[0].end = 900;
    assert_eq!(undo(&broken), "x");
}
