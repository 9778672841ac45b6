//! What de-duplication costs as records become more:
//!
//! ```sh
//! cargo bench -p hadal-corpus --bench dedup                       # 0.1 and 1 million records
//! cargo bench -p hadal-corpus --bench dedup -- 3000000 10000000   # as many as it says
//! ```
//!
//! Every measurement is a process of its own and prints lines `measure,n_records,value`. Each can
//! be asked for by itself, and the chart is drawn from the lines of all:
//!
//! ```sh
//! … -- sketch                      # the cost of sketching a text
//! … -- grow 10000000 FOLDER        # inserting into a store on the disk
//! … -- open FOLDER                 # opening that store again, and 100,000 more one by one
//! … -- filter 10000000 [PROGRAM]   # the filter, over texts of 30 words
//! … -- plot LINES.csv CHART.svg
//! ```

mod made_up;
mod plot;

use std::fs;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hadal_corpus::dedup::{Entry, Rule, Store};

/// Operations whose latencies are taken.
const N_TIMED: u64 = 100_000;

/// Records that share one way to the disk.
const N_SYNCED: u64 = 1000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["sketch"] => sketch(),
        ["grow", n_records, folder] => grow(number(n_records), Path::new(folder)),
        ["open", folder] => open(Path::new(folder)),
        ["filter", n_records] => filter(number(n_records), env!("CARGO_BIN_EXE_hadal-corpus")),
        ["filter", n_records, program] => filter(number(n_records), program),
        ["plot", lines, chart] => plot::write(Path::new(lines), Path::new(chart)),
        [] => all(&["100000", "1000000"]),
        _ => all(&args),
    }
}

fn number(arg: &str) -> u64 {
    arg.parse().unwrap_or_else(|_| panic!("{arg}: should be a number of records"))
}

fn print(measure: &str, n_records: u64, value: f64) {
    println!("{measure},{n_records},{value:.3}");
}

/// Every measurement at every size.
fn all(sizes: &[&str]) {
    let this = std::env::current_exe().expect("a program knows its path");
    let run = |args: &[&str]| {
        let status = Command::new(&this).args(args).status().expect("it ran before");
        assert!(status.success(), "{args:?}: {status}");
    };
    run(&["sketch"]);
    for &n_records in sizes {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_str().expect("its name is plain");
        run(&["grow", n_records, path]);
        run(&["open", path]);
        run(&["filter", n_records]);
    }
}

fn sketch() {
    let texts = made_up::texts(2000, 400);
    let n_bytes: usize = texts.iter().map(String::len).sum();
    let began = Instant::now();
    texts.iter().for_each(|text| drop(black_box(Entry::of(text))));
    let seconds = began.elapsed().as_secs_f64();
    print("sketch_texts_per_s", 2000, texts.len() as f64 / seconds);
    print("sketch_mb_per_s", 2000, n_bytes as f64 / seconds / 1e6);
}

/// Insertion on the way, the log included.
fn grow(n_records: u64, folder: &Path) {
    let mut store = Store::open(folder, Rule::default()).expect("a folder of its own");
    let (mut spent, mut n_near, mut n_linked) = (Duration::ZERO, 0u64, 0u64);
    for first in (0..n_records).step_by(N_SYNCED as usize) {
        let numbers = first..(first + N_SYNCED).min(n_records);
        let entries: Vec<_> = numbers.clone().map(made_up::entry).collect();
        n_near += entries.iter().map(|(_, is_near)| u64::from(*is_near)).sum::<u64>();
        let began = Instant::now();
        for ((entry, _), number) in entries.iter().zip(numbers) {
            let (_, answer) = store.insert(entry, &format!("record {number}"));
            n_linked += u64::from(!answer.links.is_empty());
        }
        store.sync().expect("room on the disk");
        spent += began.elapsed();
    }
    print("grow_s", n_records, spent.as_secs_f64());
    print("grow_cpu_s", n_records, cpu_seconds());
    print("near_share", n_records, n_near as f64 / n_records as f64);
    print("linked_share", n_records, n_linked as f64 / n_records as f64);
    print("grow_bytes_per_record", n_records, resident("VmRSS") as f64 / n_records as f64);
}

/// The store that `grow` left, opened; then more records, which the log does not keep.
fn open(folder: &Path) {
    let before = resident("VmRSS");
    let began = Instant::now();
    let mut store = Store::open(folder, Rule::default()).expect("a store that was closed");
    let n_records = store.index().len() as u64;
    print("open_s", n_records, began.elapsed().as_secs_f64());
    print("open_cpu_s", n_records, cpu_seconds());
    let bytes = resident("VmRSS").saturating_sub(before) as f64;
    print("open_bytes_per_record", n_records, bytes / n_records as f64);
    print("open_peak_mib", n_records, resident("VmHWM") as f64 / f64::from(1 << 20));
    let (mut queries, mut both) = (Vec::new(), Vec::new());
    for number in n_records..n_records + N_TIMED {
        let (entry, _) = made_up::entry(number);
        let id = format!("record {number}");
        let began = Instant::now();
        black_box(store.index().query(&entry));
        queries.push(began.elapsed());
        black_box(store.insert(&entry, &id));
        both.push(began.elapsed());
    }
    for (what, mut times) in [("query", queries), ("query_and_insert", both)] {
        times.sort_unstable();
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("most", 1.0)] {
            let time = times[((times.len() - 1) as f64 * share) as usize];
            print(&format!("{what}_{name}_us"), n_records, time.as_secs_f64() * 1e6);
        }
    }
}

/// The filter from a file to nowhere.
fn filter(n_records: u64, program: &str) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    made_up::write_lines(n_records, file.as_file_mut()).expect("room on the disk");
    let input = File::open(file.path()).expect("it was written");
    let (before, began) = (cpu_seconds(), Instant::now());
    let mut run = Command::new(program)
        .arg("dedup")
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut peak = 0;
    let status = loop {
        peak = peak.max(resident_of(&run.id().to_string(), "VmHWM"));
        match run.try_wait().expect("it was started here") {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(status.success(), "{program}: {status}");
    print("filter_s", n_records, began.elapsed().as_secs_f64());
    print("filter_cpu_s", n_records, cpu_seconds() - before);
    print("filter_peak_mib", n_records, peak as f64 / f64::from(1 << 20));
}

/// Seconds that processors have worked for this process and those it waited for, where the system
/// says, in hundredths.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks =
        behind_name.split(' ').skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// Bytes of memory, where the system says.
fn resident(what: &str) -> u64 {
    resident_of("self", what)
}

fn resident_of(process: &str, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}
