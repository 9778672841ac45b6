//! What is left of a store whose process was killed, or whose files were harmed.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hadal_corpus::Error;
use hadal_corpus::dedup::{Entry, Rule, Store};
use serde_json::{Value, json};

fn text(number: usize) -> String {
    (0..60).map(|i| format!("word{} ", (number / 3) * 1000 + i)).collect::<String>()
        + &format!("of {number}")
}

/// A store with the first `n` texts.
fn filled(folder: &Path, n: usize) {
    let mut store = Store::open(folder, Rule::default()).unwrap();
    for number in 0..n {
        store.insert(&Entry::of(&text(number)), &format!("id-{number}"));
        store.sync().unwrap();
    }
}

/// Checks that the store in `folder` has exactly the first `n` texts, in their clusters of three.
fn check(folder: &Path, n: usize) {
    let store = Store::open(folder, Rule::default()).unwrap();
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
        let mut store = Store::open(folder.path(), Rule::default()).unwrap();
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
    let error = Store::open(folder.path(), Rule::default()).unwrap_err();
    assert!(matches!(error, Error::DamagedIndex { offset: 16, .. }), "{error}");
}

#[test]
fn other_files_and_a_second_process_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _open = Store::open(folder.path(), Rule::default()).unwrap();
    let error = Store::open(folder.path(), Rule::default()).unwrap_err();
    assert!(matches!(error, Error::IndexInUse { .. }), "{error}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(log(folder.path()), "something else altogether").unwrap();
    let error = Store::open(folder.path(), Rule::default()).unwrap_err();
    assert!(matches!(error, Error::NotAnIndex { .. }), "{error}");
    fs::rename(log(folder.path()), folder.path().join("log-000000000007")).unwrap();
    let error = Store::open(folder.path(), Rule::default()).unwrap_err();
    assert!(matches!(error, Error::MissingLog { n_records: 0, .. }), "{error}");
}

/// The service, and the address at which it listens.
fn serve(folder: &Path) -> (Child, String) {
    let mut service = Command::new(env!("CARGO_BIN_EXE_hadal-corpus"))
        .args(["serve", "--listen", "127.0.0.1:0", "--index"])
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
    (service, address)
}

/// Posts `body` and gives back the status and the answer's lines; `None` where the service is gone.
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
    Some((status, body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()))
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

#[test]
fn nothing_acknowledged_is_lost_when_the_service_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let n_acknowledged = Arc::new(AtomicUsize::new(0));
    for enough in [10, 23, 41] {
        let (mut service, address) = serve(folder.path());
        let count = n_acknowledged.clone();
        let killer = thread::spawn(move || {
            while count.load(Ordering::SeqCst) < enough {
                thread::yield_now();
            }
            service.kill().unwrap();
            service.wait().unwrap();
        });
        loop {
            // A record that was written and not acknowledged is sent again and stands twice.
            let next = n_acknowledged.load(Ordering::SeqCst);
            let record = json!({ "id": format!("id-{next}"), "text": text(next) }).to_string();
            let Some((200, lines)) = post(&address, "/insert", &record) else { break };
            let Some(number) = lines.first().and_then(|line| line["number"].as_u64()) else {
                break;
            };
            assert!(number >= next as u64);
            n_acknowledged.store(next + 1, Ordering::SeqCst);
        }
        killer.join().unwrap();
        let store = Store::open(folder.path(), Rule::default()).unwrap();
        for number in 0..n_acknowledged.load(Ordering::SeqCst) {
            let answer = store.index().query(&Entry::of(&text(number)));
            assert_eq!(store.id(answer.links[0]), format!("id-{number}"));
            assert!(answer.similarity >= 1.0);
        }
    }
}
