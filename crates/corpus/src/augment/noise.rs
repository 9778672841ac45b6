//! Slips of fingers and of the ear.

use rand::{Rng, RngExt};

use super::tokens::{choose, is_han};
use super::{Homophones, Token};

/// The rows of a keyboard, each half a key to the right of the one above.
const ROWS: [&[u8]; 3] = [b"qwertyuiop", b"asdfghjkl", b"zxcvbnm"];

/// Replaces one letter of `n` words by a neighbour on the keyboard.
pub(super) fn keyboard(tokens: &mut [Token<'_>], n: usize, rng: &mut impl Rng) {
    let has_keys = |token: &Token<'_>| {
        token.text.len() > 2 && token.text.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    for index in choose(tokens, n, has_keys, rng) {
        let text = tokens[index].text.to_mut();
        let is_key = |&(_, byte): &(usize, u8)| byte.is_ascii_alphabetic();
        let n_keys = text.bytes().enumerate().filter(is_key).count();
        let chosen = rng.random_range(0..n_keys);
        let (place, key) = text.bytes().enumerate().filter(is_key).nth(chosen).expect("counted");
        let slip = neighbour(key.to_ascii_lowercase(), rng);
        let slip = if key.is_ascii_uppercase() { slip.to_ascii_uppercase() } else { slip };
        text.replace_range(place..=place, (slip as char).encode_utf8(&mut [0; 4]));
    }
}

/// A key beside a small letter: left or right of it, or where the rows above and below touch it.
fn neighbour(key: u8, rng: &mut impl Rng) -> u8 {
    let places = ROWS.iter().zip(0usize..).find_map(|(keys, row)| {
        keys.iter().position(|&other| other == key).map(|column| (row, column))
    });
    let (row, column) = places.expect("every letter has a key");
    let mut beside = [0u8; 6];
    let mut n = 0;
    let mut add = |row: Option<usize>, column: Option<usize>| {
        let key = row.and_then(|row| ROWS.get(row)).zip(column).and_then(|(keys, i)| keys.get(i));
        if let Some(&key) = key {
            beside[n] = key;
            n += 1;
        }
    };
    add(Some(row), column.checked_sub(1));
    add(Some(row), Some(column + 1));
    add(row.checked_sub(1), Some(column));
    add(row.checked_sub(1), Some(column + 1));
    add(Some(row + 1), column.checked_sub(1));
    add(Some(row + 1), Some(column));
    beside[rng.random_range(0..n)]
}

/// In `n` words of three letters or two Chinese characters and more, lets two neighbouring letters
/// change places, or one be left out or doubled. The first letter of a word in Latin letters stays:
/// slips there are rare (Pollock and Zamora 1984).
pub(super) fn typo(tokens: &mut [Token<'_>], n: usize, rng: &mut impl Rng) {
    let is_long = |token: &Token<'_>| {
        let n_chars = token.text.chars().count();
        n_chars > 2 || n_chars == 2 && token.text.chars().all(is_han)
    };
    for index in choose(tokens, n, is_long, rng) {
        let mut chars: Vec<char> = tokens[index].text.chars().collect();
        let first = usize::from(!is_han(chars[0]));
        match rng.random_range(0..3) {
            0 if chars.len() - first > 1 => {
                let place = rng.random_range(first..chars.len() - 1);
                chars.swap(place, place + 1);
            }
            1 => {
                chars.remove(rng.random_range(first..chars.len()));
            }
            _ => {
                let place = rng.random_range(first..chars.len());
                chars.insert(place, chars[place]);
            }
        }
        *tokens[index].text.to_mut() = chars.into_iter().collect();
    }
}

/// Replaces `n` words by words that sound alike; of a Chinese word, one character.
pub(super) fn homophone<'a>(
    tokens: &mut [Token<'a>],
    n: usize,
    homophones: &'a Homophones,
    rng: &mut impl Rng,
) {
    let mut n_replaced = 0;
    for index in choose(tokens, usize::MAX, |_| true, rng) {
        if n_replaced == n {
            break;
        }
        if let Some(text) = homophones.of(&tokens[index].text, rng) {
            tokens[index].text = text.into();
            n_replaced += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::BTreeSet;

    #[test]
    fn neighbours_are_the_keys_around() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut of =
            |key| (0..200).map(|_| neighbour(key, &mut rng) as char).collect::<BTreeSet<_>>();
        assert_eq!(of(b's').into_iter().collect::<String>(), "adewxz");
        assert_eq!(of(b'q').into_iter().collect::<String>(), "aw");
        assert_eq!(of(b'm').into_iter().collect::<String>(), "jkn");
    }
}
