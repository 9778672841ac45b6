//! One turn of a conversation, as a chat template sees it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One message: a JSON object, usually with `role` and `content`, and whatever else the template
/// of the model knows: `tool_calls`, `name`, `reasoning_content`. Keys keep their order, and a key
/// that is absent is not the same as one that is `null`: templates ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Message(Map<String, Value>);

impl Message {
    /// A message of a role with a content: a text, a list of parts, or `Value::Null`.
    pub fn new(role: impl Into<String>, content: impl Into<Value>) -> Self {
        let fields = Map::from_iter([
            ("role".to_owned(), Value::String(role.into())),
            ("content".to_owned(), content.into()),
        ]);
        Self(fields)
    }

    /// The same message with one more field, or another value for one it has.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// Who speaks, if the message says so.
    pub fn role(&self) -> Option<&str> {
        self.0.get("role")?.as_str()
    }

    /// What is said, if it is plain text.
    pub fn text(&self) -> Option<&str> {
        self.0.get("content")?.as_str()
    }

    /// Every field.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl From<Map<String, Value>> for Message {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}
