//! The tasks, as they lie in the shared data.

use std::path::Path;

use hadal_corpus::augment::Synonyms;
use ruzstd::decoding::StreamingDecoder;
use serde_json::Value;

/// EDA's five.
pub(crate) const ENGLISH: [&str; 5] = ["sst2", "cr", "subj", "trec6", "pc"];

/// Chinese reviews of hotels and of meals.
pub(crate) const CHINESE: [&str; 2] = ["chnsenticorp_htl_zh", "waimai10k_zh"];

/// A labelled text.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) class: usize,
}

/// Texts to learn from and the public half of the test set.
pub(crate) struct Task {
    pub(crate) name: &'static str,
    pub(crate) n_classes: usize,
    pub(crate) train: Vec<Text>,
    pub(crate) test: Vec<Text>,
}

impl Task {
    pub(crate) fn read(data: &Path, name: &'static str) -> Task {
        let folder = data.join("textcls").join(name);
        let train = texts(&unpacked(&folder.join("train.jsonl.zst")));
        let test = std::fs::read_to_string(folder.join("test.public.jsonl")).expect("the test set");
        let test = texts(&test);
        let n_classes = train.iter().map(|text| text.class).max().map_or(0, |class| class + 1);
        Task { name, n_classes, train, test }
    }
}

/// Synonyms of the Chinese Open Wordnet.
pub(crate) fn chinese_synonyms(data: &Path) -> Synonyms {
    let tab = unpacked(&data.join("lexicon/cow_chinese_wordnet.tab.zst"));
    Synonyms::of_tab_text(&tab).expect("the shared data is whole")
}

fn unpacked(path: &Path) -> String {
    let file = std::fs::File::open(path).expect("the shared data is whole");
    let decoder = StreamingDecoder::new(file).expect("a frame of zstd");
    std::io::read_to_string(decoder).expect("text")
}

fn texts(lines: &str) -> Vec<Text> {
    let parse = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("a text a line");
        let class = value["label"].as_u64().expect("its label") as usize;
        Text { text: value["text"].as_str().expect("its text").to_owned(), class }
    };
    lines.lines().map(parse).collect()
}
