//! Finds the test command in README.md. The check runs what the README says, so the README cannot
//! promise a command that does not work.

use anyhow::{Context, Result, ensure};

/// The words of the second command in the README's first code block, which must hold exactly two:
/// how to start the program, and how to run all tests.
pub(crate) fn test_command(readme: &str) -> Result<Vec<&str>> {
    let commands = first_block(readme).context("README.md has no closed code block")?;
    ensure!(
        commands.len() == 2,
        "the first code block of README.md has {} commands, expected 2",
        commands.len()
    );
    ensure!(
        commands[1].starts_with("cargo test "),
        "the second command of README.md is `{}`, expected one that starts with `cargo test`",
        commands[1]
    );
    Ok(commands[1].split_whitespace().collect())
}

/// The lines of the first fenced block that are neither empty nor comments.
fn first_block(markdown: &str) -> Option<Vec<&str>> {
    let mut lines = markdown.lines().map(str::trim);
    lines.find(|line| line.starts_with("```"))?;
    let mut commands = Vec::new();
    for line in lines {
        if line.starts_with("```") {
            return Some(commands);
        }
        if !line.is_empty() && !line.starts_with('#') {
            commands.push(line);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(readme: &str, expected: Result<&[&str], &str>) {
        match (test_command(readme), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(part)) => {
                let sentence = format!("{found:#}");
                assert!(sentence.contains(part), "`{sentence}` does not contain `{part}`");
            }
            (found, expected) => panic!("found {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn the_second_command_is_the_test() {
        check(
            "# hadal\n\n```sh\n# talk\ncargo run --release -- chat\n# test\ncargo test --release\n```\n\n```\nx\n```\n",
            Ok(&["cargo", "test", "--release"]),
        );
    }

    #[test]
    fn anything_else_is_refused() {
        check("# hadal\n", Err("no closed code block"));
        check("```\ncargo run\ncargo test --release\n", Err("no closed code block"));
        check("```\ncargo test --release\n```\n", Err("has 1 commands"));
        check("```\na\nb\nc\n```\n", Err("has 3 commands"));
        check("```\ncargo test --release\ncargo run\n```\n", Err("starts with `cargo test`"));
    }
}
