//! Texts as hashes of their words, three after three.

use xxhash_rust::xxh3::xxh3_64;

/// Words in a shingle. Three words are seldom shared by chance, and one changed word costs no more
/// than three shingles; of Chinese, three characters hold about two words.
const SHINGLE_LEN: usize = 3;

/// The hash of every run of three words of `text`, in order, with repeats; of a shorter text, the
/// one hash of all it has; of a text without words, none.
///
/// A word is a run of letters and digits in lower case; of a script written without spaces, each
/// character is a word. Punctuation, case and layout therefore change nothing.
#[must_use]
pub fn shingles(text: &str) -> Vec<u64> {
    let words = words(text);
    if words.is_empty() {
        return Vec::new();
    }
    words.windows(SHINGLE_LEN.min(words.len())).map(hash_of_words).collect()
}

fn hash_of_words(words: &[u64]) -> u64 {
    let mut bytes = [0; SHINGLE_LEN * 8];
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    xxh3_64(&bytes[..words.len() * 8])
}

/// The hash of every word of `text`, in order: what shingles are made of.
#[must_use]
pub fn words(text: &str) -> Vec<u64> {
    let mut hashes = Vec::with_capacity(text.len() / 5);
    let mut word = Vec::new();
    let mut finish = |word: &mut Vec<u8>| {
        if !word.is_empty() {
            hashes.push(xxh3_64(word));
            word.clear();
        }
    };
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii() {
            // Most text is runs of these letters, which need not be taken one by one.
            let n = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric());
            let (run, behind) = rest.split_at(n.unwrap_or(rest.len()));
            word.extend(run.bytes().map(|byte| byte.to_ascii_lowercase()));
            rest = behind;
            if rest.bytes().next().is_some_and(|byte| byte.is_ascii()) {
                finish(&mut word);
                rest = &rest[1..];
            }
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let mut utf8 = [0; 4];
        if is_word_by_itself(c) {
            finish(&mut word);
            word.extend(c.encode_utf8(&mut utf8).bytes());
            finish(&mut word);
        } else if c.is_alphanumeric() {
            c.to_lowercase().for_each(|c| word.extend(c.encode_utf8(&mut utf8).bytes()));
        } else {
            finish(&mut word);
        }
    }
    finish(&mut word);
    hashes
}

/// Whether `c` belongs to a script written without spaces: Chinese, Japanese, Thai, Lao, Burmese or
/// Khmer. Korean has spaces.
fn is_word_by_itself(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, n_words: usize, n_shingles: usize) {
        assert_eq!(words(text).len(), n_words, "{text}");
        assert_eq!(shingles(text).len(), n_shingles, "{text}");
    }

    #[test]
    fn words_are_runs_of_letters_and_characters_of_scripts_without_spaces() {
        check("", 0, 0);
        check(" ,. ", 0, 0);
        check("one", 1, 1);
        check("one two", 2, 1);
        check("One, two; three", 3, 1);
        check("天荒地變心難折", 7, 5);
        check("用Rust寫的3個程式", 8, 6);
        check("대한민국 서울", 2, 1);
    }

    #[test]
    fn case_punctuation_and_layout_change_nothing() {
        assert_eq!(shingles("The Cat — sat\n\ndown."), shingles("the cat sat down"));
        assert_ne!(shingles("the cat sat down"), shingles("the cat down sat"));
    }
}
