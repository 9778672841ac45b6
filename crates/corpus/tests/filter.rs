//! The published rules, each on a text that its numbers keep and on one that they drop; the
//! classifier's decision, and who is asked about the borderline.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use hadal_corpus::filter::classifier::{Example, Model, Training};
use hadal_corpus::filter::{Decision, RULES, Scorer, Segmenter, Steps, rules};
use hadal_corpus::{Error, Record, Step};

fn rule(name: &str) -> Result<Box<dyn Step>, Error> {
    Ok(rules(&[name.to_owned()], &Arc::new(Segmenter::default()))?.remove(0))
}

fn record(text: &str) -> Record {
    Record { text: text.into(), ..Record::default() }
}

/// `reason` is why the rule drops the text, or nothing where it keeps it.
fn check(name: &str, text: &str, reason: Option<&str>) {
    let step = rule(name).unwrap();
    match (step.apply(record(text)), reason) {
        (Ok(_), None) => {}
        (Err(dropped), Some(reason)) => {
            assert_eq!((dropped.step.as_str(), dropped.reason.as_str()), (name, reason));
        }
        (found, expected) => panic!("{text:.60}: {found:?}, expected {expected:?}"),
    }
}

/// Sixty different English words in five sentences, and what they say in Chinese.
const ENGLISH: &str = "The deepest part of the sea lies below six thousand metres, and almost no light \
    ever reaches it. Fish that live there have soft bones and large mouths.\n\
    They eat what falls from above, because nothing grows in the dark. Pressure would crush a boat \
    that was not built for it.\n\
    People have been to the bottom only a few times, with vessels made of thick steel.";
const CHINESE: &str = "海洋最深的地方在六千米以下，几乎没有光能到达那里。生活在那里的鱼骨头很软，嘴巴很大。\n\
    它们吃从上面掉下来的东西，因为黑暗中什么也不能生长。压力会把没有专门建造的船压碎。\n\
    人们只去过海底几次，用的是厚钢板做成的潜水器。科学家在海沟里发现了许多以前没有见过的动物和植物。";

#[test]
fn prose_passes_every_rule_in_both_languages() {
    for name in RULES {
        check(name, ENGLISH, None);
        check(name, CHINESE, None);
    }
}

#[test]
fn gopher_s_quality_rules_drop_what_is_no_prose() {
    let check = |text: &str, reason| check("gopher_quality", text, Some(reason));
    check("The sea is deep and of that.", "fewer than 50 words");
    check("海很深。", "fewer than 50 words");
    check(&"a b c of the ".repeat(20), "words too short on average");
    check(
        &"counterrevolutionaries the of "
            .repeat(5)
            .replace("the of", "misunderstandings electromagnetism")
            .repeat(5),
        "words too long on average",
    );
    check(&"#sea of the deep ".repeat(20), "more than one hash sign in 10 words");
    check(&"the deep sea ... and ".repeat(20), "more than one ellipsis in 10 words");
    check(
        &"- the deep sea and all of that water\n".repeat(10),
        "more than 90 % of lines begin with a bullet",
    );
    check(
        &"the deep sea and all of that water and more of what we have seen…\n".repeat(10),
        "more than 30 % of lines end in an ellipsis",
    );
    check(&"the 1234 of 5678 99999 ".repeat(12), "too few words with a letter");
    check(&"green hills rolling softly under clouds ".repeat(10), "fewer than 2 stop words");
    check(&"青山绿水蓝天白云".repeat(30), "fewer than 2 stop words");
}

#[test]
fn gopher_s_repetition_rules_drop_what_is_said_again() {
    let check = |text: &str, reason| check("gopher_repetition", text, Some(reason));
    check("one line here\none line here\nanother line", "too many repeated lines");
    let long = ["alpha beta gamma delta epsilon zeta eta", "a", "b", "c", "d"].join("\n");
    check(
        &format!("{long}\nalpha beta gamma delta epsilon zeta eta"),
        "too many characters in repeated lines",
    );
    check(
        "one\ntwo\n\none\nfive\n\none\ntwo\n\nsix seven eight nine\nten",
        "too many repeated lines",
    );
    check(
        "deep sea deep sea deep sea deep sea and some other words",
        "one sequence of 2 words too common",
    );
    check(
        &format!("{ENGLISH} {ENGLISH}").replace('\n', " "),
        "too many characters in repeated sequences of 5 words",
    );
    check(
        &format!("{CHINESE}{CHINESE}").replace('\n', ""),
        "too many characters in repeated sequences of 5 words",
    );
}

#[test]
fn c4_keeps_sentences_and_drops_pages_without() {
    let with_menu =
        format!("Home | About us\n{ENGLISH}\nPlease enable Javascript to see more.\nRead on...");
    let step = rule("c4").unwrap();
    assert_eq!(step.apply(record(&with_menu)).unwrap().text, ENGLISH);
    let with_menu = format!("首页 > 新闻\n{CHINESE}\n请阅读我们的隐私政策后再继续使用。");
    assert_eq!(step.apply(record(&with_menu)).unwrap().text, CHINESE);
    let check = |text: &str, reason| check("c4", text, Some(reason));
    check(&format!("{ENGLISH}\nfn main() {{ }}"), "a curly bracket");
    check(&format!("{ENGLISH}\nLorem ipsum dolor sit amet."), "lorem ipsum");
    check("Only one sentence is here.", "fewer than 5 sentences");
}

#[test]
fn fineweb_drops_lists() {
    let check = |text: &str, reason| check("fineweb", text, Some(reason));
    check("a line of a menu without an end\n", "too few lines end a sentence");
    check("Deep.\nSea.\nFish.\nLight.", "too many short lines");
    let line = "A line that is longer than thirty characters, twice.";
    check(&format!("{line}\n{line}\n{ENGLISH}"), "too many characters in repeated lines");
    check("海。\n鱼。\n光。\n水。", "too many lines for its words");
    check(" ", "no text");
}

#[test]
fn the_first_rule_that_drops_names_the_reason() {
    let steps = ["gopher_quality", "fineweb"].map(|name| rule(name).unwrap());
    let dropped = Steps(steps.into()).apply(record("short")).unwrap_err();
    assert_eq!(dropped.step, "gopher_quality");
    let error = rule("gopher").err().unwrap().to_string();
    assert!(error.starts_with("no rule \"gopher\"; there are gopher_repetition, "), "{error}");
}

/// Finds every record good, and counts nothing.
struct Kind;

impl Scorer for Kind {
    fn score(&self, record: &Record) -> Option<f32> {
        (record.text != "silence of").then_some(1.0)
    }
}

#[test]
fn only_the_borderline_is_asked_about() {
    let good = ["sentences of prose", "the deep sea", "light falls", "a fish swims"];
    let noise = ["login menu", "click here", "subscribe now", "cookie banner"];
    let examples: Vec<_> = (good.iter().map(|text| (text, 1)))
        .chain(noise.iter().map(|text| (text, 0)))
        .zip(0..)
        .map(|((text, class), group)| Example { text, class, group })
        .collect();
    let labels = vec!["0".to_owned(), "1".to_owned()];
    let training = Training { n_epochs: 20, rate: 0.5, ..Training::default() };
    let model = Model::train(&training, labels, 1, [&examples, &examples, &examples]);
    let (sure, unsure) = (model.score("login menu"), model.score("unheard of"));
    assert!(sure < 0.2 && unsure > sure, "{sure} {unsure}");

    let decide = Decision::new(model.clone(), 0.9).with_scorer(0.9 - sure - 0.01, Box::new(Kind));
    assert!(decide.apply(record("login menu")).is_err());
    assert_eq!(decide.n_asked(), 0);
    let kept = decide.apply(record("unheard of")).unwrap();
    assert_eq!((decide.n_asked(), &kept.other["quality"]), (1, &1.0.into()));
    let silent = model.score("silence of");
    assert_eq!(decide.apply(record("silence of")).is_ok(), silent >= 0.9);
    assert_eq!(decide.n_asked(), 2);
}
