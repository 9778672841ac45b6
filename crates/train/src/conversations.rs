//! Conversations from files: JSON lines in the form that OpenAI's fine-tuning and TRL read.

use std::path::Path;

use hadal_tokenizer::Message;
use serde::Deserialize;
use serde_json::Value;

use crate::documents::{Record, records};
use crate::error::Error;

/// One conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Its turns, each of which says who speaks.
    pub messages: Vec<Message>,
    /// The tools that the assistant may call, as OpenAI writes them.
    pub tools: Option<Value>,
    /// Where it comes from.
    pub src: String,
    /// The licence it is under, as its source states it.
    pub licence: String,
}

/// The conversations of a `.jsonl`, one a line, in order.
///
/// # Errors
/// When the file cannot be opened; later, where a record cannot be read.
pub fn conversations(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Conversation, Error>>, Error> {
    records(path)
}

/// A record as it is written: `messages`, or a `prompt` and its `completion`.
#[derive(Deserialize)]
struct Line {
    messages: Option<Vec<Message>>,
    prompt: Option<String>,
    completion: Option<String>,
    tools: Option<Value>,
    #[serde(default, alias = "source")]
    src: String,
    #[serde(default)]
    licence: String,
}

impl Record for Conversation {
    fn of_line(line: &str) -> Result<Self, String> {
        let Line { messages, prompt, completion, tools, src, licence } =
            serde_json::from_str(line).map_err(|error| error.to_string())?;
        let messages = match (messages, prompt, completion) {
            (Some(messages), None, None) => messages,
            (None, Some(prompt), Some(completion)) => {
                vec![Message::new("user", prompt), Message::new("assistant", completion)]
            }
            _ => return Err("it should have `messages`, or a `prompt` and a `completion`".into()),
        };
        match messages.iter().position(|message| message.role().is_none()) {
            None => Ok(Conversation { messages, tools, src, licence }),
            Some(index) => Err(format!("message {} has no `role`", index + 1)),
        }
    }

    fn of_file(_: &Path, _: String) -> Result<Self, String> {
        Err("conversations are read from JSON lines; the file should be a .jsonl".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_others_refused() {
        let turns =
            r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#;
        let pair = r#"{"prompt":"a","completion":"b","licence":"MIT"}"#;
        let [turns, pair] = [turns, pair].map(|line| Conversation::of_line(line).unwrap());
        assert_eq!(turns.messages, pair.messages);
        assert_eq!((&*turns.licence, &*pair.licence), ("", "MIT"));
        for (line, expected) in [
            (r#"{"text":"a"}"#, "should have `messages`"),
            (r#"{"prompt":"a"}"#, "and a `completion`"),
            (r#"{"messages":[{"role":"user"},{"content":"b"}]}"#, "message 2 has no `role`"),
            (r#"{"messages":"a"}"#, "invalid type"),
        ] {
            let reason = Conversation::of_line(line).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
