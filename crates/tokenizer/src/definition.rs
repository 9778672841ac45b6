//! tokenizer.json: checked, then read by the library.
//!
//! The library panics on some documents that are not whole or contradict themselves, so those
//! parts are looked at first.

use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// The name of the document.
pub(crate) const DEFINITION: &str = "tokenizer.json";

/// The parts that are looked at; the rest is only checked to be JSON.
#[derive(Deserialize)]
struct Outline {
    #[serde(default)]
    decoder: Value,
    #[serde(default)]
    post_processor: Value,
}

/// Reads tokenizer.json.
pub(crate) fn parse(document: &[u8]) -> Result<tokenizers::Tokenizer, Error> {
    let not_valid = |source| Error::Json { what: DEFINITION, source };
    let outline: Outline = serde_json::from_slice(document).map_err(not_valid)?;
    if outline.decoder["type"] != "ByteLevel" {
        let name = outline.decoder["type"].as_str().unwrap_or("null");
        return Err(Error::NotByteLevel { found: name.to_owned() });
    }
    check_post_processor(&outline.post_processor)?;
    tokenizers::Tokenizer::from_bytes(document).map_err(|error| {
        match error.downcast::<serde_json::Error>() {
            Ok(source) => not_valid(*source),
            Err(other) => Error::Definition { reason: other.to_string() },
        }
    })
}

/// A template may name only special tokens that it also defines, and one for a single text may not
/// ask for a second. Processors are found at any depth.
fn check_post_processor(value: &Value) -> Result<(), Error> {
    match value {
        Value::Array(items) => items.iter().try_for_each(check_post_processor),
        Value::Object(fields) => {
            for (template, may_have_second) in [("single", false), ("pair", true)] {
                for piece in fields.get(template).and_then(Value::as_array).into_iter().flatten() {
                    check_piece(piece, &value["special_tokens"], template, may_have_second)?;
                }
            }
            fields.values().try_for_each(check_post_processor)
        }
        _ => Ok(()),
    }
}

fn check_piece(
    piece: &Value,
    special_tokens: &Value,
    template: &str,
    may_have_second: bool,
) -> Result<(), Error> {
    if let Some(name) = piece["SpecialToken"]["id"].as_str()
        && special_tokens.get(name).is_none()
    {
        let role = format!("a token of the post processor's template for a {template} text");
        return Err(Error::UnknownSpecialToken { role, token: name.to_owned() });
    }
    if piece["Sequence"]["id"] == "B" && !may_have_second {
        let reason = "the post processor's template for a single text asks for a second".to_owned();
        return Err(Error::Definition { reason });
    }
    Ok(())
}
