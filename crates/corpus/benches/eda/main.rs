//! What augmentation gains: EDA's five tasks (Wei and Zou 2019, arXiv 1901.11196, table 2), and two
//! in Chinese, on the test sets as they are and perturbed.
//!
//!     cargo bench -p hadal-corpus --bench eda -- [--quick] [--plot FILE.svg]
//!
//! reads `../shared/data` beside the repository and `/usr/share/wordnet`, or `--data FOLDER` and
//! `--wordnet FOLDER`. `--quick` stops at 500 texts.

mod plot;
mod tasks;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hadal_corpus::Error;
use hadal_corpus::augment::{Augmenter, Homophones, Lexicon, Operation, Synonyms};
use hadal_corpus::filter::Segmenter;
use hadal_corpus::filter::classifier::{Example, Features, Linear, Training};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use tasks::{Task, Text};

const SEEDS: u64 = 5;

/// What the perturbed test sets are drawn from; no training draws from it.
const TEST_SEED: u64 = 1_000_003;

/// Texts to learn from; the last stands for all there are.
const SIZES: [usize; 4] = [500, 2000, 5000, usize::MAX];

/// How often texts are seen.
const PASSES: usize = 2;

/// How texts are learned from.
enum Way {
    /// As they are, so often that they are seen as many times as with copies: what is compared is
    /// then what is learned, and not for how long.
    Plain,
    /// As they are, in as many passes as with copies. The paper's code compares so: its networks
    /// stop after the same number of passes without a gain, and take a sixteenth of the steps.
    PlainPasses,
    /// With copies, each by one of these operations.
    Copies(&'static [Operation]),
    /// With copies that are perturbed as the test set is, by other draws.
    Perturbed,
}

/// What is compared; gains are over the first.
const WAYS: [(&str, Way); 6] = [
    ("plain", Way::Plain),
    ("plain, same passes", Way::PlainPasses),
    ("EDA", Way::Copies(&Operation::EDA)),
    ("AEDA", Way::Copies(&[Operation::Punctuation])),
    (
        "EDA and slips",
        Way::Copies(&[
            Operation::Synonym,
            Operation::Insert,
            Operation::Swap,
            Operation::Delete,
            Operation::Keyboard,
            Operation::Typo,
            Operation::Homophone,
        ]),
    ),
    ("perturbed", Way::Perturbed),
];

/// The classifiers: of words and pairs of words, and of letters within words too.
const MODELS: [(&str, Features); 2] = [
    ("words", Features { n_bits: 17, n_tokens: 2, n_chars: [0, 0] }),
    ("words and letters", Features { n_bits: 17, n_tokens: 2, n_chars: [3, 4] }),
];

/// Accuracies in percent, clean and perturbed: `[way][seed]`.
type Accuracies = Vec<Vec<[f64; 2]>>;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let (mut data, mut plot, mut is_quick) = (shared_data(), None, false);
    let mut wordnet = PathBuf::from("/usr/share/wordnet");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--data" => data = arguments.next().map_or(data, PathBuf::from),
            "--wordnet" => wordnet = arguments.next().map_or(wordnet, PathBuf::from),
            "--plot" => plot = arguments.next().map(PathBuf::from),
            "--quick" => is_quick = true,
            _ => {}
        }
    }
    if !data.join("textcls").is_dir() || !wordnet.join("data.noun").is_file() {
        println!("skipped: {} or {} is not there", data.display(), wordnet.display());
        return Ok(());
    }
    let segmenter = Arc::new(Segmenter::default());
    let mut bench = Bench {
        augmenter: Augmenter {
            operations: Vec::new(),
            alpha: 0.0,
            n_copies: 0,
            seed: 0,
            lexicon: Lexicon {
                english: Some(Synonyms::of_wordnet(&wordnet)?),
                chinese: Some(tasks::chinese_synonyms(&data)),
                homophones: Homophones::new(Arc::clone(&segmenter)),
            },
            segmenter,
        },
    };
    let tasks: Vec<Task> = tasks::ENGLISH.iter().map(|name| Task::read(&data, name)).collect();
    let chinese: Vec<Task> = tasks::CHINESE.iter().map(|name| Task::read(&data, name)).collect();
    let sizes = if is_quick { &SIZES[..1] } else { &SIZES[..] };
    let mut drawn: Vec<Vec<Drawn>> = MODELS.iter().map(|_| Vec::new()).collect();
    for &size in sizes {
        for ((model, features), drawn) in MODELS.into_iter().zip(&mut drawn) {
            let all = bench.run(&tasks, features, size);
            report(&format!("{model}, five tasks"), &tasks, size, &all);
            drawn.push((model, size, mean_over_tasks(&all)));
            if size == SIZES[0] {
                let all = bench.run(&chinese, features, size);
                report(&format!("{model}, Chinese"), &chinese, size, &all);
            }
        }
        if let Some(path) = &plot {
            plot::write(path, &drawn)?;
        }
    }
    Ok(())
}

/// A model, the number of texts, and its accuracies over all tasks.
type Drawn = (&'static str, usize, Accuracies);

/// The folder beside the repository.
fn shared_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data")
}

struct Bench {
    augmenter: Augmenter,
}

impl Bench {
    /// The accuracies of every task.
    fn run(&mut self, tasks: &[Task], features: Features, size: usize) -> Vec<Accuracies> {
        tasks.iter().map(|task| self.run_task(task, features, size)).collect()
    }

    fn run_task(&mut self, task: &Task, features: Features, size: usize) -> Accuracies {
        let perturbed = self.perturb(&task.test, TEST_SEED);
        // EDA's own numbers: share of words and copies.
        let (alpha, n_copies) = match size {
            0..=500 => (0.05, 16),
            501..=2000 => (0.05, 8),
            _ => (0.1, 4),
        };
        let mut accuracies = vec![Vec::new(); WAYS.len()];
        for seed in 0..SEEDS {
            let mut texts = task.train.clone();
            texts.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
            texts.truncate(size);
            for ((_, way), accuracies) in WAYS.iter().zip(&mut accuracies) {
                let (learned, n_epochs) = match way {
                    Way::Plain => (texts.clone(), PASSES * (n_copies + 1)),
                    Way::PlainPasses => (texts.clone(), PASSES),
                    Way::Copies(operations) => {
                        self.augmenter.operations = operations.to_vec();
                        self.augmenter.alpha = alpha;
                        self.augmenter.n_copies = n_copies;
                        self.augmenter.seed = seed;
                        (self.augmented(&texts), PASSES)
                    }
                    Way::Perturbed => {
                        let mut learned = texts.clone();
                        for copy in 0..n_copies as u64 {
                            learned.extend(self.perturb(&texts, 1000 * seed + copy));
                        }
                        (learned, PASSES)
                    }
                };
                let training =
                    Training { features, n_epochs, rate: 0.2, seed, ..Training::default() };
                let linear = training.run(&examples(&learned), task.n_classes);
                accuracies.push([accuracy(&linear, &task.test), accuracy(&linear, &perturbed)]);
            }
        }
        accuracies
    }

    /// The texts and their copies.
    fn augmented(&self, texts: &[Text]) -> Vec<Text> {
        let mut augmented = texts.to_vec();
        for text in texts {
            let copies = self.augmenter.copies(&text.text).into_iter();
            augmented.extend(copies.map(|(copy, _)| Text { text: copy, class: text.class }));
        }
        augmented
    }

    /// Perturbed texts: in each, one word in ten with a typo, one with a key beside the
    /// right one, one replaced by a synonym, one left out, and in Chinese one replaced by what sounds
    /// alike.
    fn perturb(&mut self, texts: &[Text], seed: u64) -> Vec<Text> {
        let operations = [
            Operation::Synonym,
            Operation::Delete,
            Operation::Homophone,
            Operation::Keyboard,
            Operation::Typo,
        ];
        let mut perturbed = texts.to_vec();
        self.augmenter.alpha = 0.1;
        self.augmenter.n_copies = 1;
        self.augmenter.seed = seed;
        for operation in operations {
            self.augmenter.operations = vec![operation];
            for text in &mut perturbed {
                let is_chinese = text.text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
                if operation == Operation::Homophone && !is_chinese {
                    continue;
                }
                if let Some((copy, _)) = self.augmenter.copies(&text.text).pop() {
                    text.text = copy;
                }
            }
        }
        perturbed
    }
}

fn examples(texts: &[Text]) -> Vec<Example<'_>> {
    texts.iter().map(|text| Example { text: &text.text, class: text.class, group: 0 }).collect()
}

/// In percent.
fn accuracy(linear: &Linear, texts: &[Text]) -> f64 {
    let is_right = |text: &&Text| {
        let logits = linear.classify(&text.text);
        let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
        best == Some(text.class)
    };
    100.0 * texts.iter().filter(is_right).count() as f64 / texts.len() as f64
}

/// Means over tasks: `[way][seed]`.
fn mean_over_tasks(tasks: &[Accuracies]) -> Accuracies {
    let mut means = vec![vec![[0.0; 2]; SEEDS as usize]; WAYS.len()];
    for task in tasks {
        for (means, way) in means.iter_mut().zip(task) {
            for (mean, seed) in means.iter_mut().zip(way) {
                mean[0] += seed[0] / tasks.len() as f64;
                mean[1] += seed[1] / tasks.len() as f64;
            }
        }
    }
    means
}

/// Mean and half the 95 % confidence interval of five seeds, by Student's distribution.
fn interval(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, 2.776 * (variance / n).sqrt())
}

fn report(title: &str, tasks: &[Task], size: usize, all: &[Accuracies]) {
    let size = if size == usize::MAX { "all".to_owned() } else { size.to_string() };
    println!("\n{title}, {size} texts: accuracy clean, perturbed; gains with 95 % intervals");
    println!("{}", WAYS.map(|(way, _)| way).join(" | "));
    let rows = tasks.iter().map(|task| task.name).zip(all.to_vec());
    for (name, ways) in rows.chain([("mean", mean_over_tasks(all))]) {
        print!("{name:<22}");
        for ((way, _), seeds) in WAYS.iter().zip(&ways) {
            for kind in 0..2 {
                let of = |seeds: &[[f64; 2]]| seeds.iter().map(|s| s[kind]).collect::<Vec<_>>();
                let gains: Vec<f64> = of(seeds)
                    .iter()
                    .zip(of(&ways[0]))
                    .map(|(with, without)| with - without)
                    .collect();
                let (gain, half) = interval(&gains);
                match *way {
                    "plain" => print!(" {:5.1}", interval(&of(seeds)).0),
                    _ => print!(" {gain:+5.1}±{half:3.1}"),
                }
            }
            print!(" |");
        }
        println!();
    }
}
