//! Pages to texts: public suites with a floor under their scores, and pages made to break readers.

#![allow(clippy::unwrap_used)]

mod hostile;
mod html5lib;
mod suites;

use std::io::Read as _;
use std::path::PathBuf;

use ruzstd::decoding::StreamingDecoder;

/// A file of the shared data, unpacked; none, with a message, where the data is not there.
fn shared_data(path: &str) -> Option<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    let Ok(packed) = std::fs::read(&root) else {
        println!("skipped: there is no {}", root.display());
        return None;
    };
    let mut bytes = Vec::new();
    StreamingDecoder::new(&packed[..]).unwrap().read_to_end(&mut bytes).unwrap();
    Some(bytes)
}
