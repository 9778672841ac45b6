//! Addresses of mail and of the web.

use super::reader::{Reader, Said};
use super::words::{And, cardinal, one_by_one};
use crate::spoken::en::tables::{is_domain, pairs};

use std::collections::HashMap;
use std::sync::LazyLock;

/// Names within addresses that are said in a case or in words of their own.
static NAMES: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| pairs(include_str!("../tables/address_names.tsv")));

/// Endings that are said as words; others are said letter by letter, in capitals.
const WORDS: [&str; 8] = ["com", "co", "org", "net", "gov", "mil", "info", "biz"];

fn mark(mark: char) -> Option<&'static str> {
    Some(match mark {
        '.' => "dot",
        '-' => "dash",
        '_' => "underscore",
        '/' => "slash",
        ':' => "colon",
        '@' => "at",
        '&' => "ampersand",
        '#' => "hash",
        '+' => "plus",
        '=' => "equals",
        '?' => "question mark",
        '%' => "percent",
        '~' => "tilde",
        _ => return None,
    })
}

/// What is said as an address: its marks by name, digits one by one.
fn spell(address: &str, in_full: bool) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut reader = Reader::bare(address);
    let mut last_mark = ' ';
    while let Some(next) = reader.peek() {
        if let Some(name) = mark(next) {
            reader.skip(next.len_utf8());
            words.push(name.to_owned());
            last_mark = next;
            continue;
        }
        let digits = reader.run(|next| next.is_ascii_digit());
        if !digits.is_empty() {
            let round = digits.len() == 4 && digits.ends_with("000") && !digits.starts_with('0');
            words.push(if round {
                cardinal(digits, And::Never)
            } else {
                one_by_one(digits, "zero")
            });
            continue;
        }
        let letters = reader.run(|next| !next.is_ascii_digit() && mark(next).is_none());
        let ends = !reader.rest().starts_with(|next| !matches!(next, '/' | '.'));
        let ending = last_mark == '.' && ends && words.len() > 1;
        let tail = last_mark == '-' && reader.rest().is_empty() && address.contains('@');
        words.push(match NAMES.get(letters.to_ascii_lowercase().as_str()) {
            Some(name) if in_full => (*name).to_owned(),
            _ if letters == "jpg" => "jpeg".to_owned(),
            _ if in_full
                && (ending || tail)
                && (2..4).contains(&letters.len())
                && !WORDS.contains(&letters) =>
            {
                letters.to_ascii_uppercase()
            }
            _ => letters.to_owned(),
        });
    }
    words.join(" ")
}

/// Rule: `abc@example.com`, `https://www.example.com/a-b`, `example.com`.
pub(super) fn address(mut reader: Reader) -> Option<Said> {
    let chunk = reader.rest();
    if !chunk.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    let of_address = |next: char| next.is_ascii_alphanumeric() || mark(next).is_some();
    let chunk = &chunk[..chunk.find(|next| !of_address(next)).unwrap_or(chunk.len())];
    // `self.mlp(x)` is no address.
    if reader.rest()[chunk.len()..].starts_with(['(', '[', '{', '\\', '`', '|', '*']) {
        return None;
    }
    // The sentence's own marks are not the address's.
    let chunk = chunk.trim_end_matches(['.', '?', ':', '/', '-']);
    if !chunk.contains(['.', '@', ':']) {
        return None;
    }
    let (scheme, rest) = match chunk.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, chunk),
    };
    if let Some(scheme) = scheme {
        let upper = match scheme {
            "http" | "https" | "ftp" => scheme.to_ascii_uppercase(),
            "file" => scheme.to_owned(),
            _ => return None,
        };
        reader.skip(chunk.len());
        return reader.say(format!("{upper} colon slash slash {}", spell(rest, true)));
    }
    if let Some((user, domain)) = chunk.split_once('@') {
        let good = !user.is_empty() && has_dot(domain) && !domain.contains('@');
        reader.skip(chunk.len());
        return good.then(|| reader.say(spell(chunk, true))).flatten();
    }
    let host = chunk.split('/').next().unwrap_or_default();
    let www = host.starts_with("www.");
    let (name, ending) = host.rsplit_once('.')?;
    let letters =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        && !name.ends_with('.')
        && name.len() > 1
        && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    let known = is_domain(ending) || ending.len() == 3 && chunk == host;
    if !(www || plain && letters(ending) && known) {
        return None;
    }
    reader.skip(chunk.len());
    reader.say(spell(chunk, www))
}

fn has_dot(domain: &str) -> bool {
    domain.split_once('.').is_some_and(|(name, ending)| !name.is_empty() && !ending.is_empty())
}
