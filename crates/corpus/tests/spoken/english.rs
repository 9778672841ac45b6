//! English: cases of our own, and what must hold of any text.

use hadal_corpus::spoken::{Conventions, Direction, Lang, Options, Spoken, rewrite};
use hadal_corpus::{Record, Step};
use proptest::prelude::*;

fn english(direction: Direction) -> Options {
    Options::new(Lang::En, direction)
}

fn check(options: &Options, cases: &[(&str, &str)]) {
    for (input, expected) in cases {
        assert_eq!(rewrite(input, options), *expected, "{input}");
    }
}

#[test]
fn is_read_aloud() {
    let cases = [
        (
            "It cost $20.05, not €1.5!",
            "It cost twenty dollars five cents, not one euro fifty cents!",
        ),
        (
            "98.6°F and 2 1/2 kg",
            "ninety eight point six degrees Fahrenheit and two and one half kilograms",
        ),
        ("9.8 m/s at 5 GHz", "nine point eight meters per second at five gigahertz"),
        ("10:30-11:30, or 3 PM PST", "ten thirty to eleven thirty, or three PM PST"),
        ("on the 1st of May 2011", "on the first of may twenty eleven"),
        (
            "in 1905, 1999 and 2001",
            "in nineteen oh five, nineteen ninety nine and two thousand one",
        ),
        ("Henry VIII, World War II", "Henry eighth, World War two"),
        (
            "see example.org, then write to j.d@example.org.",
            "see example dot org, then write to j dot d at example dot org.",
        ),
        ("python3.8 beats v1.2.3", "python three point eight beats v one point two point three"),
        ("(800) 555-0199", "eight hundred, five five five, zero one nine nine"),
        (
            "1600 Pennsylvania Ave, Washington, DC 20500",
            "sixteen hundred Pennsylvania Avenue, Washington, District of Columbia two zero five zero zero",
        ),
        ("10-20 people, 5-10%", "ten to twenty people, five to ten percent"),
        ("the 3rd-party F-16", "the third-party F-sixteen"),
        ("The U.S. is big.", "The US is big."),
        ("St. George at 5 * 3 = 15", "Saint George at five times three equals fifteen"),
        ("let x = 3;\nuse a::b;", "let x = 3;\nuse a::b;"),
    ];
    check(&english(Direction::ToSpoken), &cases);
}

#[test]
fn is_read_aloud_in_other_conventions() {
    let we_text = Options { conventions: Conventions::WeText, ..english(Direction::ToSpoken) };
    check(
        &we_text,
        &[
            ("-5 on January 5th, 2012", "negative five on the fifth of january, twenty twelve"),
            ("$12.50 and 10.10", "twelve point five dollars and ten point one oh"),
            ("Austin, TX 78701", "Austin, Texas seven eight seven oh one"),
        ],
    );
    let kept = Options { keep_spacing: true, ..english(Direction::ToSpoken) };
    check(&kept, &[("2!a (3)b", "two!a (three)b")]);
}

#[test]
fn is_written_down() {
    let cases = [
        (
            "I have twenty-one dogs, and two thousand three hundred cats.",
            "I have 21 dogs, and 2300 cats.",
        ),
        ("on March third twenty twenty four at ten thirty a m.", "on March 3 2024 at 10:30 a.m."),
        ("in nineteen oh five, or the nineteen eighties", "in 1905, or the 1980s"),
        ("at eleven thirty", "at 11:30"),
        ("ten minutes to four a m", "03:50 a.m."),
        ("three dollars and five cents", "$3.05"),
        ("minus five degrees celsius", "-5 °C"),
        ("fifty kilograms per cubic meter", "50 kg/m³"),
        ("two thirds of one percent", "2/3 of 1 %"),
        ("call plus one two one two five five five one two three four", "call +1 212-555-1234"),
        ("one eight hundred five five five one two one two", "1 800-555-1212"),
        ("mail jane underscore doe nine at yahoo dot com", "mail jane_doe9@yahoo.com"),
        ("h t t p s colon slash slash git hub dot com slash a b", "https://github.com/ab"),
        ("the polka dot dress", "the polka dot dress"),
        ("one hundred and eleventh", "111th"),
        ("wait a second, the second", "wait a second, the 2nd"),
        ("r t x thirty ninety", "RTX 3090"),
    ];
    check(&english(Direction::ToWritten), &cases);
}

/// Texts in which nothing is to be rewritten.
#[test]
fn prose_stays() {
    for text in [
        "",
        " \n\t ",
        "May I come in? Yes, you may; the march was long — and he sat.",
        "“Quotes”, (brackets) and an apostrophe's tail… stay!",
        "She said: 'never', and left the well-known state-of-the-art house.",
        "naïve café, 你好，世界, Привет",
        "fn main() { println!(\"hello\"); }",
    ] {
        for direction in [Direction::ToSpoken, Direction::ToWritten] {
            for conventions in [Conventions::Nemo, Conventions::WeText] {
                let options = Options { conventions, ..english(direction) };
                assert_eq!(rewrite(text, &options), text);
            }
        }
    }
}

#[test]
fn a_record_names_its_language() {
    let step = Spoken { options: english(Direction::ToSpoken) };
    for (lang, expected) in
        [(None, "three cats"), (Some("en-GB"), "three cats"), (Some("fr"), "3 cats")]
    {
        let record = Record {
            text: "3 cats".to_owned(),
            lang: lang.map(str::to_owned),
            ..Record::default()
        };
        assert_eq!(step.apply(record).unwrap().text, expected);
    }
}

/// Texts that would take long if a rule read on from every place to the end.
#[test]
fn long_texts_end() {
    for piece in [
        "1", "a", "1-", "a.", "a@", "\"1\" ", "- ", "one ", "a ", "dot ", "$", "I ", "1/", "(",
        "``", "A. ",
    ] {
        let text = piece.repeat(20_000);
        for direction in [Direction::ToSpoken, Direction::ToWritten] {
            assert!(!rewrite(&text, &english(direction)).is_empty());
        }
    }
}

/// Texts of what rules look for, in any order, which reach far more of them than letters do.
fn pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "1",
        "2",
        "10",
        "21st",
        "1975",
        "2006-08-05",
        "3:15",
        "p.m.",
        "$",
        "€",
        "kg",
        "°C",
        "%",
        "/",
        "-",
        ".",
        ",",
        "'",
        "\"",
        "``",
        "(",
        ")",
        "<a>",
        "[",
        "]",
        "@",
        "#",
        "+",
        "=",
        "http://",
        "www.",
        ".com",
        "a",
        "B",
        "May",
        "jan.",
        "St",
        "St.",
        "II",
        "Mr.",
        "Mon.-Sun.",
        ", PA",
        "½",
        "é",
        "你",
        " ",
        " ",
        " ",
        "\n",
        "one",
        "twenty",
        "hundred",
        "thousand",
        "million",
        "and",
        "point",
        "o",
        "third",
        "second",
        "dollars",
        "cents",
        "meters",
        "per",
        "square",
        "july",
        "the",
        "of",
        "past",
        "quarter",
        "to",
        "m",
        "p",
        "dot",
        "at",
        "double",
        "plus",
        "minus",
        "b",
        "c",
        "w",
        "colon",
        "slash",
        "mister",
        "x",
        "twenty-one",
        "o'clock",
        "eighties",
    ];
    prop::collection::vec((prop::sample::select(pieces.to_vec()), any::<bool>()), 0..24).prop_map(
        |pieces| {
            let spaced = pieces
                .iter()
                .map(|(piece, space)| format!("{piece}{}", if *space { " " } else { "" }));
            spaced.collect()
        },
    )
}

proptest! {
    #[test]
    fn any_text_is_rewritten(text in prop_oneof![any::<String>(), pieces()]) {
        for direction in [Direction::ToSpoken, Direction::ToWritten] {
            for conventions in [Conventions::Nemo, Conventions::WeText] {
                for keep_spacing in [false, true] {
                    let options = Options { conventions, keep_spacing, ..english(direction) };
                    rewrite(&text, &options);
                }
            }
        }
    }

    /// Words that belong to no expression stay, with every mark and space between them.
    #[test]
    fn words_stay(words in prop::collection::vec("(house|garden|with|because|Tree|well-known|don't|it’s)[,;!?]?[ \n]{1,3}", 0..20)) {
        let text = words.concat();
        for direction in [Direction::ToSpoken, Direction::ToWritten] {
            prop_assert_eq!(rewrite(&text, &english(direction)), text.as_str());
        }
    }

    /// A number read aloud is written down as the same number.
    #[test]
    fn numbers_come_back(number in 1000..u64::MAX) {
        // A round number keeps its scale as a word.
        prop_assume!(number % 1000 != 0);
        let digits = number.to_string();
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let spoken = rewrite(&grouped, &english(Direction::ToSpoken));
        prop_assert_eq!(rewrite(&spoken, &english(Direction::ToWritten)), digits);
    }
}
