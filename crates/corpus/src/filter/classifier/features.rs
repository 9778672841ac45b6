//! A text as numbers: hashes of its words, of neighbouring words, and of the letters within words.

use serde::{Deserialize, Serialize};

use crate::filter::words::is_han;

/// Which n-grams of a text are looked at, and how many buckets they fall into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    /// Logarithm to base 2 of the number of buckets, 8 to 24.
    pub n_bits: u8,
    /// The most tokens in a row, 1 to 5.
    pub n_tokens: u8,
    /// The fewest and the most characters in a row within a word and its two ends; `[0, 0]` for
    /// none, and 8 at most.
    pub n_chars: [u8; 2],
}

impl Default for Features {
    /// For a filter: words and pairs of words. Letters within words made it worse on sites that it
    /// had not seen.
    fn default() -> Features {
        Features { n_bits: 18, n_tokens: 2, n_chars: [0, 0] }
    }
}

impl Features {
    /// Whether the numbers lie within their bounds.
    pub fn is_valid(&self) -> bool {
        let [least, most] = self.n_chars;
        (8..=24).contains(&self.n_bits)
            && (1..=5).contains(&self.n_tokens)
            && most <= 8
            && least <= most
            && (least > 0 || most == 0)
    }

    /// How many buckets there are.
    pub fn n_buckets(&self) -> usize {
        1 << self.n_bits
    }

    /// Puts the bucket of every n-gram of `text` into `buckets`, which is emptied first. The first is
    /// the same for every text: its weight is the bias.
    ///
    /// A token is a word in lower case, a number, a Chinese character or any other mark. Chinese is
    /// not cut into words: neighbouring characters are, two by two, its words.
    pub fn extract(&self, text: &str, buckets: &mut Vec<u32>) {
        buckets.clear();
        buckets.push(self.bucket(hash(0, 1)));
        // The hashes of the tokens before this one, the nearest last.
        let mut before = [0u64; 5];
        let mut n_before = 0;
        let mut letters: Vec<char> = Vec::with_capacity(32);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c.is_whitespace() {
                continue;
            }
            letters.clear();
            letters.push('<');
            letters.extend(c.to_lowercase());
            if c.is_alphanumeric() && !is_han(c) {
                while let Some(c) = chars.next_if(|&c| c.is_alphanumeric() && !is_han(c)) {
                    letters.extend(c.to_lowercase());
                }
            }
            letters.push('>');
            let token = letters.iter().fold(TOKEN, |state, &c| hash(state, c as u64));
            buckets.push(self.bucket(token));
            let mut state = token;
            for &neighbour in before[..n_before].iter().rev() {
                state = hash(state, neighbour);
                buckets.push(self.bucket(state));
            }
            if self.n_tokens > 1 {
                if n_before == usize::from(self.n_tokens) - 1 {
                    before.copy_within(1..n_before, 0);
                    n_before -= 1;
                }
                before[n_before] = token;
                n_before += 1;
            }
            // A token with its two ends, and shorter than what is asked for, is the word again.
            if letters.len() > 3 {
                self.within(&letters, buckets);
            }
        }
    }

    /// The n-grams of characters of one word.
    fn within(&self, letters: &[char], buckets: &mut Vec<u32>) {
        let [least, most] = self.n_chars.map(usize::from);
        if most == 0 {
            return;
        }
        for begin in 0..letters.len() {
            let mut state = LETTERS;
            for (index, &c) in letters[begin..].iter().take(most).enumerate() {
                state = hash(state, c as u64);
                if index + 1 >= least {
                    buckets.push(self.bucket(state));
                }
            }
        }
    }

    /// The upper bits of a hash: multiplication mixes upwards.
    fn bucket(&self, hash: u64) -> u32 {
        (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - self.n_bits)) as u32
    }
}

/// Where hashes of tokens and of letters begin, so that they are different.
const TOKEN: u64 = 0x51_7c_c1_b7_27_22_0a_95;
const LETTERS: u64 = 0x2545_f491_4f6c_dd1d;

/// The next state of a hash: as in FxHash, one rotation and one multiplication, because features
/// are short and there are many. Part of the format of model files.
fn hash(state: u64, value: u64) -> u64 {
    (state.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extract(features: Features, text: &str) -> Vec<u32> {
        let mut buckets = Vec::new();
        features.extract(text, &mut buckets);
        buckets
    }

    const WORDS: Features = Features { n_bits: 20, n_tokens: 1, n_chars: [0, 0] };

    #[test]
    fn a_token_is_a_word_in_lower_case_or_a_single_mark_or_chinese_character() {
        // The bias, and: "deep", ",", "the", "sea".
        assert_eq!(extract(WORDS, "Deep, the SEA").len(), 5);
        assert_eq!(extract(WORDS, "Deep")[1], extract(WORDS, "deep")[1]);
        assert_eq!(extract(WORDS, "深海abc").len(), 4);
    }

    #[test]
    fn neighbours_are_counted_in_their_order() {
        let pairs = Features { n_tokens: 2, ..WORDS };
        assert_eq!(extract(pairs, "a b c").len(), 1 + 3 + 2);
        let triples = Features { n_tokens: 3, ..WORDS };
        assert_eq!(extract(triples, "a b c d").len(), 1 + 4 + 3 + 2);
        assert_ne!(extract(pairs, "a b")[3], extract(pairs, "b a")[3]);
    }

    #[test]
    fn letters_are_counted_within_a_word_and_its_ends() {
        let letters = Features { n_chars: [3, 4], ..WORDS };
        // "<sea>": 3 of three characters and 2 of four.
        assert_eq!(extract(letters, "sea").len(), 2 + 3 + 2);
        let shared = |a: &str, b: &str| {
            let b = extract(letters, b);
            extract(letters, a)[2..].iter().filter(|bucket| b.contains(bucket)).count()
        };
        assert!(shared("swimming", "swiming") >= 6);
    }

    #[test]
    fn buckets_lie_within_their_number() {
        let features = Features { n_bits: 8, ..Features::default() };
        assert!(extract(features, "a few words, and 深海 too").iter().all(|&bucket| bucket < 256));
    }
}
