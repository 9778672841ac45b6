//! Character references: `&amp;`, `&#8217;`, `&#x201C;`.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The names of the HTML standard, one a line: the name, with its semicolon where it needs one, then
/// its code points in hexadecimal.
const NAMED: &str = include_str!("entities.txt");

/// The longest name, in bytes.
const LONGEST_NAME: usize = 32;

static ENTITIES: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    let entity = |line: &'static str| {
        let mut fields = line.split(' ');
        let name = fields.next()?;
        let code = |hex| u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
        Some((name, fields.filter_map(code).collect()))
    };
    NAMED.lines().filter_map(entity).collect()
});

/// Text with its references resolved, as it stands in an attribute's value.
pub fn resolve(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    resolve_into(raw, true, &mut text);
    text
}

/// Appends text with its references resolved. In an attribute, a name without its semicolon that
/// goes on, as in `?a=1&copy=2`, is no reference.
pub fn resolve_into(raw: &str, is_attribute: bool, text: &mut String) {
    let mut rest = raw;
    while let Some(len) = memchr::memchr(b'&', rest.as_bytes()) {
        text.push_str(&rest[..len]);
        rest = &rest[len..];
        match reference(rest, is_attribute, text) {
            Some(len) => rest = &rest[len..],
            None => {
                text.push('&');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
}

/// Appends what the reference at the beginning of `rest` stands for, and gives its length.
fn reference(rest: &str, is_attribute: bool, text: &mut String) -> Option<usize> {
    let bytes = rest.as_bytes();
    if bytes.get(1) == Some(&b'#') {
        let (code, len) = numeric(bytes)?;
        text.push(code);
        return Some(len);
    }
    let n_name =
        bytes[1..].iter().take(LONGEST_NAME).take_while(|b| b.is_ascii_alphanumeric()).count();
    if n_name == 0 {
        return None;
    }
    let with_semicolon = 1 + n_name + usize::from(bytes.get(1 + n_name) == Some(&b';'));
    if let Some(characters) = ENTITIES.get(&rest[1..with_semicolon]) {
        let goes_on = !rest[..with_semicolon].ends_with(';')
            && matches!(bytes.get(with_semicolon), Some(b'='));
        if is_attribute && goes_on {
            return None;
        }
        text.push_str(characters);
        return Some(with_semicolon);
    }
    if is_attribute {
        return None;
    }
    // The longest name without a semicolon that the letters begin with: `&notit;` is `¬it;`.
    let (len, characters) =
        (2..1 + n_name).rev().find_map(|len| Some((len, ENTITIES.get(&rest[1..len])?)))?;
    text.push_str(characters);
    Some(len)
}

/// The character of a numeric reference, and the reference's length.
fn numeric(bytes: &[u8]) -> Option<(char, usize)> {
    let is_hex = matches!(bytes.get(2), Some(b'x' | b'X'));
    let (start, radix) = if is_hex { (3, 16) } else { (2, 10) };
    let mut code: u32 = 0;
    let mut len = start;
    while let Some(digit) = bytes.get(len).and_then(|&byte| char::from(byte).to_digit(radix)) {
        code = code.saturating_mul(radix).saturating_add(digit);
        len += 1;
    }
    if len == start {
        return None;
    }
    if bytes.get(len) == Some(&b';') {
        len += 1;
    }
    let character = match code {
        0 => char::REPLACEMENT_CHARACTER,
        0x80..=0x9F => WINDOWS_1252[code as usize - 0x80],
        _ => char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    Some((character, len))
}

/// What pages mean by the codes 0x80 to 0x9F.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];
