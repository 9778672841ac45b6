//! A run is the same again, and does again only what it must.

use std::fs;

use crate::sea::{assert_same, made, sources, text, tree};

#[test]
fn the_same_recipe_gives_the_same_bytes() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    // Paths are part of what tells whether a source has changed, and of the names of its records.
    let (first, second) = (folders[0].path(), folders[1].path());
    sources(first);
    made(first);
    fs::rename(first.join("out"), second.join("out")).unwrap();
    made(first);
    assert_same(&first.join("out"), &second.join("out"));
}

#[test]
fn a_whole_run_does_nothing_again() {
    let folder = tempfile::tempdir().unwrap();
    sources(folder.path());
    let (first, stages) = made(folder.path());
    assert!(stages.values().all(|(_, was_done)| *was_done == 0));
    let before = tree(&folder.path().join("out"));
    let (second, stages) = made(folder.path());
    assert!(stages.values().all(|(done, was_done)| done == was_done), "{stages:?}");
    assert!(!stages.contains_key("compare") && !stages.contains_key("shuffle"), "{stages:?}");
    assert_eq!(first, second);
    assert_eq!(before, tree(&folder.path().join("out")));
}

#[test]
fn a_changed_file_or_a_damaged_table_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    sources(folder.path());
    let (first, _) = made(folder.path());
    fs::write(
        folder.path().join("pages/99.html"),
        "<p>One page more, of which nothing was said before.</p>",
    )
    .unwrap();
    let (second, stages) = made(folder.path());
    let (read, was_done) = stages["read"];
    assert!(was_done > 0 && was_done < read, "the lines were not read again: {stages:?}");
    assert_eq!(second.n_left(), first.n_left() + 2);

    let table = folder.path().join("out/work/kept/00001.parquet");
    let mut bytes = fs::read(&table).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&table, bytes).unwrap();
    let (third, stages) = made(folder.path());
    let (read, was_done) = stages["read"];
    assert!(was_done > 0 && was_done < read, "{stages:?}");
    assert_eq!(third, second);

    fs::remove_file(folder.path().join("pages/99.html")).unwrap();
    let (last, _) = made(folder.path());
    assert_eq!(last, first);
}

#[test]
fn another_evaluation_set_in_its_folder_is_another_run() {
    let folder = tempfile::tempdir().unwrap();
    sources(folder.path());
    let recipe = folder.path().join("recipe.toml");
    let sets = folder.path().join("sets");
    fs::create_dir(&sets).unwrap();
    fs::rename(folder.path().join("asked.jsonl"), sets.join("a.jsonl")).unwrap();
    let text_of_recipe = fs::read_to_string(&recipe).unwrap().replace("asked.jsonl", "sets");
    fs::write(&recipe, text_of_recipe).unwrap();
    let (first, _) = made(folder.path());
    let asked = serde_json::json!({ "text": text(110) });
    fs::write(sets.join("b.jsonl"), format!("{asked}\n")).unwrap();
    let (second, stages) = made(folder.path());
    assert_eq!(stages["read"].1, 0, "nothing of the first run's tables is believed: {stages:?}");
    let n_contaminated = |summary: &hadal_corpus::run::Summary| -> i64 {
        let rows = summary.dropped.iter().filter(|row| row.step == "decontaminate");
        rows.map(|row| row.n_records).sum()
    };
    assert!(n_contaminated(&second) > n_contaminated(&first), "{second:?}");
}
