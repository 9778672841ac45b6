//! Runs that are killed, and runs whose disk is full.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Instant;

use crate::sea::{assert_same, complaint, made, program, sources};

#[test]
fn a_run_that_is_killed_anywhere_goes_on_and_makes_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let undisturbed = tempfile::tempdir().unwrap();
    sources(folder.path());
    let begun = Instant::now();
    made(folder.path());
    let whole = begun.elapsed();
    let out = folder.path().join("out");
    std::fs::rename(&out, undisturbed.path().join("out")).unwrap();
    let mut n_killed = 0;
    for round in 1..40 {
        let mut child = program(folder.path()).stderr(Stdio::null()).spawn().unwrap();
        sleep(whole * round / 20);
        child.kill().unwrap();
        n_killed += u32::from(!child.wait().unwrap().success());
        if n_killed > 0 && round % 5 == 0 {
            // From the beginning again, so that early stages are killed too.
            std::fs::remove_dir_all(&out).unwrap();
        }
    }
    assert!(n_killed > 5, "{n_killed} runs were killed");
    assert!(program(folder.path()).stderr(Stdio::null()).status().unwrap().success());
    assert_same(&out, &undisturbed.path().join("out"));
}

/// A limit on the size of files stands for a full disk: a write fails half-way.
#[cfg(unix)]
#[test]
fn a_full_disk_is_one_sentence_and_the_run_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let undisturbed = tempfile::tempdir().unwrap();
    sources(folder.path());
    made(folder.path());
    let out = folder.path().join("out");
    std::fs::rename(&out, undisturbed.path().join("out")).unwrap();
    for kib in [1, 4, 12] {
        let command = program(folder.path());
        let mut shell = std::process::Command::new("sh");
        let line = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kib * 2);
        shell.args(["-c", &line, "sh"]).arg(command.get_program()).args(command.get_args());
        let said = complaint(&shell.output().unwrap());
        assert!(said.contains("File too large"), "{said}");
    }
    assert!(program(folder.path()).stderr(Stdio::null()).status().unwrap().success());
    assert_same(&out, &undisturbed.path().join("out"));
}

#[test]
fn a_source_that_is_not_there_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    sources(folder.path());
    std::fs::remove_file(folder.path().join("lines.jsonl.gz")).unwrap();
    let said = complaint(&program(folder.path()).output().unwrap());
    assert!(said.contains("lines.jsonl.gz: No such file"), "{said}");
}
