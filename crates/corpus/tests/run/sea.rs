//! A small corpus about the sea: pages, lines and a packed file, with copies and noise among them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;
use hadal_corpus::run::{Event, Recipe, Summary, run};

/// The tokenizer of the model that ships.
pub(crate) fn tokenizer() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/hadal-nano")
}

/// A text of a few sentences, another for each number.
pub(crate) fn text(number: u64) -> String {
    let words = [
        "trench", "light", "pressure", "current", "vessel", "creature", "sediment", "sound",
        "ridge", "storm", "plankton", "whale", "depth", "salt", "shore", "reef",
    ];
    let word = |at: u64| {
        words[(xxhash_rust::xxh3::xxh3_64(&(number * 1000 + at).to_le_bytes()) % 16) as usize]
    };
    let sentence = |at: u64| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| word(at * 4 + i));
        format!(
            "In the year {} the {a} of the {b} was where the {c} met a {d}, as number {number} of the log says. ",
            1900 + at
        )
    };
    (0..6).map(sentence).collect::<String>().trim_end().to_owned()
}

/// Writes the sources, and a recipe whose output is `out` beside them.
pub(crate) fn sources(folder: &Path) {
    let pages = folder.join("pages");
    fs::create_dir_all(&pages).unwrap();
    for number in 0..12 {
        let page = format!(
            "<html><head><title>Log {number}</title></head><body><nav><a href=/>Home</a></nav><article><p>{} \
             It was told on 3 May 2021 to keeper{number}@hadal-log.org, who wrote it down.</p></article></body></html>",
            text(number)
        );
        fs::write(pages.join(format!("{number:02}.html")), page).unwrap();
    }
    let mut lines = GzEncoder::new(Vec::new(), Compression::default());
    for number in 0..60 {
        // Every fifth is a copy of the one before, every seventh nearly one; one is in the test set.
        let text = match number {
            n if n % 5 == 4 => text(100 + n - 1),
            n if n % 7 == 6 => text(100 + n - 1).replace("storm", "squall") + " Or so it is told.",
            n => text(100 + n),
        };
        let line = serde_json::json!({ "id": format!("line-{number}"), "text": text, "n": number });
        writeln!(lines, "{line}").unwrap();
    }
    writeln!(lines, "{{\"id\":\"not whole").unwrap();
    fs::write(folder.join("lines.jsonl.gz"), lines.finish().unwrap()).unwrap();
    let asked = serde_json::json!({ "question": text(103), "answer": "the ridge" });
    fs::write(folder.join("asked.jsonl"), format!("{asked}\n")).unwrap();
    let recipe = format!(
        "seed = 3\noutput = 'out'\nmemory_mib = 64\n\
         [[source]]\nname = 'pages'\npaths = ['pages']\nlicence = 'CC0-1.0'\n\
         [[source]]\nname = 'lines'\npaths = ['lines.jsonl.gz']\n\
         [extract]\n[filter]\nmask_personal = true\n\
         [decontaminate]\nagainst = ['asked.jsonl']\n[dedup]\nwithin = true\n\
         [normalise]\nreference = '2024-02-01'\n\
         [augment]\noperations = ['aeda']\ncopies = 1\n\
         [pack]\ntokenizer = '{}'\nvalidation = 0.2\nshard_tokens = 4000\n",
        tokenizer().display()
    );
    fs::write(folder.join("recipe.toml"), recipe).unwrap();
}

/// Runs the recipe in a folder, and tells which bytes of files were done before.
pub(crate) fn made(folder: &Path) -> (Summary, BTreeMap<&'static str, (u64, u64)>) {
    let recipe = Recipe::read(&folder.join("recipe.toml")).unwrap();
    let mut stages: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
    let mut stage = "";
    let summary = run(&recipe, &mut |event| match event {
        Event::Begun { stage: name, .. } => {
            stage = name;
            stages.entry(name).or_default();
        }
        Event::Advanced { n_bytes, was_done } => {
            let (done, was) = stages.get_mut(stage).unwrap();
            *done += n_bytes;
            *was += if was_done { n_bytes } else { 0 };
        }
        Event::Counted(_) => {}
    });
    (summary.unwrap(), stages)
}

/// Runs the program on the recipe in a folder.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hadal-corpus"));
    command.arg("run").arg(folder.join("recipe.toml"));
    command
}

/// What the program said, and that it did so in one sentence.
pub(crate) fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    let complaints: Vec<&str> = said.lines().filter(|line| line.starts_with("Error: ")).collect();
    assert_eq!(complaints.len(), 1, "{said}");
    complaints[0].to_owned()
}

/// Every file under a folder, by its path, with what it holds.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        for entry in fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Whether two folders hold the same files; says which differ where not.
pub(crate) fn assert_same(left: &Path, right: &Path) {
    let (left, right) = (tree(left), tree(right));
    let names = |tree: &BTreeMap<String, Vec<u8>>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&left), names(&right));
    let differ: Vec<_> = left.keys().filter(|name| left[*name] != right[*name]).collect();
    assert!(differ.is_empty(), "{differ:?} differ");
}
