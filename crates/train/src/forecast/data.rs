//! How many tokens a run's documents hold, without packing them.

use std::fs;
use std::path::Path;

use hadal_tokenizer::{Message, Tokenizer};
use serde::Serialize;

use crate::conversations::conversations;
use crate::documents::documents;
use crate::encode::encode_conversation;
use crate::error::{Error, at};
use crate::pack::{DataFormat, PackSpec, already_packed};
use crate::recipe::Recipe;

/// The training tokens there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DataForecast {
    /// Their number.
    pub tokens: usize,
    /// Whether it comes from file sizes and the beginning of each file, as it does until the
    /// documents have been packed.
    pub is_estimate: bool,
}

/// Text that is read of each file.
const SAMPLE_BYTES: usize = 256 << 10;

/// How many times larger text is than its zstd file: books and code come to 2.5 to 4.
const ZSTD_RATIO: f64 = 3.0;

impl DataForecast {
    /// Of the training documents of `recipe`.
    ///
    /// # Errors
    /// When the tokenizer or a document cannot be read.
    pub fn of(recipe: &Recipe) -> Result<DataForecast, Error> {
        let tokenizer = Tokenizer::from_folder(&recipe.tokenizer)?;
        let spec = recipe.pack_spec();
        let folder = recipe.output.folder.join("shards").join("train");
        if let Some(report) = already_packed(&recipe.data.train, &spec, &tokenizer, &folder)? {
            return Ok(DataForecast { tokens: report.n_tokens, is_estimate: false });
        }
        let mut tokens = 0.0;
        for path in &recipe.data.train {
            tokens += estimate(path, &spec, &tokenizer)?;
        }
        Ok(DataForecast { tokens: tokens as usize, is_estimate: true })
    }
}

/// Tokens of a file, from its size and its beginning.
fn estimate(path: &Path, spec: &PackSpec, tokenizer: &Tokenizer) -> Result<f64, Error> {
    let file_bytes = fs::metadata(path).map_err(at(path))?.len() as f64;
    let is_packed = path.extension().is_some_and(|extension| extension == "zst");
    let text_bytes = file_bytes * if is_packed { ZSTD_RATIO } else { 1.0 };
    let (mut n_bytes, mut n_tokens) = (0, 0);
    match spec.format {
        DataFormat::Text => {
            for document in documents(path)? {
                let document = document?;
                n_bytes += document.text.len();
                if spec.filter.refuses(&document.licence, &document.src).is_none() {
                    n_tokens += tokenizer.encode(&document.text, false)?.len() + 2;
                }
                if n_bytes >= SAMPLE_BYTES {
                    break;
                }
            }
        }
        DataFormat::Tokens => unreachable!("reports tell what there is"),
        DataFormat::Chat => {
            for conversation in conversations(path)? {
                let conversation = conversation?;
                let texts = conversation.messages.iter().filter_map(Message::text);
                n_bytes += texts.map(str::len).sum::<usize>();
                if spec.filter.refuses(&conversation.licence, &conversation.src).is_none() {
                    let encoded = encode_conversation(tokenizer, &conversation)?;
                    n_tokens += encoded.map_or(0, |encoded| encoded.ids.len());
                }
                if n_bytes >= SAMPLE_BYTES {
                    break;
                }
            }
        }
    }
    Ok(n_tokens as f64 * text_bytes / n_bytes.max(1) as f64)
}
