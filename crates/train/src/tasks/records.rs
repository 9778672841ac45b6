//! The records of a task, from JSON lines.

use std::io::{BufRead, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::documents::open;
use crate::error::Error;

/// The longest line that is read; a task's records are paragraphs.
const LINE_LIMIT_BYTES: u64 = 16 << 20;

/// All records of a `.jsonl` or `.jsonl.zst`, one a line; empty lines are passed over.
///
/// # Errors
/// When the file cannot be read, or names the record that is not of the form `T`.
pub fn records<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Error> {
    let (mut reader, is_lines) = open(path)?;
    let wrong = |record, reason| Error::Document { path: path.to_path_buf(), record, reason };
    if !is_lines {
        let reason = "a task's file is .jsonl or .jsonl.zst, a record in each line".to_owned();
        return Err(wrong(1, reason));
    }
    let mut records = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut limited = reader.by_ref().take(LINE_LIMIT_BYTES);
        limited.read_until(b'\n', &mut line).map_err(|error| wrong(number, error.to_string()))?;
        if line.is_empty() {
            break;
        }
        if line.len() as u64 == LINE_LIMIT_BYTES {
            let reason = format!("it is longer than {} MiB", LINE_LIMIT_BYTES >> 20);
            return Err(wrong(number, reason));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let record = serde_json::from_slice(&line);
        records.push(record.map_err(|error| wrong(number, error.to_string()))?);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::{Choice, LastWord, MinimalPair};

    fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<Vec<T>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        records(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn the_fields_of_the_published_sets_are_known() {
        let ours = r#"{"uid": "anaphor", "term": "agreement", "field": "syntax", "pair": 0,
            "good": "He hurt himself.", "bad": "He hurt herself."}"#;
        let theirs = r#"{"UID": "anaphor", "linguistics_term": "agreement", "field": "syntax",
            "sentence_good": "He hurt himself.", "sentence_bad": "He hurt herself."}"#;
        let lines = format!("{}\n\n{}\n", ours.replace('\n', " "), theirs.replace('\n', " "));
        let pairs: Vec<MinimalPair> = read("a.jsonl", &lines).unwrap();
        assert_eq!(pairs.len(), 2);
        assert_eq!(pairs[0], pairs[1]);
        let choices: Vec<Choice> = read(
            "a.jsonl",
            r##"{"id": 1, "content": "a #idiom# day", "candidates": ["b", "c"], "answer": 1}"##,
        )
        .unwrap();
        assert_eq!((choices[0].before(), choices[0].after()), ("a ", " day"));
    }

    #[test]
    fn a_record_that_cannot_be_is_named() {
        fn message<T: DeserializeOwned>(text: &str) -> String {
            read::<T>("a.jsonl", text).err().unwrap()
        }
        let good = r##"{"content": "a #idiom#", "candidates": ["b", "c"], "answer": 1}"##;
        for (bad, expected) in [
            (good.replace("#idiom#", "b"), "no gap"),
            (good.replace("\"answer\": 1", "\"answer\": 2"), "answer is 2"),
            (good.replace("\"b\", ", ""), "1 candidates"),
        ] {
            let message = message::<Choice>(&format!("{good}\n{bad}\n"));
            assert!(message.contains("record 2") && message.contains(expected), "{message}");
        }
        let message_of_word = message::<LastWord>(r#"{"text": "alone"}"#);
        assert!(message_of_word.contains("no word before the last"), "{message_of_word}");
        let message_of_pair = message::<MinimalPair>(r#"{"good": "a"}"#);
        assert!(message_of_pair.contains("missing field `bad`"), "{message_of_pair}");
        let message_of_name = read::<MinimalPair>("a.txt", "").unwrap_err();
        assert!(message_of_name.contains(".jsonl"), "{message_of_name}");
    }
}
