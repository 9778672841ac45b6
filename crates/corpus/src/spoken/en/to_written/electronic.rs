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
        && !["at", "the", "a", "an"].contains(&word)
}

/// Single letters and digits, joined, and how many there are; digits in digits.
fn letters(place: &Place, n: usize) -> (usize, String) {
    let (mut len, mut text) = (0, String::new());
    loop {
        let word = place.word(n + len);
        if let Some(digit) = digit(word).filter(|_| word != "oh" && word != "o") {
            text.push_str(&digit.to_string());
        } else if is_letter(word) {
            text.push_str(place.text(n + len));
        } else {
            return (len, text);
        }
        len += 1;
    }
}

/// A part between marks: single letters and digits, or one word and the digits behind it.
fn part(place: &Place, n: usize) -> Option<(usize, String)> {
    let pair = (place.word(n), place.word(n + 1));
    if SPLIT_NAMES.contains(&pair) {
        return Some((2, format!("{}{}", pair.0, pair.1)));
    }
    let (len, text) = letters(place, n);
    if len > 0 {
        return Some((len, text));
    }
    if !is_word(place.word(n)) {
        return None;
    }
    let word = place.text(n);
    let (more, text) = letters(place, n + 1);
    let next = place.word(n + 1 + more);
    // What follows a word belongs to it only where the address goes on.
    let goes_on = more > 0 && (next == "at" || mark(next).is_some());
    if goes_on { Some((1 + more, format!("{word}{text}"))) } else { Some((1, word.to_owned())) }
}

/// A name in several words before a dot, behind a scheme: `git hub`.
fn name(place: &Place, n: usize) -> Option<(usize, String)> {
    let len = (1..=3).find(|len| place.word(n + len) == "dot")?;
    let words = (n..n + len).all(|n| is_word(place.word(n)));
    words.then(|| (len, (n..n + len).map(|n| place.text(n)).collect()))
}

/// Parts with marks between, and how many dots there are among them.
fn parts(
    place: &Place,
    n: usize,
    marks: &[char],
    first: fn(&Place, usize) -> Option<(usize, String)>,
) -> Option<(usize, String, usize)> {
    let (mut len, mut text) = first(place, n)?;
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
    let (len, user, _) = parts(place, 0, &['.', '-', '_'], part)?;
    if place.word(len) != "at" {
        return None;
    }
    let (more, domain, n_dots) = parts(place, len + 1, &['.', '-'], part)?;
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
    const MARKS: &[char] = &['.', '-', '_', '/'];
    let known_start = if lead.is_empty() { None } else { parts(place, len, MARKS, name) };
    let (more, address, n_dots) = known_start.or_else(|| parts(place, len, MARKS, part))?;
    // Without a scheme, only what ends as an address does, or is spelled out, is one.
    let host = address.split('/').next().unwrap_or_default();
    let (name, ending) = host.rsplit_once('.')?;
    let spelled = more > 2 * n_dots + 2 && place.word(0).len() == 1;
    let known = is_domain(&ending.to_ascii_lowercase()) && name.len() > 1;
    (n_dots > 0 && (!lead.is_empty() || known || spelled))
        .then(|| Written { n_words: len + more, text: format!("{lead}{address}") })
}
