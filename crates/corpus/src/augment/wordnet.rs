//! A reader of Princeton WordNet's files (wndb(5WN)), as Debian's `wordnet-base` has them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use super::Synonyms;
use super::synonyms::Gathering;
use crate::Error;
use crate::error::at;

const PARTS: [&str; 4] = ["noun", "verb", "adj", "adv"];

impl Synonyms {
    /// Reads the senses of `data.*` and the irregular forms of `*.exc` in a folder. Words of one
    /// sense are synonyms; those of several words are given with spaces.
    ///
    /// # Errors
    /// Where a file cannot be read, or a line is not of WordNet's form.
    pub fn of_wordnet(folder: &Path) -> Result<Synonyms, Error> {
        let mut gathering = Gathering::default();
        let mut inflections = Inflections { irregular: HashMap::new(), has_endings: true };
        for part in PARTS {
            let path = folder.join(format!("data.{part}"));
            for (line, index) in read(&path)?.lines().zip(1..) {
                // The licence stands in front, indented.
                if line.starts_with(' ') || line.is_empty() {
                    continue;
                }
                let words = words(line).ok_or_else(|| Error::Synonyms {
                    path: path.clone(),
                    line: index,
                    expected: "an offset, a file, a type, the number of words, and the words",
                })?;
                let words: Vec<u32> = words.iter().map(|word| gathering.word(word)).collect();
                gathering.sense(&words);
            }
            let path = folder.join(format!("{part}.exc"));
            for line in read(&path)?.lines() {
                if let Some((form, base)) = line.split_once(' ') {
                    let base = base.split(' ').next().expect("a split has a first part");
                    inflections.irregular.entry(form.into()).or_insert_with(|| base.into());
                }
            }
        }
        Ok(gathering.synonyms(inflections))
    }
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(at(path))
}

/// The words of one sense: `offset lex_filenum ss_type w_cnt word lex_id [word lex_id...] ...`, the
/// count in hexadecimal.
fn words(line: &str) -> Option<Vec<String>> {
    let mut fields = line.split(' ').skip(3);
    let n_words =
        usize::from_str_radix(fields.next()?, 16).ok().filter(|n| (1..=255).contains(n))?;
    (0..n_words)
        .map(|_| {
            let word = fields.next()?;
            fields.next()?;
            // Adjectives may say where they can stand: `ready_to_hand(p)`.
            let word = word.split_once('(').map_or(word, |(word, _)| word);
            Some(word.replace('_', " "))
        })
        .collect()
}

/// How a word becomes the one that stands in the lexicon, after WordNet's own morphy(7WN).
#[derive(Default)]
pub(super) struct Inflections {
    irregular: HashMap<Box<str>, Box<str>>,
    has_endings: bool,
}

/// Endings and what stands in their place.
const ENDINGS: [(&str, &str); 19] = [
    ("ies", "y"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("ses", "s"),
    ("xes", "x"),
    ("zes", "z"),
    ("men", "man"),
    ("es", "e"),
    ("es", ""),
    ("s", ""),
    ("ied", "y"),
    ("ed", "e"),
    ("ed", ""),
    ("ing", "e"),
    ("ing", ""),
    ("er", ""),
    ("er", "e"),
    ("est", ""),
    ("est", "e"),
];

impl Inflections {
    /// What the word, in lower case, may be a form of, the likeliest first.
    pub(super) fn bases<'a>(&'a self, word: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        let irregular = self.irregular.get(word).map(|base| Cow::Borrowed(&**base));
        let endings = if self.has_endings { &ENDINGS[..] } else { &[] };
        let regular = endings.iter().filter_map(move |(ending, instead)| {
            let stem = word.strip_suffix(ending).filter(|stem| stem.len() > 1)?;
            Some(match *instead {
                "" => Cow::Borrowed(stem),
                instead => Cow::Owned(format!("{stem}{instead}")),
            })
        });
        irregular.into_iter().chain(regular)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Two senses in WordNet's own words, and one irregular form.
    fn small() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for part in PARTS {
            let data = match part {
                "noun" => {
                    "  1 This software and database\n\
                     06613686 10 n 03 movie 0 film 0 moving_picture 0 001 @ 06619428 n 0000 | a form  \n"
                }
                "adj" => {
                    "00019731 00 s 02 handy 0 ready_to_hand(p) 0 001 & 00019131 a 0000 | easy  \n"
                }
                _ => "",
            };
            std::fs::write(folder.path().join(format!("data.{part}")), data).unwrap();
            let exceptions = if part == "adj" { "handiest handy\n" } else { "" };
            std::fs::write(folder.path().join(format!("{part}.exc")), exceptions).unwrap();
        }
        folder
    }

    #[test]
    fn words_of_a_sense_are_synonyms_of_each_other_and_of_their_forms() {
        let folder = small();
        let synonyms = Synonyms::of_wordnet(folder.path()).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut all = |word| {
            let drawn: std::collections::BTreeSet<_> =
                (0..50).filter_map(|_| synonyms.choose(word, &mut rng)).collect();
            drawn.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(all("film"), ["movie", "moving picture"]);
        assert_eq!(all("Films"), ["movie", "moving picture"]);
        assert_eq!(all("handiest"), ["ready to hand"]);
        assert_eq!(all("sea"), [""; 0]);
    }

    #[test]
    fn a_line_of_another_form_is_named() {
        let folder = small();
        std::fs::write(folder.path().join("data.verb"), "00001740 29 v zz breathe 0\n").unwrap();
        let error = Synonyms::of_wordnet(folder.path()).err().unwrap().to_string();
        assert!(error.ends_with("data.verb, line 1: expected an offset, a file, a type, the number of words, and the words"), "{error}");
    }
}
