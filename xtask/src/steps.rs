//! The steps of `cargo xtask check`, in the order they run: cheap and often wrong first.
//!
//! Every cargo step uses the release profile, so that the tests, clippy and the documentation
//! share build scripts and macros, and the last two share the checked dependencies as well.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::{arrows, readme, sources};

/// One thing that is checked.
struct Step {
    name: &'static str,
    what: &'static str,
    /// Takes the root of the repository and fails with a sentence.
    run: fn(&Path) -> Result<()>,
}

const STEPS: [Step; 7] = [
    Step { name: "fmt", what: "the sources are formatted", run: fmt },
    Step { name: "arrows", what: "crates and sources keep to ARCHITECTURE.md", run: arrows },
    Step { name: "clippy", what: "no warnings, in tests as well", run: clippy },
    Step { name: "test", what: "the test command of README.md", run: test },
    Step { name: "doc", what: "documentation builds and its links resolve", run: doc },
    Step { name: "deny", what: "licences, banned crates and sources", run: deny },
    Step { name: "typos", what: "spelling", run: typos },
];

/// The names of all steps, in order.
pub(crate) fn names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// Prints each step's name and what it checks.
pub(crate) fn list() {
    for step in &STEPS {
        println!("{:<8}{}", step.name, step.what);
    }
}

/// Runs the steps in `only` (all of them when it is empty) except those in `skip`, and stops at
/// the first that fails.
pub(crate) fn check(root: &Path, only: &[String], skip: &[String]) -> Result<()> {
    let chosen = choose(only, skip);
    ensure!(!chosen.is_empty(), "no step is left to run; `cargo xtask list` names them");
    let mut times = Vec::new();
    for step in chosen {
        println!("== {}: {}", step.name, step.what);
        let start = Instant::now();
        let result = (step.run)(root);
        let time = start.elapsed();
        result.with_context(|| format!("step `{}` failed after {}", step.name, seconds(time)))?;
        println!("== {}: ok in {}", step.name, seconds(time));
        times.push((step.name, time));
    }
    println!();
    for (name, time) in &times {
        println!("{name:<8}{:>10}", seconds(*time));
    }
    let total = times.iter().map(|(_, time)| *time).sum();
    println!("{:<8}{:>10}", "all", seconds(total));
    Ok(())
}

fn choose(only: &[String], skip: &[String]) -> Vec<&'static Step> {
    let named = |names: &[String], step: &Step| names.iter().any(|name| name == step.name);
    STEPS
        .iter()
        .filter(|step| only.is_empty() || named(only, step))
        .filter(|step| !named(skip, step))
        .collect()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn fmt(root: &Path) -> Result<()> {
    run(cargo(root).args(["fmt", "--all", "--check"]))
}

fn arrows(root: &Path) -> Result<()> {
    let mut complaints = arrows::complaints_in(root)?;
    complaints.extend(sources::complaints_in(root)?);
    ensure!(complaints.is_empty(), "{} found\n{}", complaints.len(), complaints.join("\n"));
    Ok(())
}

fn clippy(root: &Path) -> Result<()> {
    let what = ["clippy", "--workspace", "--all-targets", "--release", "--", "-D", "warnings"];
    run(cargo(root).args(what))
}

fn test(root: &Path) -> Result<()> {
    let path = root.join("README.md");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let words = readme::test_command(&text)?;
    run(cargo(root).args(&words[1..]))
}

fn doc(root: &Path) -> Result<()> {
    run(cargo(root)
        .args(["doc", "--workspace", "--no-deps", "--release"])
        .env("RUSTDOCFLAGS", "-D warnings"))
}

fn deny(root: &Path) -> Result<()> {
    // The graph holds packages of every platform, and the tests fetch those of this one alone.
    run(cargo(root).args(["fetch", "--quiet", "--locked"]))?;
    let what = ["--offline", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    run(tool("cargo-deny", root).args(what))
}

fn typos(root: &Path) -> Result<()> {
    run(&mut tool("typos", root))
}

/// The cargo that started this program, so that one toolchain does all the steps.
fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root);
    command
}

fn tool(name: &str, root: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root);
    command
}

/// Runs `command` with our own output and fails unless it exits with zero.
fn run(command: &mut Command) -> Result<()> {
    let line = display(command);
    println!("$ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("`{line}` ended with {status}"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let program = command.get_program().display();
            bail!("`{program}` is not installed; `.ci/run` shows how to get it")
        }
        Err(error) => Err(error).context(format!("starting `{line}`")),
    }
}

/// The command as a person would type it.
fn display(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(only: &[&str], skip: &[&str]) -> Vec<&'static str> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        choose(&owned(only), &owned(skip)).iter().map(|step| step.name).collect()
    }

    #[test]
    fn all_steps_run_in_order_unless_told() {
        assert_eq!(chosen(&[], &[]), names());
    }

    #[test]
    fn only_and_skip_choose_and_keep_the_order() {
        assert_eq!(chosen(&["test", "fmt"], &[]), ["fmt", "test"]);
        assert_eq!(chosen(&["test", "fmt"], &["fmt"]), ["test"]);
        assert_eq!(chosen(&[], &["deny", "typos"]), ["fmt", "arrows", "clippy", "test", "doc"]);
    }

    #[test]
    fn a_command_reads_as_it_would_be_typed() {
        let mut command = Command::new("/some/where/cargo");
        command.args(["fmt", "--all"]);
        assert_eq!(display(&command), "cargo fmt --all");
    }

    #[test]
    fn this_repository_keeps_to_its_architecture() {
        if let Err(error) = arrows(&crate::root()) {
            panic!("{error:#}");
        }
    }
}
