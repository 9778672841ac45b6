//! The file of a trained filter: a line of magic, a header in JSON, the weights.
//!
//! ```text
//! hadal-filter-1\n                  15 bytes
//! n                                 length of the header, u32, little-endian
//! {"features":…,"labels":…,…}       n bytes of JSON
//! weights                           [buckets, classes], f32, little-endian, to the end of the file
//! ```

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Curve, Features, Linear, Model, Report};
use crate::Error;
use crate::error::at;
use crate::table::written_aside;

const MAGIC: &[u8] = b"hadal-filter-1\n";

/// The most bytes of a header.
const LONGEST_HEADER: usize = 1 << 20;

/// The most classes.
const MOST_LABELS: usize = 1000;

/// The largest weight; training stays below 100.
const LARGEST_WEIGHT: f32 = 1e6;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    features: Features,
    labels: Vec<String>,
    keep: usize,
    temperature: f32,
    curve: Curve,
    report: Report,
}

impl Model {
    /// Writes the model to a file.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        written_aside(path, |file| file.write_all(&self.to_bytes())).map(|_| ())
    }

    /// Reads the model from a file.
    ///
    /// # Errors
    /// Where the file cannot be read, or is no such model.
    pub fn open(path: &Path) -> Result<Model, Error> {
        let bytes = std::fs::read(path).map_err(at(path))?;
        Model::from_bytes(&bytes)
            .map_err(|problem| Error::FilterModel { path: path.to_owned(), problem })
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = Header {
            features: self.linear.features,
            labels: self.labels.clone(),
            keep: self.keep,
            temperature: self.temperature,
            curve: self.curve.clone(),
            report: self.report.clone(),
        };
        let header = serde_json::to_vec(&header).expect("a header is numbers and strings");
        let mut bytes = MAGIC.to_vec();
        bytes.extend((header.len() as u32).to_le_bytes());
        bytes.extend(header);
        bytes.extend(self.linear.weights.iter().flat_map(|weight| weight.to_le_bytes()));
        bytes
    }

    /// A model from the bytes of its file.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, &'static str> {
        let rest = bytes.strip_prefix(MAGIC).ok_or("it is no filter of hadal, version 1")?;
        let (length, rest) = rest.split_first_chunk().ok_or("it ends before its header")?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > LONGEST_HEADER {
            return Err("its header is longer than 1 MiB");
        }
        let (header, weights) = rest.split_at_checked(length).ok_or("it ends within its header")?;
        let header: Header =
            serde_json::from_slice(header).map_err(|_| "its header is not the JSON of a filter")?;
        if !header.features.is_valid() {
            return Err("its features are out of bounds");
        }
        let n_classes = header.labels.len();
        if !(2..=MOST_LABELS).contains(&n_classes) || header.keep >= n_classes {
            return Err("it does not have 2 to 1,000 labels, one of them to keep");
        }
        if !(header.temperature.is_finite() && header.temperature > 0.0) {
            return Err("its temperature is not above 0");
        }
        let (chunks, rest) = weights.as_chunks::<4>();
        if chunks.len() != header.features.n_buckets() * n_classes || !rest.is_empty() {
            return Err("it does not hold one weight for each bucket and label");
        }
        let weights: Vec<f32> = chunks.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect();
        // Not a number is within no bounds; sums of weights within these are finite.
        if !weights.iter().all(|weight| weight.abs() <= LARGEST_WEIGHT) {
            return Err("a weight is not between -1,000,000 and 1,000,000");
        }
        Ok(Model {
            linear: Linear { features: header.features, n_classes, weights },
            labels: header.labels,
            keep: header.keep,
            temperature: header.temperature,
            curve: header.curve,
            report: header.report,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::classifier::{Example, Training};

    fn model() -> Model {
        let examples: Vec<_> = [("good prose", 1), ("menu login", 0)]
            .map(|(text, class)| Example { text, class, group: class as u64 })
            .into_iter()
            .collect();
        let features = Features { n_bits: 8, ..Features::default() };
        let training = Training { features, ..Training::default() };
        let labels = vec!["0".to_owned(), "1".to_owned()];
        Model::train(&training, labels, 1, [&examples, &examples, &examples])
    }

    #[test]
    fn what_is_written_is_read() {
        let model = model();
        assert_eq!(Model::from_bytes(&model.to_bytes()).unwrap(), model);
    }

    #[test]
    fn damaged_files_are_refused_with_what_is_wrong() {
        let bytes = model().to_bytes();
        let refused = |bytes: &[u8]| Model::from_bytes(bytes).unwrap_err();
        assert_eq!(refused(b"PK"), "it is no filter of hadal, version 1");
        assert_eq!(refused(&bytes[..16]), "it ends before its header");
        assert_eq!(refused(&bytes[..40]), "it ends within its header");
        let last = bytes.len() - 4;
        assert_eq!(
            refused(&bytes[..last]),
            "it does not hold one weight for each bucket and label"
        );
        let mut infinite = bytes.clone();
        infinite[last..].copy_from_slice(&f32::INFINITY.to_le_bytes());
        assert_eq!(refused(&infinite), "a weight is not between -1,000,000 and 1,000,000");
        let mut long = bytes;
        long[15..19].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(refused(&long), "its header is longer than 1 MiB");
    }
}
