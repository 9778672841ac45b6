//! Records from a seed, one in ten of them near an earlier one.

use std::fmt::Write as _;
use std::io::{BufWriter, Result, Write};

use hadal_corpus::dedup::{Entry, SKETCH_LEN, Sketch};

/// Words of a text of [`write_lines`].
const N_WORDS: u64 = 30;

/// The record `number` as texts of 400 words would be, the same whenever it is made, and whether it
/// is near an earlier one: two bits of that one's fingerprint and four hashes of its sketch are
/// then others.
pub(crate) fn entry(number: u64) -> (Entry, bool) {
    let (of, is_near) = origin(number);
    let mut random = Random(of ^ 0x5eed_0000_0000_0000);
    let mut fingerprint = random.next();
    let step = u32::MAX / 400 * 2;
    let mut hash = 0;
    let mut hashes: Vec<u32> = (0..SKETCH_LEN)
        .map(|_| {
            hash += 1 + random.next() as u32 % step;
            hash
        })
        .collect();
    if is_near {
        fingerprint ^= 1 << (number % 64) | 1 << (number / 64 % 64);
        hashes[SKETCH_LEN - 4..].iter_mut().for_each(|hash| *hash ^= 1);
        hashes.sort_unstable();
        hashes.dedup();
    }
    let sketch = Sketch::from_hashes(hashes).expect("they ascend");
    (Entry { content: number, fingerprint, sketch }, is_near)
}

/// Writes as many records as JSON lines; in one that is near another, two words are others.
pub(crate) fn write_lines(n_records: u64, output: impl Write) -> Result<()> {
    let mut output = BufWriter::new(output);
    let mut text = String::new();
    for number in 0..n_records {
        let (of, is_near) = origin(number);
        let mut random = Random(of ^ 0x7e87_0000_0000_0000);
        text.clear();
        for i in 0..N_WORDS {
            let word = random.next();
            let is_other = is_near && (i == 5 || i == 20);
            push_word(&mut text, if is_other { word ^ number } else { word });
        }
        writeln!(output, "{{\"id\":\"{number}\",\"text\":\"{text}\"}}")?;
    }
    output.flush()
}

/// As many texts of so many words.
pub(crate) fn texts(n_texts: usize, n_words: usize) -> Vec<String> {
    let mut random = Random(7);
    let mut text = || {
        let mut text = String::new();
        (0..n_words).for_each(|_| push_word(&mut text, random.next()));
        text
    };
    (0..n_texts).map(|_| text()).collect()
}

fn push_word(text: &mut String, random: u64) {
    let _ = write!(text, "{:x} ", random % 50_000);
}

/// The record of which `number` is made, and whether that is an earlier one.
fn origin(number: u64) -> (u64, bool) {
    let mut of = number;
    loop {
        let mut random = Random(of);
        if of <= 10 || !random.next().is_multiple_of(10) {
            return (of, of < number);
        }
        of = random.next() % of;
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}
