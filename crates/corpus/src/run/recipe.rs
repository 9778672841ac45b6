//! A recipe: the file that describes a run, and reads as a paper describes its data.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::dedup::{Measure, Rule};
use crate::error::at;
use crate::normalise::{Chinese, UnicodeForm};
use crate::pack::LARGEST_SHARD;

/// How a corpus is made. A step whose section is not given is not taken; steps are taken in the order
/// of the sections here. Paths are relative to the recipe's folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Its text, as it was read.
    #[serde(skip)]
    pub text: String,
    /// What chance is drawn from: the same sources and seed give the same bytes.
    #[serde(default)]
    pub seed: u64,
    /// The folder that is written.
    pub output: PathBuf,
    /// Memory for what is relational, in MiB; what does not fit waits on disk.
    #[serde(default = "two_gib")]
    pub memory_mib: usize,
    /// Where records come from.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    /// Pages to texts, and their languages.
    pub extract: Option<Extract>,
    /// What is worth learning from.
    pub filter: Option<Filter>,
    /// What must not be learned, because it is asked for later.
    pub decontaminate: Option<Decontaminate>,
    /// One record of those that say the same.
    pub dedup: Option<Dedup>,
    /// One form for times, numbers and places.
    pub normalise: Option<Normalise>,
    /// Copies that say the same a little differently.
    pub augment: Option<Augment>,
    /// Records to tokens.
    pub pack: Option<Pack>,
}

/// Where records come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name in the mixture and on the data card.
    pub name: String,
    /// Files, and folders of files.
    #[serde(default)]
    pub paths: Vec<PathBuf>,
    /// A file of more paths, one a line.
    pub list: Option<PathBuf>,
    /// The licence of records that state none.
    pub licence: Option<String>,
    /// The language of records that state none; told from the text where this is not given.
    pub lang: Option<String>,
    /// The share of the tokens packed that is of this source; of all sources, or of none.
    pub share: Option<f64>,
}

/// Pages to texts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extract {
    /// The languages that are kept, ISO 639-1; all where not given.
    pub languages: Option<Vec<String>>,
}

/// What is worth learning from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Published rules, in the order in which they are asked.
    #[serde(default)]
    pub rules: Vec<String>,
    /// A classifier trained by `hadal corpus filter train`.
    pub classifier: Option<PathBuf>,
    /// The probability from which on the classifier's texts are kept; where its F1 was best where not
    /// given.
    pub threshold: Option<f32>,
    /// Whether e-mail addresses, telephone numbers, keys and identity cards are masked.
    #[serde(default)]
    pub mask_personal: bool,
}

/// What must not be learned.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decontaminate {
    /// Files and folders of records whose texts must not be in the corpus.
    pub against: Vec<PathBuf>,
    /// Words in a row that must not be shared; 13 in the papers of GPT-3 and others.
    #[serde(default = "thirteen")]
    pub n_words: usize,
}

/// One record of those that say the same: the first.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dedup {
    /// What is measured.
    #[serde(default)]
    pub by: Measure,
    /// The least of it that makes duplicates, above 0 and up to 1.
    #[serde(default = "default_threshold")]
    pub threshold: f32,
    /// Whether lines that a text repeats are cut first.
    #[serde(default)]
    pub within: bool,
}

/// One form for times, numbers and places.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalise {
    /// The language of records in none that is known.
    #[serde(default = "english")]
    pub lang: String,
    /// What `today` is counted from, where a record has neither `reference` nor a date; without it,
    /// what counts from there stays as it was.
    pub reference: Option<String>,
    /// Whether full-width letters and digits become half-width.
    #[serde(default)]
    pub half_width: bool,
    /// Whether places are rewritten to their codes.
    #[serde(default)]
    pub places: bool,
    /// The Unicode normal form that texts are brought to.
    pub unicode: Option<UnicodeForm>,
    /// The way of writing Chinese that texts are brought to.
    pub chinese: Option<Chinese>,
}

/// Copies that say the same a little differently.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// What is done, one a copy in turn, by the names of `hadal corpus augment`.
    pub operations: Vec<String>,
    /// Share of the words that are changed.
    #[serde(default = "one_tenth")]
    pub alpha: f64,
    /// Copies of each record.
    #[serde(default = "one")]
    pub copies: usize,
    /// A folder with WordNet's files, for English synonyms.
    pub wordnet: Option<PathBuf>,
    /// A lexicon of the Open Multilingual Wordnet, for Chinese synonyms.
    pub synonyms: Option<PathBuf>,
}

/// Records to tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The folder of the tokenizer.
    pub tokenizer: PathBuf,
    /// The share of the documents that is kept apart to measure on.
    #[serde(default)]
    pub validation: f64,
    /// Tokens after which a shard is closed.
    #[serde(default = "largest_shard")]
    pub shard_tokens: usize,
    /// How often a source that is too small for its share may be repeated.
    #[serde(default = "one_time")]
    pub most_epochs: f64,
}

fn two_gib() -> usize {
    2048
}

fn thirteen() -> usize {
    13
}

fn default_threshold() -> f32 {
    Rule::default().threshold
}

fn english() -> String {
    "en".to_owned()
}

fn one_tenth() -> f64 {
    0.1
}

fn one() -> usize {
    1
}

fn one_time() -> f64 {
    1.0
}

fn largest_shard() -> usize {
    LARGEST_SHARD
}

impl Dedup {
    pub(super) fn rule(&self) -> Rule {
        Rule { measure: self.by, threshold: self.threshold }
    }
}

impl Recipe {
    /// Reads and checks a recipe.
    ///
    /// # Errors
    /// Where the file cannot be read, is not of this form, or asks for what cannot be.
    pub fn read(path: &Path) -> Result<Recipe, Error> {
        let text = fs::read_to_string(path).map_err(at(path))?;
        let wrong = |problem: String| Error::Recipe { path: path.to_owned(), problem };
        if path.to_str().is_none() {
            return Err(wrong("its path is not UTF-8".to_owned()));
        }
        let mut recipe: Recipe =
            toml::from_str(&text).map_err(|error| wrong(error.to_string().trim().to_owned()))?;
        recipe.check().map_err(wrong)?;
        recipe.place(path.parent().unwrap_or(Path::new("")));
        recipe.text = text;
        Ok(recipe)
    }

    /// Takes paths as lying in the recipe's folder.
    fn place(&mut self, folder: &Path) {
        let mut paths: Vec<&mut PathBuf> = vec![&mut self.output];
        for source in &mut self.sources {
            paths.extend(&mut source.paths);
            paths.extend(&mut source.list);
        }
        paths.extend(self.filter.iter_mut().filter_map(|filter| filter.classifier.as_mut()));
        paths.extend(self.decontaminate.iter_mut().flat_map(|config| &mut config.against));
        if let Some(augment) = &mut self.augment {
            paths.extend(&mut augment.wordnet);
            paths.extend(&mut augment.synonyms);
        }
        paths.extend(self.pack.iter_mut().map(|pack| &mut pack.tokenizer));
        paths.into_iter().for_each(|path| *path = folder.join(&path));
    }

    fn check(&self) -> Result<(), String> {
        let is_share = |share: f64| share > 0.0 && share <= 1.0;
        if self.sources.is_empty() {
            return Err("it has no [[source]]".to_owned());
        }
        for (index, source) in self.sources.iter().enumerate() {
            let name = &source.name;
            if self.sources[..index].iter().any(|other| other.name == *name) {
                return Err(format!("two sources are named {name:?}"));
            }
            if source.paths.is_empty() && source.list.is_none() {
                return Err(format!("source {name:?} has neither `paths` nor `list`"));
            }
            if source.share.is_some_and(|share| !is_share(share)) {
                return Err(format!("the share of source {name:?} is not above 0 and up to 1"));
            }
        }
        let n_shares = self.sources.iter().filter(|source| source.share.is_some()).count();
        if n_shares > 0 && n_shares < self.sources.len() {
            return Err("some sources have a `share` and some have none".to_owned());
        }
        let sum: f64 = self.sources.iter().filter_map(|source| source.share).sum();
        if n_shares > 0 && (sum - 1.0).abs() > 1e-6 {
            return Err(format!("the shares of the sources add up to {sum}, not to 1"));
        }
        if self.memory_mib < 64 {
            return Err(format!("`memory_mib` is {}, and 64 is the least", self.memory_mib));
        }
        let threshold = self.dedup.map_or(1.0, |dedup| dedup.threshold);
        if !is_share(threshold.into()) {
            return Err(format!(
                "the threshold of [dedup] is {threshold}, not above 0 and up to 1"
            ));
        }
        if self.decontaminate.as_ref().is_some_and(|config| config.n_words == 0) {
            return Err("`n_words` of [decontaminate] is 0".to_owned());
        }
        if self.augment.as_ref().is_some_and(|augment| !(0.0..=1.0).contains(&augment.alpha)) {
            return Err("`alpha` of [augment] is not a share from 0 to 1".to_owned());
        }
        let Some(pack) = &self.pack else { return Ok(()) };
        if !(0.0..1.0).contains(&pack.validation) {
            return Err("`validation` of [pack] is not a share from 0 to below 1".to_owned());
        }
        if !(1..=LARGEST_SHARD).contains(&pack.shard_tokens) {
            return Err(format!("`shard_tokens` of [pack] is not from 1 to {LARGEST_SHARD}"));
        }
        if !(pack.most_epochs > 0.0 && pack.most_epochs <= 1000.0) {
            return Err("`most_epochs` of [pack] is not above 0 and up to 1000".to_owned());
        }
        Ok(())
    }
}
