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
    /// Whether the length of the text and what its letters, words and end look like count.
    pub shape: bool,
}

impl Default for Features {
    /// For a filter: pairs of words, and 3 to 5 letters, which spell out endings and common parts of
    /// words that were never seen; the shape, because menus are short.
    fn default() -> Features {
        Features { n_bits: 18, n_tokens: 2, n_chars: [3, 5], shape: true }
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

    /// How many of the buckets are about the text as a whole: the bias, and its shape.
    pub fn n_whole(&self) -> usize {
        1 + if self.shape { N_SHAPES } else { 0 }
    }

    /// Puts the buckets of `text` into `buckets`, which is emptied first: of the bias, which is the
    /// same for every text, and of its shape, [`n_whole`](Self::n_whole) in all; and behind them of
    /// every n-gram.
    ///
    /// A token is a word in lower case, a number, a Chinese character or any other mark. Chinese is
    /// not cut into words: neighbouring characters are, two by two, its words.
    pub fn extract(&self, text: &str, buckets: &mut Vec<u32>) {
        buckets.clear();
        buckets.resize(self.n_whole(), 0);
        buckets[0] = self.bucket(hash(0, 1));
        // The hashes of the tokens before this one, the nearest last.
        let mut before = [0u64; 5];
        let mut n_before = 0;
        let mut shape = Shape::default();
        let mut letters: Vec<char> = Vec::with_capacity(32);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c.is_whitespace() {
                continue;
            }
            letters.clear();
            letters.push('<');
            shape.see(c);
            letters.extend(c.to_lowercase());
            if c.is_alphanumeric() && !is_han(c) {
                while let Some(c) = chars.next_if(|&c| c.is_alphanumeric() && !is_han(c)) {
                    shape.see(c);
                    letters.extend(c.to_lowercase());
                }
            }
            letters.push('>');
            shape.see_token(&letters);
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
        if self.shape {
            for (place, hash) in buckets[1..].iter_mut().zip(shape.hashes()) {
                *place = self.bucket(hash);
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

/// Where hashes of tokens, of letters and of shapes begin, so that they are different.
const TOKEN: u64 = 0x51_7c_c1_b7_27_22_0a_95;
const LETTERS: u64 = 0x2545_f491_4f6c_dd1d;
const SHAPE: u64 = 0x9e6c_63d0_876a_3f6b;

/// The next state of a hash: as in FxHash, one rotation and one multiplication, because features
/// are short and there are many. Part of the format of model files.
fn hash(state: u64, value: u64) -> u64 {
    (state.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95)
}

/// How many buckets the shape of a text falls into.
const N_SHAPES: usize = 8;

/// What can be told of a text without reading it: menus are short lists of words with capitals, and
/// prose is sentences that end.
#[derive(Default)]
struct Shape {
    n_chars: u64,
    n_digits: u64,
    n_marks: u64,
    n_tokens: u64,
    n_words: u64,
    /// Words that begin with a capital.
    n_capitals: u64,
    /// Words of up to three letters, without a capital: they hold sentences together.
    n_little: u64,
    /// Marks that end sentences.
    n_ends: u64,
    /// What kind of character came last.
    last: u64,
    is_capital: bool,
    is_begin: bool,
}

impl Shape {
    /// A character that is no space.
    fn see(&mut self, c: char) {
        self.n_chars += 1;
        self.n_digits += u64::from(c.is_numeric());
        let is_end = matches!(c, '.' | '!' | '?' | '。' | '！' | '？');
        self.n_ends += u64::from(is_end);
        self.last = match c {
            _ if is_end => 0,
            ',' | ';' | ':' | '，' | '；' | '：' | '、' => 1,
            '"' | '\'' | '”' | '’' | '」' | '）' | ')' => 2,
            c if c.is_numeric() => 3,
            c if c.is_alphabetic() => 4,
            _ => 5,
        };
        self.n_marks += u64::from(!c.is_alphanumeric());
        if !std::mem::replace(&mut self.is_begin, true) {
            self.is_capital = c.is_uppercase();
        }
    }

    /// The token whose characters were seen, with its two ends.
    fn see_token(&mut self, letters: &[char]) {
        self.is_begin = false;
        self.n_tokens += 1;
        if letters[1].is_alphabetic() {
            self.n_words += 1;
            self.n_capitals += u64::from(self.is_capital);
            self.n_little += u64::from(letters.len() <= 5 && !self.is_capital);
        }
    }

    /// Length by powers of the square root of two; the others in a few steps, each with the length
    /// by powers of two, because a capital in two words says something else than in twenty.
    fn hashes(&self) -> impl Iterator<Item = u64> {
        let log_length = (self.n_tokens.max(1) as f64).log2();
        let length = log_length as u64;
        let of_chars = |n: u64| n * 16 / self.n_chars.max(1);
        let of_words = |n: u64| n * 8 / self.n_words.max(1);
        let values: [u64; N_SHAPES] = [
            (log_length * 2.0) as u64,
            self.last,
            of_words(self.n_capitals),
            of_words(self.n_little),
            of_chars(self.n_digits),
            of_chars(self.n_marks),
            self.n_ends.min(6),
            self.n_chars / self.n_tokens.max(1),
        ];
        values
            .into_iter()
            .zip(1..)
            .map(move |(value, kind)| hash(hash(hash(SHAPE, kind), length), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extract(features: Features, text: &str) -> Vec<u32> {
        let mut buckets = Vec::new();
        features.extract(text, &mut buckets);
        buckets
    }

    const WORDS: Features = Features { n_bits: 20, n_tokens: 1, n_chars: [0, 0], shape: false };

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
    fn the_shape_stands_before_the_n_grams_and_does_not_depend_on_the_words() {
        let shaped = Features { shape: true, ..WORDS };
        let of = |text| extract(shaped, text)[..shaped.n_whole()].to_vec();
        assert_eq!(of("The sea is deep."), of("The sky is high."));
        assert_ne!(of("The sea is deep."), of("The Sea Is Deep"));
        assert_eq!(extract(shaped, "sea").len(), extract(WORDS, "sea").len() + N_SHAPES);
    }

    #[test]
    fn buckets_lie_within_their_number() {
        let features = Features { n_bits: 8, ..Features::default() };
        assert!(extract(features, "a few words, and 深海 too").iter().all(|&bucket| bucket < 256));
    }
}
