//! Bytes to text: what their mark, their server or themselves say of their encoding, else a guess.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How much of a page is searched for the encoding that it states, in bytes; the standard says
/// 1024, but many pages are late.
const PRESCAN: usize = 4096;

/// One character in this many may be unreadable before the text is taken for none.
const MOST_UNREADABLE: usize = 10;

/// The text of a document, or none where its bytes are text in no encoding known.
///
/// `charset` is the label that its server gave. A document that is valid UTF-8 is UTF-8, whatever
/// is said of it: nothing else of any length is so by chance.
pub fn decode(bytes: &[u8], charset: Option<&str>) -> Option<String> {
    if let Some((encoding, n_mark)) = Encoding::for_bom(bytes) {
        return checked(encoding, &bytes[n_mark..]);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return checked_text(text.to_owned());
    }
    let stated = charset
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .or_else(|| prescan(&bytes[..bytes.len().min(PRESCAN)]));
    // A document that says UTF-8 and is not may be damaged in a few places, or lie.
    if let Some(encoding) = stated {
        let (text, has_errors) = encoding.decode_without_bom_handling(bytes);
        if !has_errors || is_readable(&text) {
            return checked_text(text.into_owned());
        }
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    checked(detector.guess(None, Utf8Detection::Allow), bytes)
}

fn checked(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    checked_text(encoding.decode_without_bom_handling(bytes).0.into_owned())
}

fn checked_text(text: String) -> Option<String> {
    is_readable(&text).then_some(text)
}

/// Whether few enough characters of a text are none: replaced ones, and controls that no text has.
fn is_readable(text: &str) -> bool {
    let is_none = |&letter: &char| {
        letter == char::REPLACEMENT_CHARACTER
            || (letter.is_control() && !matches!(letter, '\n' | '\r' | '\t' | '\u{C}' | '\u{80}'..))
    };
    let n_none = text.chars().filter(is_none).count();
    n_none == 0 || n_none * MOST_UNREADABLE < text.chars().count()
}

/// The encoding that a page's beginning states: `<meta charset=gb2312>`, `<?xml encoding="…"?>`.
fn prescan(beginning: &[u8]) -> Option<&'static Encoding> {
    let lower = beginning.to_ascii_lowercase();
    for key in [&b"charset"[..], b"encoding"] {
        for at in memchr::memmem::find_iter(&lower, key) {
            let rest = lower[at + key.len()..].trim_ascii_start();
            let Some(rest) = rest.strip_prefix(b"=") else {
                continue;
            };
            let rest = rest.trim_ascii_start();
            let rest = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).unwrap_or(rest);
            let is_label = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_:.".contains(byte);
            let label = &rest[..rest.iter().take_while(|byte| is_label(byte)).count()];
            let Some(encoding) = Encoding::for_label(label) else {
                continue;
            };
            // Bytes in which ASCII could be read are not UTF-16.
            return Some(if [UTF_16LE, UTF_16BE].contains(&encoding) { UTF_8 } else { encoding });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], charset: Option<&str>, text: &str) {
        assert_eq!(decode(bytes, charset).as_deref(), Some(text));
    }

    #[test]
    fn what_a_document_states_is_believed() {
        let (body, _, _) = encoding_rs::GB18030.encode("<meta charset=\"gb2312\">深海的光");
        check(&body, None, "<meta charset=\"gb2312\">深海的光");
        check(b"caf\xE9", Some("ISO-8859-1"), "café");
        check(b"\xFF\xFEa\0b\0", None, "ab");
        check("\u{FEFF}é".as_bytes(), Some("latin1"), "é");
    }

    #[test]
    fn what_a_document_does_not_state_is_guessed() {
        let text = "深海的光很少，但是那里仍然有许多生命。它们在黑暗中生活了几百万年。";
        check(&encoding_rs::GBK.encode(text).0, None, text);
        let text = "日本語の文章は、漢字とひらがなとカタカナで書かれています。";
        check(&encoding_rs::SHIFT_JIS.encode(text).0, None, text);
    }

    #[test]
    fn bytes_that_are_no_text_are_none() {
        assert_eq!(decode(&[0, 1, 2, 3, 0, 0, 5, 6], None), None);
    }
}
