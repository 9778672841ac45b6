//! The one type that flows through the corpus.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A document and what is known of it. On disk it is one JSON object a line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What tells it from every other record of a run; empty until a source has named it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The document's text; empty until it has been extracted.
    #[serde(default)]
    pub text: String,
    /// The page as it was fetched, until its text has been extracted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The day it was published, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Its language, ISO 639-1: `en`, `zh`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// The licence it may be used under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Whatever else stood in its line, or a step found out; carried through untouched.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
