//! Compares the arrows between our crates with the table in `ARCHITECTURE.md`.
//!
//! An arrow is a dependency of one crate of ours on another, outside of tests. Each must be listed
//! in the table and point to a lower floor; each crate must have a row and each row a crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

const COLUMNS: [&str; 5] = ["crate", "floor", "in one line", "uses", "must never know"];

/// What the table says of one crate.
#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    floor: u32,
    uses: Uses,
}

#[derive(Debug, PartialEq)]
enum Uses {
    All,
    These(BTreeSet<String>),
}

/// The crates in the tree, by folder, each with those it uses.
type Tree = BTreeMap<String, BTreeSet<String>>;

/// What is wrong with the arrows of the repository at `root`, one sentence each.
pub(crate) fn complaints_in(root: &Path) -> Result<Vec<String>> {
    let path = root.join("ARCHITECTURE.md");
    let markdown =
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let table = read_table(&markdown).context("reading the table in ARCHITECTURE.md")?;
    Ok(complaints(&table, &read_tree(&metadata(root)?)?))
}

fn complaints(table: &[Row], tree: &Tree) -> Vec<String> {
    let floors: BTreeMap<&str, u32> =
        table.iter().map(|row| (row.name.as_str(), row.floor)).collect();
    let mut found = Vec::new();
    let up = |from: &str, to: &str| match (floors.get(from), floors.get(to)) {
        (Some(own), Some(other)) => (other >= own).then_some((*own, *other)),
        _ => None,
    };

    for (index, row) in table.iter().enumerate() {
        let name = &row.name;
        if table[..index].iter().any(|earlier| earlier.name == *name) {
            found.push(format!("ARCHITECTURE.md: `{name}` has two rows"));
        }
        if !tree.contains_key(name) {
            found.push(format!(
                "ARCHITECTURE.md: `{name}` has a row, but crates/{name} is not there"
            ));
        }
        let Uses::These(uses) = &row.uses else { continue };
        for used in uses {
            if !floors.contains_key(used.as_str()) {
                found.push(format!("ARCHITECTURE.md: `{name}` uses `{used}`, which has no row"));
            } else if let Some((own, other)) = up(name, used) {
                found.push(format!(
                    "ARCHITECTURE.md: `{name}` on floor {own} uses `{used}` on floor {other}; \
                     arrows point down"
                ));
            }
        }
    }

    for (name, uses) in tree {
        let Some(row) = table.iter().find(|row| row.name == *name) else {
            found.push(format!("crates/{name}: has no row in the table of ARCHITECTURE.md"));
            continue;
        };
        for used in uses {
            let listed = match &row.uses {
                Uses::All => true,
                Uses::These(listed) => listed.contains(used),
            };
            if !listed {
                found.push(format!(
                    "crates/{name}: uses `{used}`, an arrow that ARCHITECTURE.md does not list"
                ));
            }
            if let Some((own, other)) = up(name, used) {
                found.push(format!(
                    "crates/{name}: on floor {own} uses `{used}` on floor {other}; \
                     arrows point down"
                ));
            }
        }
    }
    found
}

/// Reads the one table with our [`COLUMNS`].
fn read_table(markdown: &str) -> Result<Vec<Row>> {
    let mut lines = markdown.lines();
    lines
        .find(|line| cells(line).is_some_and(|found| found.iter().copied().eq(COLUMNS)))
        .with_context(|| format!("found no table with the columns {}", COLUMNS.join(" | ")))?;
    lines.next().filter(|line| line.contains("---")).context("the header has no line under it")?;
    let rows = lines.map_while(cells).map(|row| read_row(&row)).collect::<Result<Vec<_>>>()?;
    ensure!(!rows.is_empty(), "the table has no rows");
    Ok(rows)
}

fn read_row(cells: &[&str]) -> Result<Row> {
    let [name, floor, _, uses, never] = cells else {
        bail!("a row has {} cells, expected {}: {cells:?}", cells.len(), COLUMNS.len());
    };
    let name = bare(name).to_owned();
    let floor = floor
        .parse()
        .with_context(|| format!("the floor of `{name}` is `{floor}`, not a number"))?;
    ensure!(!never.is_empty(), "`{name}` does not say what it must never know");
    let uses = match *uses {
        "all" => Uses::All,
        "nothing" => Uses::These(BTreeSet::new()),
        "" => bail!("`{name}` does not say what it uses; write `nothing` if so"),
        list => Uses::These(list.split(',').map(|word| bare(word).to_owned()).collect()),
    };
    Ok(Row { name, floor, uses })
}

/// The cells of a table line, or `None` for any other line.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

fn bare(name: &str) -> &str {
    name.trim().trim_matches('`')
}

/// The fields of `cargo metadata` that are read here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    /// `None` for an ordinary dependency, else `dev` or `build`.
    kind: Option<String>,
    /// The folder of a path dependency.
    path: Option<PathBuf>,
}

fn metadata(root: &Path) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("starting `cargo metadata`")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`cargo metadata` ended with {}: {complaint}", output.status);
    String::from_utf8(output.stdout).context("reading the answer of `cargo metadata`")
}

fn read_tree(metadata: &str) -> Result<Tree> {
    let metadata: Metadata =
        serde_json::from_str(metadata).context("reading the answer of `cargo metadata`")?;
    let crates = metadata.workspace_root.join("crates");
    let folder = |path: &Path| Some(path.strip_prefix(&crates).ok()?.to_str()?.to_owned());
    let tree = metadata.packages.iter().filter_map(|package| {
        let name = folder(package.manifest_path.parent()?)?;
        let uses = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind.as_deref() != Some("dev"))
            .filter_map(|dependency| folder(dependency.path.as_deref()?))
            .collect();
        Some((name, uses))
    });
    Ok(tree.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with these rows, each `name | floor | uses`.
    fn table(rows: &[&str]) -> String {
        let mut text = String::from(
            "# Words\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n\
             | crate | floor | in one line | uses | must never know |\n|---|---|---|---|---|\n",
        );
        for row in rows {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let [name, floor, uses] = cells[..] else { panic!("three cells: {row}") };
            text += &format!("| `{name}` | {floor} | a line | {uses} | much |\n");
        }
        text + "\nAfter the table.\n"
    }

    fn tree(crates: &[(&str, &[&str])]) -> Tree {
        crates
            .iter()
            .map(|(name, uses)| {
                ((*name).to_owned(), uses.iter().map(|&used| used.to_owned()).collect())
            })
            .collect()
    }

    /// Compares `rows` with `crates` and expects complaints that contain `expected`, in order.
    fn check(rows: &[&str], crates: &[(&str, &[&str])], expected: &[&str]) {
        let table = read_table(&table(rows)).expect("the table of the case reads");
        let found = complaints(&table, &tree(crates));
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (sentence, part) in found.iter().zip(expected) {
            assert!(sentence.contains(part), "`{sentence}` does not contain `{part}`");
        }
    }

    /// Expects the text to be refused as a table with a sentence that contains `part`.
    fn refuse(text: &str, part: &str) {
        let error = read_table(text).expect_err("the table of the case must not read");
        let sentence = format!("{error:#}");
        assert!(sentence.contains(part), "`{sentence}` does not contain `{part}`");
    }

    #[test]
    fn a_true_table_passes() {
        check(
            &["tensor | 1 | nothing", "model | 2 | `tensor`", "cli | 5 | all"],
            &[("tensor", &[]), ("model", &["tensor"]), ("cli", &["tensor", "model"])],
            &[],
        );
    }

    #[test]
    fn an_arrow_that_is_listed_but_not_used_passes() {
        check(&["tensor | 1 | nothing", "cpu | 2 | tensor"], &[("tensor", &[]), ("cpu", &[])], &[]);
    }

    #[test]
    fn an_arrow_that_is_not_listed_fails() {
        check(
            &["tensor | 1 | nothing", "model | 2 | nothing"],
            &[("tensor", &[]), ("model", &["tensor"])],
            &["crates/model: uses `tensor`, an arrow that ARCHITECTURE.md does not list"],
        );
    }

    #[test]
    fn a_crate_without_a_row_fails() {
        check(
            &["tensor | 1 | nothing"],
            &[("tensor", &[]), ("model", &[])],
            &["crates/model: has no row"],
        );
    }

    #[test]
    fn a_row_without_a_crate_fails() {
        check(
            &["tensor | 1 | nothing", "cuda | 2 | tensor"],
            &[("tensor", &[])],
            &["`cuda` has a row, but crates/cuda is not there"],
        );
    }

    #[test]
    fn a_row_that_uses_an_unknown_crate_fails() {
        check(
            &["tensor | 1 | nothing", "model | 2 | tensor, tensors"],
            &[("tensor", &[]), ("model", &[])],
            &["`model` uses `tensors`, which has no row"],
        );
    }

    #[test]
    fn arrows_up_and_sideways_fail_in_the_table_and_in_the_tree() {
        check(
            &["model | 2 | `cpu`", "cpu | 2 | nothing", "tensor | 1 | model"],
            &[("model", &["cpu"]), ("cpu", &[]), ("tensor", &[])],
            &[
                "`model` on floor 2 uses `cpu` on floor 2",
                "`tensor` on floor 1 uses `model` on floor 2",
                "crates/model: on floor 2 uses `cpu` on floor 2",
            ],
        );
    }

    #[test]
    fn all_does_not_allow_an_arrow_up() {
        check(
            &["cli | 5 | all", "other | 5 | nothing"],
            &[("cli", &["other"]), ("other", &[])],
            &["crates/cli: on floor 5 uses `other` on floor 5"],
        );
    }

    #[test]
    fn two_rows_for_one_crate_fail() {
        check(
            &["tensor | 1 | nothing", "tensor | 2 | nothing"],
            &[("tensor", &[])],
            &["`tensor` has two rows"],
        );
    }

    #[test]
    fn a_broken_table_is_refused() {
        refuse("no table", "found no table");
        refuse("| crate | floor |\n|---|---|\n", "found no table");
        refuse(&table(&[]), "no rows");
        refuse(&table(&["tensor | ground | nothing"]), "not a number");
        refuse(&table(&["tensor | 1 | "]), "does not say what it uses");
        let header = table(&["tensor | 1 | nothing"]);
        refuse(&header.replace("| much |", "|  |"), "must never know");
        refuse(&header.replace("| much |", "|"), "a row has 4 cells");
        refuse(&header.replace("|---|---|---|---|---|\n", ""), "no line under it");
    }

    #[test]
    fn the_tree_holds_what_crates_use_outside_of_tests() {
        let text = r#"{
            "workspace_root": "/r",
            "packages": [
                { "manifest_path": "/r/crates/tensor/Cargo.toml", "dependencies": [
                    { "name": "half", "kind": null },
                    { "name": "hadal-cpu", "kind": "dev", "path": "/r/crates/cpu" } ] },
                { "manifest_path": "/r/crates/cpu/Cargo.toml", "dependencies": [
                    { "name": "renamed", "kind": null, "path": "/r/crates/tensor" } ] },
                { "manifest_path": "/r/crates/model/Cargo.toml", "dependencies": [
                    { "name": "hadal-tensor", "kind": "build", "path": "/r/crates/tensor" } ] },
                { "manifest_path": "/r/xtask/Cargo.toml", "dependencies": [] }
            ]
        }"#;
        let expected = tree(&[("tensor", &[]), ("cpu", &["tensor"]), ("model", &["tensor"])]);
        assert_eq!(read_tree(text).expect("the metadata of the case reads"), expected);
    }
}
