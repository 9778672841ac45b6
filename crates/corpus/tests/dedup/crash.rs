//! What is left of a store whose process was killed, or whose files were harmed.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::TcpStream;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use hadal_corpus::Error;
use hadal_corpus::dedup::{Entry, Rule, Store};
use serde_json::{Value, json};

use super::index::random;

/// How often a process is killed, each time at another moment.
const N_KILLS: u64 = 20;

fn text(number: usize) -> String {
    (0..60).map(|i| format!("word{} ", (number / 3) * 1000 + i)).collect::<String>()
        + &format!("of {number}")
}

/// The store in `folder`. Another test may be starting a process, which for a moment holds every
/// lock that this one does; then it is tried again.
fn try_open(folder: &Path) -> Result<Store, Error> {
    loop {
        match Store::open(folder, Rule::default()) {
            Err(Error::IndexInUse { .. }) => thread::sleep(Duration::from_millis(1)),
            store => return store,
        }
    }
}

fn open(folder: &Path) -> Store {
    try_open(folder).unwrap()
}

/// A store with the first `n` texts.
fn filled(folder: &Path, n: usize) {
    let mut store = open(folder);
    for number in 0..n {
        store.insert(&Entry::of(&text(number)), &format!("id-{number}"));
        store.sync().unwrap();
    }
}

/// Checks that the store in `folder` has exactly the first `n` texts, in their clusters of three.
fn check(folder: &Path, n: usize) {
    let store = open(folder);
    assert_eq!(store.index().len(), n);
    for number in 0..n {
        assert_eq!(store.id(number as u32), format!("id-{number}"));
        assert_eq!(store.index().cluster(number as u32), (number / 3 * 3) as u32);
        assert_eq!(store.index().query(&Entry::of(&text(number))).links, [number as u32]);
    }
}

fn log(folder: &Path) -> PathBuf {
    folder.join("log-000000000000")
}

#[test]
fn a_store_that_is_opened_again_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 10);
    check(folder.path(), 10);
}

#[test]
fn wherever_the_last_record_tears_the_others_are_there_and_the_log_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 4);
    let before = fs::metadata(log(folder.path())).unwrap().len();
    drop(folder);
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 5);
    let whole = fs::read(log(folder.path())).unwrap();
    for len in (before as usize..whole.len()).step_by(7) {
        fs::write(log(folder.path()), &whole[..len]).unwrap();
        check(folder.path(), 4);
        let mut store = open(folder.path());
        store.insert(&Entry::of(&text(4)), "id-4");
        store.sync().unwrap();
        drop(store);
        check(folder.path(), 5);
    }
    for len in 0..16 {
        fs::write(log(folder.path()), &whole[..len]).unwrap();
        check(folder.path(), 0);
    }
}

#[test]
fn a_flipped_bit_before_whole_records_is_damage_and_not_a_torn_end() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 5);
    let mut file = OpenOptions::new().read(true).write(true).open(log(folder.path())).unwrap();
    file.seek(SeekFrom::Start(40)).unwrap();
    let mut byte = [0];
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(40)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
    let error = try_open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::DamagedIndex { offset: 16, .. }), "{error}");
}

#[test]
fn other_files_and_a_second_process_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _held = open(folder.path());
    let error = Store::open(folder.path(), Rule::default()).unwrap_err();
    assert!(matches!(error, Error::IndexInUse { .. }), "{error}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(log(folder.path()), "something else altogether").unwrap();
    let error = try_open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::NotAnIndex { .. }), "{error}");
    fs::rename(log(folder.path()), folder.path().join("log-000000000007")).unwrap();
    let error = try_open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::MissingLog { n_records: 0, .. }), "{error}");
}

/// The service, and the address at which it listens. It is started again where it found the index
/// in use, as in [`try_open`].
fn serve(folder: &Path) -> (Child, String) {
    loop {
        let mut service = Command::new(env!("CARGO_BIN_EXE_hadal-corpus"))
            .args(["serve", "--listen", "127.0.0.1:0", "--index"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if let Some(address) = line.trim().strip_prefix("listening on http://") {
            return (service, address.to_owned());
        }
        let error = String::from_utf8(service.wait_with_output().unwrap().stderr).unwrap();
        assert!(error.contains("open in another process"), "{error}");
    }
}

/// Posts `body` and gives back the status and the answer's lines; `None` where the service is
/// gone before all of it is there.
fn post(address: &str, path: &str, body: &str) -> Option<(u16, Vec<Value>)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let answers: Result<_, _> = body.lines().map(serde_json::from_str).collect();
    Some((status, answers.ok()?))
}

#[test]
fn the_service_answers_inserts_and_queries_and_refuses_what_is_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let (mut service, address) = serve(folder.path());
    let record =
        |number: usize| json!({ "id": format!("id-{number}"), "text": text(number) }).to_string();
    let insert = |body: &str| post(&address, "/insert", body).unwrap();
    let found = post(&address, "/query", &record(0)).unwrap();
    assert_eq!(
        found,
        (200, vec![json!({ "cluster": null, "duplicate_of": null, "similarity": 0.0 })])
    );
    let (status, lines) = insert(&format!("{}\n{}\n", record(0), record(0)));
    assert_eq!(status, 200);
    assert_eq!(
        lines[0],
        json!({ "number": 0, "cluster": 0, "duplicate_of": null, "similarity": 0.0 })
    );
    assert_eq!(
        lines[1],
        json!({ "number": 1, "cluster": 0, "duplicate_of": "id-0", "similarity": 1.0 })
    );
    assert_eq!(insert(&format!("{}\nnot json\n", record(7))).0, 400);
    assert_eq!(insert(&record(9)).1[0]["number"], 2, "the refused request has left nothing behind");
    assert_eq!(post(&address, "/else", "").unwrap().0, 404);
    service.kill().unwrap();
    service.wait().unwrap();
}

/// Ends a process as `kill -9` does, up to `most_us` microseconds from now, the same in every run.
fn killed(mut process: Child, round: u64, most_us: u64) -> thread::JoinHandle<ExitStatus> {
    let wait = Duration::from_micros(random(0x6b11, round) % most_us);
    thread::spawn(move || {
        thread::sleep(wait);
        process.kill().unwrap();
        process.wait().unwrap()
    })
}

/// The records `numbers` as JSON lines.
fn lines(numbers: Range<usize>) -> String {
    numbers
        .map(|n| json!({ "id": format!("id-{n}"), "text": text(n) }).to_string() + "\n")
        .collect()
}

#[test]
fn nothing_acknowledged_is_lost_when_the_service_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut n_acknowledged = 0;
    for round in 0..N_KILLS {
        let (service, address) = serve(folder.path());
        let killer = killed(service, round, 60_000);
        loop {
            // Records that were written and not acknowledged are sent again and stand twice.
            let n_sent = 1 + random(round, n_acknowledged as u64) as usize % 5;
            let body = lines(n_acknowledged..n_acknowledged + n_sent);
            match post(&address, "/insert", &body) {
                Some((200, answers)) if answers.len() == n_sent => n_acknowledged += n_sent,
                _ => break,
            }
        }
        killer.join().unwrap();
        let store = open(folder.path());
        for number in 0..n_acknowledged {
            let answer = store.index().query(&Entry::of(&text(number)));
            assert_eq!(store.id(answer.links[0]), format!("id-{number}"), "round {round}");
            assert!(answer.similarity >= 1.0);
        }
    }
    println!(
        "the service, killed {N_KILLS} times: {n_acknowledged} records acknowledged, all found"
    );
    assert!(n_acknowledged > 0);
}

#[test]
fn whenever_the_filter_is_killed_its_index_has_what_was_there_and_a_whole_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input.jsonl");
    let index = folder.path().join("index");
    // Record by record what the index should hold.
    let mut numbers: Vec<usize> = Vec::new();
    let (mut next, mut n_finished) = (0, 0);
    for round in 0..N_KILLS {
        let run = next..next + 400;
        next = run.end;
        fs::write(&input, lines(run.clone())).unwrap();
        let filter = Command::new(env!("CARGO_BIN_EXE_hadal-corpus"))
            .args(["dedup", "--index"])
            .arg(&index)
            .stdin(File::open(&input).unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let is_finished = killed(filter, round, 40_000).join().unwrap().success();
        n_finished += u64::from(is_finished);
        let store = open(&index);
        let n_added = store.index().len() - numbers.len();
        assert!(n_added <= run.len() && (!is_finished || n_added == run.len()), "{n_added}");
        numbers.extend(run.take(n_added));
        for (place, &number) in numbers.iter().enumerate() {
            assert_eq!(store.id(place as u32), format!("id-{number}"), "round {round}");
            assert_eq!(store.index().query(&Entry::of(&text(number))).links, [place as u32]);
        }
    }
    println!(
        "the filter, killed {N_KILLS} times: {n_finished} had finished, {} records",
        numbers.len()
    );
}
