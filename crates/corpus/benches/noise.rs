//! How well the classifier tells text from noise, by cross-validation over whole sites, and how fast.
//!
//!     cargo bench -p hadal-corpus --bench noise -- blocks.jsonl
//!
//! `blocks.jsonl` is what `benches/noise_blocks.py` writes. Of five parts of the sites, three
//! are learned from, one calibrates and chooses the threshold, and one is reported on; in turn.

use std::time::Instant;

use hadal_corpus::filter::classifier::{Example, Features, Model, Training, auc};
use hadal_corpus::{Error, Record};
use xxhash_rust::xxh3::xxh3_64;

const N_FOLDS: u64 = 5;

struct Block {
    text: String,
    class: usize,
    site: u64,
}

impl Block {
    fn example(&self) -> Example<'_> {
        Example { text: &self.text, class: self.class, group: self.site }
    }

    fn fold(&self) -> u64 {
        self.site % N_FOLDS
    }
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [path] = &arguments[..] else {
        println!("skipped: give the blocks that benches/noise_blocks.py writes");
        return Ok(());
    };
    let blocks = read(path)?;
    println!("{} blocks, {:?}", blocks.len(), Training::default());
    println!("                             F1 of blocks  of words  of 10 words and more  AUC");
    let training = Training { min_groups: 3, ..Training::default() };
    let pairs = training.features;
    for (name, features, training) in [
        ("words and pairs", pairs, training),
        ("words", Features { n_tokens: 1, ..pairs }, training),
        ("and triples", Features { n_tokens: 3, ..pairs }, training),
        ("and letters", Features { n_chars: [3, 5], ..pairs }, training),
        ("rate 0.02", pairs, Training { rate: 0.02, ..training }),
        ("of any number of sites", pairs, Training { min_groups: 1, ..training }),
    ] {
        let scored = cross_validate(&blocks, &Training { features, ..training });
        let f1 = |weight: fn(&Block) -> f64| f1(&blocks, &scored, weight);
        let pairs: Vec<_> = blocks
            .iter()
            .zip(&scored)
            .map(|(block, scored)| (scored.p, block.class == 1))
            .collect();
        println!(
            "{name:<28} {:.3}         {:.3}     {:.3}                 {:.4}",
            f1(|_| 1.0),
            f1(n_words),
            f1(|block| f64::from(u8::from(n_words(block) >= 10.0))),
            auc(&pairs),
        );
    }
    speed(&blocks, &training);
    Ok(())
}

fn n_words(block: &Block) -> f64 {
    block.text.split_whitespace().count() as f64
}

fn read(path: &str) -> Result<Vec<Block>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::File { path: path.into(), source })?;
    let parse = |line: &str| {
        let record: Record = serde_json::from_str(line).expect("a block a line");
        let site = record.other["site"].as_str().expect("its site");
        Block {
            class: record.other["label"].as_u64().expect("its label") as usize,
            site: xxh3_64(site.as_bytes()),
            text: record.text,
        }
    };
    Ok(text.lines().map(parse).collect())
}

/// What a block was given by a model that had not seen its site.
#[derive(Clone, Copy, Default)]
struct Scored {
    p: f32,
    is_kept: bool,
}

fn cross_validate(blocks: &[Block], training: &Training) -> Vec<Scored> {
    let mut scored = vec![Scored::default(); blocks.len()];
    for fold in 0..N_FOLDS {
        let part = |is_in: &dyn Fn(u64) -> bool| -> Vec<Example<'_>> {
            let chosen = blocks.iter().filter(|block| is_in(block.fold()));
            chosen.map(|block| block.example()).collect()
        };
        let calibrates = (fold + 1) % N_FOLDS;
        let train = part(&|other| other != fold && other != calibrates);
        let validation = part(&|other| other == calibrates);
        let test = part(&|other| other == fold);
        let labels = vec!["noise".to_owned(), "text".to_owned()];
        let model = Model::train(training, labels, 1, [&train, &validation, &test]);
        let threshold = model.curve.best().expect("there are points").threshold;
        for (block, scored) in blocks.iter().zip(&mut scored).filter(|(b, _)| b.fold() == fold) {
            let p = model.score(&block.text);
            *scored = Scored { p, is_kept: p >= threshold };
        }
    }
    scored
}

fn f1(blocks: &[Block], scored: &[Scored], weight: impl Fn(&Block) -> f64) -> f64 {
    let (mut right, mut kept, mut good) = (0.0, 0.0, 0.0);
    for (block, scored) in blocks.iter().zip(scored) {
        let (weight, is_good) = (weight(block), block.class == 1);
        right += if is_good && scored.is_kept { weight } else { 0.0 };
        kept += if scored.is_kept { weight } else { 0.0 };
        good += if is_good { weight } else { 0.0 };
    }
    2.0 * right / (kept + good)
}

fn speed(blocks: &[Block], training: &Training) {
    let examples: Vec<_> = blocks.iter().map(|block| block.example()).collect();
    let linear = training.run(&examples, 2);
    let n_bytes: usize = blocks.iter().map(|block| block.text.len()).sum();
    // The median of many short stretches, because other programs take their turns in long ones.
    let mut seconds: Vec<f64> = examples
        .chunks_exact(100)
        .map(|chunk| {
            let begin = Instant::now();
            let n_kept = chunk.iter().filter(|e| linear.classify(e.text)[1] > 0.0).count();
            std::hint::black_box(n_kept);
            begin.elapsed().as_secs_f64() / chunk.iter().map(|e| e.text.len() as f64).sum::<f64>()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    let of_a_byte = seconds[seconds.len() / 2];
    let mean_bytes = n_bytes as f64 / blocks.len() as f64;
    println!(
        "one core: {:.0} blocks/s of {mean_bytes:.0} bytes on average, {:.1} MB/s",
        1.0 / of_a_byte / mean_bytes,
        1e-6 / of_a_byte,
    );
}
