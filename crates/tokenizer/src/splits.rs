//! The rules that cut a text before pairs of bytes are merged, by the names that they go by.

use serde_json::{Value, json};

use crate::train::{CJK, DIGITS, WORDS};

/// One rule; what it finds stands alone, and later rules see each part by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// What this regular expression finds.
    Found(&'static str),
    /// Every digit.
    Digit,
}

/// The rules of one family of tokenizers.
#[derive(Debug)]
pub(crate) struct Splits {
    /// The name by which formats other than tokenizer.json say them.
    pub(crate) name: &'static str,
    rules: &'static [Rule],
    /// Whether a part that is a token as a whole is taken for it, whatever the merges say.
    pub(crate) ignores_merges: bool,
    /// Whether characters are composed first (Unicode's NFC).
    composes: bool,
}

static KNOWN: [Splits; 5] = [
    Splits {
        name: "deepseek-v3",
        rules: &[Rule::Found(DIGITS), Rule::Found(CJK), Rule::Found(WORDS)],
        ignores_merges: false,
        composes: false,
    },
    Splits {
        name: "deepseek-llm",
        rules: &[
            Rule::Found("[\r\n]"),
            Rule::Found(LETTERS),
            Rule::Found("\\s?[!-/:-~！-／：-～‘-‟\u{3000}-。]+"),
            Rule::Found("\\s+$"),
            Rule::Found(HAN_AND_HANGUL),
            Rule::Digit,
        ],
        ignores_merges: false,
        composes: false,
    },
    Splits {
        name: "deepseek-coder",
        rules: &[
            Rule::Found("[\r\n]"),
            Rule::Found(r"\s?\p{L}+"),
            Rule::Found(r"\s?\p{P}+"),
            Rule::Found(HAN_AND_HANGUL),
            Rule::Digit,
        ],
        ignores_merges: false,
        composes: false,
    },
    Splits {
        name: "llama-bpe",
        rules: &[Rule::Found(concat!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
            r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ))],
        ignores_merges: true,
        composes: false,
    },
    Splits {
        name: "qwen2",
        rules: &[Rule::Found(concat!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
            r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ))],
        ignores_merges: false,
        composes: true,
    },
];

/// Runs of Han characters and of Hangul syllables.
const HAN_AND_HANGUL: &str = "[一-龥ࠀ-一가-\u{d7ff}]+";

/// Runs of letters of scripts that have two cases, with the space before them.
const LETTERS: &str = concat!(
    r"\s?[",
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽ",
    "ᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-",
    "Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-",
    "ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃",
    "]+",
);

impl Splits {
    /// The rules of a name.
    pub(crate) fn named(name: &str) -> Option<&'static Splits> {
        KNOWN.iter().find(|splits| splits.name == name)
    }

    /// The names of all rules, for messages.
    pub(crate) fn names() -> String {
        KNOWN.iter().map(|splits| splits.name).collect::<Vec<_>>().join(", ")
    }

    /// The rules that a tokenizer.json has.
    pub(crate) fn of(definition: &Value) -> Option<&'static Splits> {
        let mut steps = Vec::new();
        steps_of(&definition["pre_tokenizer"], &mut steps)?;
        KNOWN
            .iter()
            .find(|splits| splits.rules.iter().map(|rule| rule.step()).eq(steps.iter().cloned()))
    }

    /// The pre-tokenizer of a tokenizer.json.
    pub(crate) fn pre_tokenizer(&self) -> Value {
        let rules = self.rules.iter().map(|rule| match rule {
            Rule::Found(pattern) => json!({
                "type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated",
                "invert": false
            }),
            Rule::Digit => json!({"type": "Digits", "individual_digits": true}),
        });
        let bytes = json!({
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": false
        });
        json!({"type": "Sequence", "pretokenizers": rules.chain([bytes]).collect::<Vec<_>>()})
    }

    /// The normaliser of a tokenizer.json.
    pub(crate) fn normaliser(&self) -> Value {
        if self.composes { json!({"type": "NFC"}) } else { Value::Null }
    }
}

impl Rule {
    /// What tells it from other rules.
    fn step(self) -> Value {
        match self {
            Rule::Found(pattern) => pattern.into(),
            Rule::Digit => true.into(),
        }
    }
}

/// What tells the rules of a pre-tokenizer from others; none where it has a step of another kind.
fn steps_of(pre_tokenizer: &Value, steps: &mut Vec<Value>) -> Option<()> {
    match pre_tokenizer["type"].as_str()? {
        "Sequence" => {
            let parts = pre_tokenizer["pretokenizers"].as_array()?;
            parts.iter().try_for_each(|part| steps_of(part, steps))
        }
        "Split" if pre_tokenizer["behavior"] == "Isolated" && pre_tokenizer["invert"] == false => {
            steps.push(pre_tokenizer["pattern"]["Regex"].as_str()?.into());
            Some(())
        }
        "Digits" => {
            steps.push(pre_tokenizer["individual_digits"].clone());
            Some(())
        }
        "ByteLevel" if pre_tokenizer["use_regex"] == false => Some(()),
        _ => None,
    }
}
