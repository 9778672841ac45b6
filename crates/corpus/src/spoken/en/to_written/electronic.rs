//! Addresses of mail and of the web, spelled out.

use super::number::digit;
use super::words::{Place, Written};
use crate::spoken::en::tables::is_domain;

/// Names that are said in two words.
const SPLIT_NAMES: [(&str, &str); 4] =
    [("g", "mail"), ("n", "vidia"), ("hot", "mail"), ("you", "tube")];

/// A mark within an address.
fn mark(word: &str) -> Option<char> {
    Some(match word {
        "dot" => '.',
        "hyphen" | "dash" => '-',
        "underscore" => '_',
        "slash" => '/',
        _ => return None,
    })
}

fn is_letter(word: &str) -> bool {
    word.len() == 1 && word.as_bytes()[0].is_ascii_alphanumeric()
}

fn is_word(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && mark(word).is_none()
        && word != "at"
}

/// A part between marks: single letters and digits, or one word; as said, digits in digits.
fn part(place: &Place, n: usize) -> Option<(usize, String)> {
    let pair = (place.word(n), place.word(n + 1));
    if SPLIT_NAMES.contains(&pair) {
        return Some((2, format!("{}{}", pair.0, pair.1)));
    }
    let (mut len, mut text) = (0, String::new());
    loop {
        let word = place.word(n + len);
        if let Some(digit) = digit(word).filter(|_| word.len() > 2 || word != "oh" && word != "o") {
            text.push_str(&digit.to_string());
        } else if is_letter(word) {
            text.push_str(place.text(n + len));
        } else {
            break;
        }
        len += 1;
    }
    if len > 0 {
        return Some((len, text));
    }
    let word = place.word(n);
    is_word(word).then(|| (1, place.text(n).to_owned()))
}

/// Parts with marks between, and how many dots there are among them.
fn parts(place: &Place, n: usize, marks: &[char]) -> Option<(usize, String, usize)> {
    let (mut len, mut text) = part(place, n)?;
    let mut n_dots = 0;
    while let Some(mark) = mark(place.word(n + len)).filter(|mark| marks.contains(mark))
        && let Some((more, next)) = part(place, n + len + 1)
    {
        text.push(mark);
        text.push_str(&next);
        n_dots += usize::from(mark == '.');
        len += 1 + more;
    }
    Some((len, text, n_dots))
}

/// Rule: `a dot b c at g mail dot com`.
pub(super) fn mail(place: &Place) -> Option<Written> {
    let (len, user, _) = parts(place, 0, &['.', '-', '_'])?;
    if place.word(len) != "at" {
        return None;
    }
    let (more, domain, n_dots) = parts(place, len + 1, &['.', '-'])?;
    (n_dots > 0).then(|| Written { n_words: len + 1 + more, text: format!("{user}@{domain}") })
}

/// Rule: `h t t p colon slash slash w w w dot example dot com`, `kore dot ai`.
pub(super) fn web(place: &Place) -> Option<Written> {
    let (mut len, mut lead) = (0, String::new());
    for (spoken, scheme) in
        [("h t t p s", "https"), ("https", "https"), ("h t t p", "http"), ("http", "http")]
    {
        if let Some(more) = place.phrase(0, spoken)
            && let Some(slashes) = place.phrase(more, "colon slash slash")
        {
            len = more + slashes;
            lead = format!("{scheme}://");
            break;
        }
    }
    for spoken in ["w w w", "www"] {
        if let Some(more) = place.phrase(len, spoken)
            && matches!(place.word(len + more), "dot" | ".")
        {
            len += more + 1;
            lead.push_str("www.");
            break;
        }
    }
    let (more, address, n_dots) = parts(place, len, &['.', '-', '_', '/'])?;
    // Without a scheme, only what ends as an address does, or is spelled out, is one.
    let host = address.split('/').next().unwrap_or_default();
    let (name, ending) = host.rsplit_once('.')?;
    let spelled = more > 2 * n_dots + 2 && place.word(0).len() == 1;
    let known = is_domain(&ending.to_ascii_lowercase()) && name.len() > 1;
    (n_dots > 0 && (!lead.is_empty() || known || spelled))
        .then(|| Written { n_words: len + more, text: format!("{lead}{address}") })
}
