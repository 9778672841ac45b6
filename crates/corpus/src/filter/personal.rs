//! Personal data masked: e-mail addresses, telephone numbers, keys, identity cards.
//!
//! What is looked for is told by its shape, and then by what shapes like it in code and prose are
//! not: a decorator is no address, a version no telephone number.

use regex::Regex;
use serde_json::{Map, Value};

use super::identity::is_identity_card;
use crate::{Dropped, Record, Step};

/// What kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A secret that opens a service, or a private key.
    Key,
    /// An e-mail address.
    Email,
    /// The number of an identity card.
    Identity,
    /// A telephone number.
    Phone,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Key, Kind::Email, Kind::Identity, Kind::Phone];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Key => "key",
            Kind::Email => "email",
            Kind::Identity => "identity",
            Kind::Phone => "phone",
        }
    }

    /// What stands in its place.
    pub fn mask(self) -> &'static str {
        match self {
            Kind::Key => "<KEY>",
            Kind::Email => "<EMAIL>",
            Kind::Identity => "<ID>",
            Kind::Phone => "<PHONE>",
        }
    }
}

/// A text without personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked {
    /// The text.
    pub text: String,
    /// What was masked, in its order.
    pub kinds: Vec<Kind>,
}

/// Masks personal data in the text of records, and counts it in the field `masked`.
pub struct Personal {
    key: Regex,
    email: Regex,
    identity: Regex,
    phone: Regex,
}

/// Keys whose makers gave them a shape: of AWS, GitHub, OpenAI and Anthropic, Google, Slack, Stripe,
/// Hugging Face and GitLab; tokens of the JSON web kind; private keys in PEM.
const KEY: &str = r"(?x)
    -----BEGIN\ (?:[A-Z]+\ )*PRIVATE\ KEY-----[\s0-9A-Za-z+/=:,.-]+?-----END\ (?:[A-Z]+\ )*PRIVATE\ KEY-----
    | (?-u:\b)(?:AKIA|ASIA)[0-9A-Z]{16}(?-u:\b)
    | (?-u:\b)gh[pousr]_[0-9A-Za-z]{36,251}(?-u:\b)
    | (?-u:\b)github_pat_[0-9A-Za-z_]{60,255}(?-u:\b)
    | (?-u:\b)sk-[0-9A-Za-z_-]{20,200}
    | (?-u:\b)AIza[0-9A-Za-z_-]{35}
    | (?-u:\b)xox[abeoprs]-[0-9A-Za-z-]{10,250}
    | (?-u:\b)[rs]k_(?:live|test)_[0-9A-Za-z]{16,250}(?-u:\b)
    | (?-u:\b)hf_[A-Za-z]{34}(?-u:\b)
    | (?-u:\b)glpat-[0-9A-Za-z_-]{20}
    | (?-u:\b)eyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}
";

const EMAIL: &str = r"(?x)
    [0-9A-Za-z][0-9A-Za-z._%+-]{0,63} @
    (?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.){1,5} [A-Za-z]{2,24}
";

const IDENTITY: &str = r"[1-9]\d{5}(?:18|19|20)\d{9}[\dXx]";

/// Chinese mobile and fixed lines, international numbers, North American ones.
const PHONE: &str = r"(?x)
    (?:\+?86[-\ ]?)? 1[3-9]\d [-\ ]? \d{4} [-\ ]? \d{4}
    | (?:\+86[-\ ]?)? \(?0\d{2,3}\)? [-\ ] [2-9]\d{6,7}
    | \+ [1-9]\d{0,2} [-.\ ]? (?:\(\d{1,4}\)[-.\ ]?)? \d{1,4} (?:[-.\ ]?\d{2,4}){1,5}
    | \(?[2-9]\d{2}\)?[-.\ ]\ ?[2-9]\d{2}[-.\ ]\d{4}
";

/// Endings of files that stand where an address has its last part: `icon@2x.png`.
const FILE_ENDINGS: [&str; 16] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "css", "html", "py", "rs", "md",
    "json", "xml", "so",
];

impl Default for Personal {
    fn default() -> Personal {
        let compile = |pattern| Regex::new(pattern).expect("the pattern is part of the program");
        Personal {
            key: compile(KEY),
            email: compile(EMAIL),
            identity: compile(IDENTITY),
            phone: compile(PHONE),
        }
    }
}

impl Personal {
    /// The text with every piece of personal data masked.
    pub fn mask(&self, text: &str) -> Masked {
        let found = self.find(text);
        let mut masked = String::with_capacity(text.len());
        let mut end = 0;
        for &(from, to, kind) in &found {
            masked.push_str(&text[end..from]);
            masked.push_str(kind.mask());
            end = to;
        }
        masked.push_str(&text[end..]);
        Masked { text: masked, kinds: found.into_iter().map(|(_, _, kind)| kind).collect() }
    }

    /// Where personal data stands, in bytes, in its order and without overlaps; of two kinds that
    /// could lie over each other, the one that comes first in [`Kind`] is meant.
    fn find(&self, text: &str) -> Vec<(usize, usize, Kind)> {
        let n_digits = text.bytes().filter(u8::is_ascii_digit).count();
        let mut found: Vec<(usize, usize, Kind)> = Vec::new();
        for kind in Kind::ALL {
            let (pattern, is_there): (_, fn(&str, usize, usize) -> bool) = match kind {
                Kind::Key => (&self.key, is_key),
                Kind::Email if text.contains('@') => (&self.email, is_email),
                Kind::Identity if n_digits >= 17 => (&self.identity, is_identity),
                Kind::Phone if n_digits >= 9 => (&self.phone, is_phone),
                _ => continue,
            };
            let before = found.len();
            for place in pattern.find_iter(text) {
                let (from, to) = (place.start(), place.end());
                let is_free =
                    found[..before].iter().all(|&(begin, end, _)| to <= begin || end <= from);
                if is_free && is_there(text, from, to) {
                    found.push((from, to, kind));
                }
            }
        }
        found.sort_unstable_by_key(|&(from, _, _)| from);
        found
    }
}

impl Step for Personal {
    fn name(&self) -> &str {
        "mask_personal"
    }

    fn apply(&self, mut record: Record) -> Result<Record, Box<Dropped>> {
        let masked = self.mask(&record.text);
        if !masked.kinds.is_empty() {
            let mut counts = Map::new();
            for kind in Kind::ALL {
                let n = masked.kinds.iter().filter(|&&masked| masked == kind).count();
                if n > 0 {
                    counts.insert(kind.name().to_owned(), n.into());
                }
            }
            record.other.insert("masked".to_owned(), Value::Object(counts));
            record.text = masked.text;
        }
        Ok(record)
    }
}

/// Keys of `sk-` are random: they hold capitals, small letters and digits, which names of styles
/// (`sk-fading-circle-container`) do not.
fn is_key(text: &str, from: usize, to: usize) -> bool {
    let key = &text[from..to];
    let holds = |kind: fn(&u8) -> bool| key.bytes().any(|byte| kind(&byte));
    !key.starts_with("sk-")
        || holds(u8::is_ascii_digit)
            && holds(u8::is_ascii_uppercase)
            && key[3..].bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Addresses that are nobody's are left: of the domains set aside for examples (RFC 2606), and
/// `git@host:path`, which names a repository.
fn is_email(text: &str, from: usize, to: usize) -> bool {
    let address = text[from..to].to_ascii_lowercase();
    let (name, domain) = address.split_once('@').expect("the pattern has it");
    let ending = domain.rsplit('.').next().expect("a split has a last part");
    let is_example = ["example.com", "example.org", "example.net"]
        .iter()
        .any(|example| domain == *example || domain.ends_with(&format!(".{example}")))
        || ["example", "test", "invalid", "localhost"].contains(&ending);
    let is_repository = text[to..].starts_with(':') && name == "git";
    let stands_alone = !text[..from].ends_with(['/', '@', '_', '$']);
    stands_alone && !is_example && !is_repository && !FILE_ENDINGS.contains(&ending)
}

fn is_identity(text: &str, from: usize, to: usize) -> bool {
    stands_alone(text, from, to) && is_identity_card(&text[from..to])
}

/// Whether digits of a telephone number's shape are one: 9 to 15 digits, not part of a longer number
/// or name, and of more than two different digits in the end.
fn is_phone(text: &str, from: usize, to: usize) -> bool {
    let number = &text[from..to];
    let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).collect();
    // Written in one go, only a Chinese mobile number or a long one behind a plus is more than a
    // number.
    let is_international = number.starts_with('+') && !number.starts_with("+86");
    let has_parts = number[1..].bytes().any(|byte| !byte.is_ascii_digit());
    let is_long_enough = digits.len() >= if is_international && !has_parts { 11 } else { 9 };
    let mut last = digits[digits.len().saturating_sub(8)..].to_vec();
    last.sort_unstable();
    last.dedup();
    let brackets = number.matches('(').count() == number.matches(')').count();
    is_long_enough
        && digits.len() <= 15
        && last.len() > 2
        && brackets
        && stands_alone(text, from, to)
}

/// Whether a number is not the end or the beginning of something longer.
fn stands_alone(text: &str, from: usize, to: usize) -> bool {
    let (before, mut after) = (text[..from].chars().next_back(), text[to..].chars());
    let joins = |c: char| c.is_ascii_alphanumeric() || "_.-+/\\#$%=&@*".contains(c);
    if before.is_some_and(joins) {
        return false;
    }
    match after.next() {
        Some(c) if c.is_ascii_alphanumeric() || "_@%/\\=*".contains(c) => false,
        // A full stop or a dash ends a sentence, unless the number goes on behind it.
        Some('.' | '-' | ',' | ':') => !after.next().is_some_and(|c| c.is_ascii_digit()),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, masked: &str) {
        assert_eq!(Personal::default().mask(text).text, masked);
    }

    #[test]
    fn personal_data_is_masked() {
        check("Write to Ann.Lee+x@mail.co.uk.", "Write to <EMAIL>.");
        check("邮箱：zhang@qq.com，电话13812345678。", "邮箱：<EMAIL>，电话<PHONE>。");
        check("Call (212) 555-0187 or +44 20 7946 0958!", "Call <PHONE> or <PHONE>!");
        check("座机 010-62751234，手机 +86 139-1234-5678", "座机 <PHONE>，手机 <PHONE>");
        check("身份证11010519491231002X", "身份证<ID>");
        check("key = AKIAIOSFODNN7EXAMPLE", "key = <KEY>");
        check("sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8t", "<KEY>");
        check("token ghp_0123456789abcdefghijABCDEFGHIJ012345", "token <KEY>");
        check(
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend",
            "<KEY>\nend",
        );
    }

    #[test]
    fn code_and_prose_are_left() {
        for text in [
            "@app.route('/') and user@mail.example.com",
            "git clone git@github.com:owner/name.git",
            "icon@2x.png, lodash@4.17.21",
            "version 212.555.1234.5 of 2024-10-12 10:00:00",
            "0x13812345678, 3.13812345678, id_13812345678, 13800000000",
            "class sk-fading-circle-container-wide",
            "ISBN 978-7-302-12345-6, 1949-10-01, 100-200-3000",
            "110105194912310021 and 192.168.100.1234",
            "uuid 550e8400-e29b-41d4-a716-446655440000",
            "sum = 12345678901234567890",
            "range +10 20 30",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn what_was_masked_is_counted_in_the_record() {
        let record = Record { text: "a@b.org and c@d.org".into(), ..Record::default() };
        let record = Personal::default().apply(record).unwrap();
        assert_eq!(record.text, "<EMAIL> and <EMAIL>");
        assert_eq!(record.other["masked"], serde_json::json!({"email": 2}));
    }
}
