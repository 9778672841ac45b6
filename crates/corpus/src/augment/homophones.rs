//! What sounds alike.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use pinyin::ToPinyin;
use rand::{Rng, RngExt};

use super::tokens::is_han;
use crate::filter::Segmenter;

/// English words that sound alike, by a table of those commonly confused; and common Chinese
/// characters of the same syllable, whatever its tone, as they are slipped into by typing pinyin.
#[derive(Default)]
pub struct Homophones {
    segmenter: Arc<Segmenter>,
    syllables: OnceLock<HashMap<&'static str, Vec<char>>>,
}

/// How often a character must stand alone in the texts that jieba's dictionary was counted in, to be
/// slipped into: about 2,500 characters do.
const OFTEN: usize = 1000;

impl Homophones {
    /// Takes what is common in Chinese from the dictionary of `segmenter`.
    pub fn new(segmenter: Arc<Segmenter>) -> Homophones {
        Homophones { segmenter, syllables: OnceLock::new() }
    }

    /// A word that sounds like `word`, if there is one.
    pub fn of(&self, word: &str, rng: &mut impl Rng) -> Option<String> {
        if word.chars().any(is_han) {
            return self.chinese(word, rng);
        }
        let lower = word.to_lowercase();
        let group = ENGLISH.iter().find(|group| group.split(' ').any(|other| other == lower))?;
        let others: Vec<&str> = group.split(' ').filter(|&other| other != lower).collect();
        let other = others[rng.random_range(0..others.len())];
        if !word.starts_with(char::is_uppercase) {
            return Some(other.to_owned());
        }
        Some(other[..1].to_uppercase() + &other[1..])
    }

    /// The word with one character, drawn by chance, replaced.
    fn chinese(&self, word: &str, rng: &mut impl Rng) -> Option<String> {
        let mut chars: Vec<char> = word.chars().collect();
        let place = rng.random_range(0..chars.len());
        let syllable = chars[place].to_pinyin()?.plain();
        let alike = self.syllables().get(syllable)?;
        let others: Vec<char> = alike.iter().copied().filter(|&c| c != chars[place]).collect();
        if others.is_empty() {
            return None;
        }
        chars[place] = others[rng.random_range(0..others.len())];
        Some(chars.into_iter().collect())
    }

    fn syllables(&self) -> &HashMap<&'static str, Vec<char>> {
        self.syllables.get_or_init(|| {
            let mut syllables: HashMap<&'static str, Vec<char>> = HashMap::new();
            for c in '\u{4e00}'..='\u{9fff}' {
                let frequency = self.segmenter.jieba().suggest_freq(c.encode_utf8(&mut [0; 4]));
                if let Some(syllable) = c.to_pinyin().filter(|_| frequency >= OFTEN) {
                    syllables.entry(syllable.plain()).or_default().push(c);
                }
            }
            syllables
        })
    }
}

/// Groups of words that sound alike.
const ENGLISH: [&str; 109] = [
    "ad add",
    "aisle isle",
    "allowed aloud",
    "ate eight",
    "bare bear",
    "be bee",
    "beach beech",
    "bean been",
    "beat beet",
    "blew blue",
    "board bored",
    "brake break",
    "buy by bye",
    "ceiling sealing",
    "cell sell",
    "cent scent sent",
    "cereal serial",
    "chews choose",
    "cite sight site",
    "coarse course",
    "complement compliment",
    "council counsel",
    "days daze",
    "dear deer",
    "desert dessert",
    "dew due do",
    "die dye",
    "fair fare",
    "feat feet",
    "find fined",
    "flea flee",
    "flour flower",
    "for four fore",
    "foul fowl",
    "gait gate",
    "genes jeans",
    "grate great",
    "guessed guest",
    "hair hare",
    "hall haul",
    "heal heel",
    "hear here",
    "heard herd",
    "hi high",
    "higher hire",
    "hole whole",
    "hour our",
    "its it's",
    "key quay",
    "knead need",
    "knew new",
    "knight night",
    "knot not",
    "know no",
    "lead led",
    "lessen lesson",
    "loan lone",
    "made maid",
    "mail male",
    "main mane",
    "meat meet",
    "one won",
    "pair pear",
    "passed past",
    "patience patients",
    "pause paws",
    "peace piece",
    "plain plane",
    "pole poll",
    "poor pour",
    "principal principle",
    "rain reign",
    "raise rays",
    "read red",
    "real reel",
    "right write",
    "road rode",
    "role roll",
    "sail sale",
    "scene seen",
    "sea see",
    "seam seem",
    "sew so sow",
    "some sum",
    "son sun",
    "stair stare",
    "stake steak",
    "stationary stationery",
    "steal steel",
    "suite sweet",
    "tail tale",
    "than then",
    "their there they're",
    "threw through",
    "tide tied",
    "to too two",
    "toe tow",
    "vain vein",
    "waist waste",
    "wait weight",
    "war wore",
    "way weigh",
    "weak week",
    "wear where",
    "weather whether",
    "which witch",
    "who's whose",
    "wood would",
    "your you're",
];

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn words_and_characters_are_replaced_by_what_sounds_alike() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let homophones = Homophones::default();
        assert_eq!(homophones.of("Weather", &mut rng).as_deref(), Some("Whether"));
        assert_eq!(homophones.of("xylophone", &mut rng), None);
        let slip = homophones.of("天气", &mut rng).unwrap();
        let syllables = |text: &str| {
            text.to_pinyin().map(|syllable| syllable.unwrap().plain()).collect::<Vec<_>>()
        };
        assert_ne!(slip, "天气");
        assert_eq!(syllables(&slip), ["tian", "qi"]);
    }
}
