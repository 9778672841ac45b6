//! The cost of sketching a text, and of a query and an insertion as the index grows:
//!
//! ```sh
//! cargo bench -p hadal-corpus --bench dedup              # 0.1 and 1 million records
//! cargo bench -p hadal-corpus --bench dedup -- 10000000  # as many as it says; 4 GiB at 10 million
//! ```
//!
//! Records are made up: random fingerprints and full sketches, as of texts of 400 words. One in ten
//! is an earlier record with two bits of its fingerprint and four hashes of its sketch changed.

use std::fs;
use std::time::{Duration, Instant};

use hadal_corpus::dedup::{Entry, Index, Rule, SKETCH_LEN, Sketch};

/// Operations whose latencies are taken, the last of a run.
const N_TIMED: u64 = 100_000;

fn main() {
    sketching();
    let sizes: Vec<u64> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    for n_records in if sizes.is_empty() { vec![100_000, 1_000_000] } else { sizes } {
        growing(n_records);
    }
}

fn sketching() {
    let mut random = Random(7);
    let texts: Vec<String> = (0..2000)
        .map(|_| (0..400).map(|_| format!("{:x} ", random.next() % 50_000)).collect())
        .collect();
    let n_bytes: usize = texts.iter().map(String::len).sum();
    let began = Instant::now();
    let ones: u32 = texts.iter().map(|text| Entry::of(text).fingerprint.count_ones()).sum();
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "sketching: {:.0} texts/s, {:.0} MB/s, one thread (fingerprints have {:.1} ones)",
        texts.len() as f64 / seconds,
        n_bytes as f64 / seconds / 1e6,
        f64::from(ones) / texts.len() as f64
    );
}

fn growing(n_records: u64) {
    let mut index = Index::new(Rule::default());
    let (mut spent, mut n_linked) = (Duration::ZERO, 0u64);
    let (mut queries, mut both) = (Vec::new(), Vec::new());
    for number in 0..n_records {
        let entry = made_up(number);
        let is_timed = number + N_TIMED >= n_records;
        let began = Instant::now();
        if is_timed {
            std::hint::black_box(index.query(&entry));
            queries.push(began.elapsed());
        }
        let (_, answer) = index.insert(&entry);
        let elapsed = began.elapsed();
        if is_timed {
            both.push(elapsed);
        } else {
            spent += elapsed;
        }
        n_linked += u64::from(!answer.links.is_empty());
    }
    let n_untimed = n_records.saturating_sub(N_TIMED);
    println!(
        "{n_records} records, {n_linked} linked: {:.2} us an insertion on the way, {} MiB resident",
        spent.as_secs_f64() * 1e6 / n_untimed.max(1) as f64,
        resident_mib()
    );
    for (what, mut times) in [("query", queries), ("query and insertion", both)] {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let [p50, p99, p999, most] = [0.5, 0.99, 0.999, 1.0].map(at);
        println!("  {what}: p50 {p50:.1?}, p99 {p99:.1?}, p99.9 {p999:.1?}, most {most:.1?}");
    }
}

/// The record `number`, the same whenever it is made.
fn made_up(number: u64) -> Entry {
    let mut random = Random(number);
    let is_near = number > 10 && random.next().is_multiple_of(10);
    let of = if is_near { random.next() % number } else { number };
    let mut random = Random(of ^ 0x5eed_0000_0000_0000);
    let mut fingerprint = random.next();
    let step = u32::MAX / 400 * 2;
    let mut hash = 0;
    let mut hashes: Vec<u32> = (0..SKETCH_LEN)
        .map(|_| {
            hash += 1 + random.next() as u32 % step;
            hash
        })
        .collect();
    if is_near {
        fingerprint ^= 1 << (number % 64) | 1 << (number / 64 % 64);
        hashes[SKETCH_LEN - 4..].iter_mut().for_each(|hash| *hash ^= 1);
        hashes.sort_unstable();
        hashes.dedup();
    }
    let sketch = Sketch::from_hashes(hashes).expect("they ascend");
    Entry { content: number, fingerprint, sketch }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// Memory in use, where the system says.
fn resident_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
