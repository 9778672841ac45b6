//! Parquet files that pyarrow wrote (`goldens/make_parquet.py`), whole and damaged.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use hadal_corpus::Record;
use proptest::prelude::*;
use serde_json::Value;

use super::Read;

const CODECS: [&str; 6] = ["none", "snappy", "gzip", "brotli", "lz4", "zstd"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read/goldens").join(name)
}

/// A value without what is null in it: rows leave out what they do not hold.
fn without_nulls(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let held = map.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(held.map(|(name, value)| (name, without_nulls(value))).collect())
}

/// The records of a file named `name`, as they should be.
fn expected(name: &str) -> Vec<Record> {
    let lines = fs::read_to_string(golden("parquet.jsonl")).unwrap();
    let record = |(number, line): (usize, &str)| {
        let mut record: Record =
            serde_json::from_value(without_nulls(serde_json::from_str(line).unwrap())).unwrap();
        if record.id.is_empty() {
            record.id = format!("{name}#{number}");
        }
        record
    };
    lines.lines().enumerate().map(record).collect()
}

#[test]
fn rows_are_records_however_they_are_packed() {
    for codec in CODECS {
        let path = golden(&format!("{codec}.parquet"));
        let found = Read::of(&path);
        assert!(found.dropped.is_empty(), "{codec}: {:?}", found.dropped);
        assert_eq!(found.records, expected(&path.display().to_string()), "{codec}");
    }
}

#[test]
fn a_file_in_a_stream_is_read_too() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&fs::read(golden("zstd.parquet")).unwrap()).unwrap();
    let found = Read::of_stream("rows.parquet.gz", &packed.finish().unwrap()[..]);
    assert_eq!(found.records, expected("rows.parquet"));
}

#[test]
fn rows_without_texts_and_files_that_end_early_are_told_of() {
    let whole = fs::read(golden("none.parquet")).unwrap();
    let found = Read::of_stream("cut.parquet", &whole[..whole.len() - 30]);
    assert_eq!(found.reasons(), ["corrupt Parquet"]);
    assert!(found.records.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_damage_ends_the_reading(
        codec in 0..CODECS.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = fs::read(golden(&format!("{}.parquet", CODECS[codec]))).unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(length.index(bytes.len()));
        }
        let found = Read::of_stream("damaged.parquet", &bytes[..]);
        prop_assert!(found.records.len() + found.dropped.len() < 1000);
    }
}
