//! Reads the source files for the habits that neither the compiler nor clippy enforces.
//!
//! * A crate opens by saying what it must never know.
//! * A source file has at most [`MAX_LINES`] lines.
//! * `unsafe` stays in the places of [`MAY_BE_UNSAFE`].
//! * A note about unfinished work carries the number of the issue that will finish it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::scan::{self, Line};

/// Beyond this a file holds more than one subject.
const MAX_LINES: usize = 600;

/// The kernel crate, and the one file that maps weights into memory.
const MAY_BE_UNSAFE: [&str; 2] = ["crates/cpu/", "crates/model/src/mapped.rs"];

/// The words that mark unfinished work.
const MARKS: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// What is wrong with the sources of the repository at `root`, one sentence each.
pub(crate) fn complaints_in(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for folder in ["crates", "fuzz/fuzz_targets", "xtask"] {
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let relative = path.strip_prefix(root).expect("the walk starts at the root");
        let name = relative.to_string_lossy().replace('\\', "/");
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let opens = is_opening(&name, &path);
        found.extend(complaints(&name, &text, opens));
    }
    Ok(found)
}

/// Adds the source files under `folder`, if it is there, to `files`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let step = || format!("reading {}", folder.display());
    for entry in fs::read_dir(folder).with_context(step)? {
        let path = entry.with_context(step)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if is_source(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_source(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("rs" | "py" | "cu" | "js"))
}

/// Whether the file is the first a reader of its crate opens: `lib.rs`, or `main.rs` without one.
fn is_opening(name: &str, path: &Path) -> bool {
    match name.split('/').collect::<Vec<_>>()[..] {
        ["crates", _, "src", "lib.rs"] => true,
        ["crates", _, "src", "main.rs"] => !path.with_file_name("lib.rs").is_file(),
        _ => false,
    }
}

/// What is wrong with the file `name` that holds `text`; `opens` if it opens its crate.
fn complaints(name: &str, text: &str, opens: bool) -> Vec<String> {
    let mut found = Vec::new();
    if opens && !says_what_it_never_knows(text) {
        found.push(format!("{name}:1: the first doc block does not say what it must never know"));
    }
    let n_lines = text.lines().count();
    if is_crate_source(name) && n_lines > MAX_LINES {
        found.push(format!("{name}: has {n_lines} lines, at most {MAX_LINES} are allowed"));
    }
    let may_be_unsafe = MAY_BE_UNSAFE.iter().any(|place| name.starts_with(place));
    for (index, line) in lines(name, text).iter().enumerate() {
        let number = index + 1;
        if !may_be_unsafe && has_word(&line.code, "unsafe") {
            found.push(format!("{name}:{number}: `unsafe` has no place here"));
        }
        if let Some(mark) = MARKS.iter().find(|mark| has_word(&line.comment, mark))
            && !has_issue(&line.comment)
        {
            found.push(format!("{name}:{number}: {mark} without the #number of an issue"));
        }
    }
    found
}

fn is_crate_source(name: &str) -> bool {
    matches!(name.split('/').collect::<Vec<_>>()[..], ["crates", _, "src", ..])
}

/// The lines of a file, split into code and comments where we can tell them apart; in another
/// language than Rust, each line counts as a comment.
fn lines(name: &str, text: &str) -> Vec<Line> {
    if name.ends_with(".rs") {
        return scan::split(text);
    }
    text.lines().map(|line| Line { code: String::new(), comment: line.to_owned() }).collect()
}

fn says_what_it_never_knows(text: &str) -> bool {
    let block: String = text.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let words = block.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    words.contains("must never know") || words.contains("never knows")
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

fn has_issue(comment: &str) -> bool {
    comment.split('#').skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expected: &[&str]) {
        let found = complaints(name, text, name.ends_with("lib.rs"));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_crate_says_what_it_must_never_know() {
        let name = "crates/a/src/lib.rs";
        check(name, "//! A thing. Must never know b.\n", &[]);
        check(name, "//! A thing. It must\n//! never know b.\n", &[]);
        check(name, "//! A thing that never knows b.\n", &[]);
        let complaint =
            "crates/a/src/lib.rs:1: the first doc block does not say what it must never know";
        check(name, "//! A thing.\n", &[complaint]);
        check(name, "mod b;\n//! It must never know b.\n", &[complaint]);
        check(name, "", &[complaint]);
    }

    #[test]
    fn a_long_file_fails() {
        let name = "crates/a/src/b/c.rs";
        check(name, &"x\n".repeat(600), &[]);
        check(
            name,
            &"x\n".repeat(601),
            &["crates/a/src/b/c.rs: has 601 lines, at most 600 are allowed"],
        );
        check("crates/a/tests/b.rs", &"x\n".repeat(601), &[]);
    }

    #[test]
    fn unsafe_stays_in_its_places() {
        let code = "fn f() {\n    unsafe { g() }\n}\n";
        check("crates/cpu/src/avx512/gemm.rs", code, &[]);
        check("crates/model/src/mapped.rs", code, &[]);
        check(
            "crates/model/src/map.rs",
            code,
            &["crates/model/src/map.rs:2: `unsafe` has no place here"],
        );
        check("crates/a/tests/b.rs", code, &["crates/a/tests/b.rs:2: `unsafe` has no place here"]);
        check("xtask/src/main.rs", code, &["xtask/src/main.rs:2: `unsafe` has no place here"]);
    }

    #[test]
    fn the_word_unsafe_is_not_unsafe() {
        check("crates/a/src/b.rs", "#![forbid(unsafe_code)] // unsafe\n\"unsafe\"\n", &[]);
    }

    #[test]
    fn unfinished_work_has_an_issue() {
        for mark in MARKS {
            let name = "crates/a/src/b.rs";
            check(name, &format!("// {mark}(#12): later\n// {mark} #3\n\"{mark}\"\n"), &[]);
            let complaint = format!("crates/a/src/b.rs:2: {mark} without the #number of an issue");
            check(name, &format!("a\nb // {mark}: later #soon\n"), &[&complaint]);
            let complaint = format!("crates/a/x.py:1: {mark} without the #number of an issue");
            check("crates/a/x.py", &format!("# {mark} later\n"), &[&complaint]);
        }
        check("crates/a/src/b.rs", "// A MASTODON and a TODOLIST\n", &[]);
    }
}
