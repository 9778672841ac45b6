//! Chat templates: a conversation to text.

use std::error::Error as _;
use std::io;

use minijinja::{Environment, ErrorKind, Value};
use serde_json::Map;

use crate::environment::{FUEL, Refused, python_environment};
use crate::strftime::strftime;
use crate::{Error, Message};

/// A template may write this many bytes. The longest contexts are a few million tokens of four.
const OUTPUT_LIMIT: usize = 64 << 20;

const NAME: &str = "chat";

/// What a conversation is rendered for, and with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChatOptions {
    /// Ends the text where the assistant is to speak.
    pub add_generation_prompt: bool,
    /// The tools that the model may call: a list of JSON objects as OpenAI writes them.
    pub tools: Option<serde_json::Value>,
    /// Whatever else the template knows, such as `thinking` or `documents`.
    pub variables: Map<String, serde_json::Value>,
    /// The time that `strftime_now` shows: local time as if it were UTC, in seconds since 1970.
    /// Without one the template has no such function, which templates check for.
    pub now_seconds: Option<i64>,
}

impl ChatOptions {
    /// For the model to answer the conversation.
    pub fn for_answer() -> Self {
        Self { add_generation_prompt: true, ..Self::default() }
    }
}

/// A compiled chat template: Jinja with what Hugging Face adds to it (`tojson` as Python writes
/// JSON, `raise_exception`, `strftime_now`, methods of Python strings and dictionaries) and
/// `from_json`.
///
/// A template comes with a model and is not trusted: it sees only what it is given, and how many
/// instructions it runs, how deep its macros call and how much it writes are bounded. What it
/// builds on the way is not: a template made to harm can double a text, or put a list into a list,
/// until memory or the stack is used up, and that ends the process.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
}

impl ChatTemplate {
    /// Compiles a template. Fails, with the line, if it is not Jinja.
    pub fn new(source: impl Into<String>) -> Result<Self, Error> {
        let mut environment = python_environment();
        environment.add_template_owned(NAME, source.into()).map_err(|error| {
            Error::TemplateSyntax { line: error.line().unwrap_or(1), reason: reason(&error) }
        })?;
        Ok(Self { environment })
    }

    /// Renders a conversation. `special_tokens` are variables as well: `("bos_token", "<s>")`.
    pub fn render<K: AsRef<str>, V: AsRef<str>>(
        &self,
        messages: &[Message],
        options: &ChatOptions,
        special_tokens: &[(K, V)],
    ) -> Result<String, Error> {
        let template =
            self.environment.get_template(NAME).expect("the template was added on construction");
        let mut text = Bounded::default();
        match template.render_captured_to(variables(messages, options, special_tokens), &mut text) {
            Ok(_) => Ok(String::from_utf8(text.bytes).expect("the engine writes whole characters")),
            Err(_) if text.is_full => {
                Err(Error::TemplateLimit { what: "the text", limit: OUTPUT_LIMIT as u64 })
            }
            Err(error) => Err(render_error(&error)),
        }
    }
}

/// All that a template sees. What the caller adds comes last and may replace the rest.
fn variables<K: AsRef<str>, V: AsRef<str>>(
    messages: &[Message],
    options: &ChatOptions,
    special_tokens: &[(K, V)],
) -> Value {
    let special =
        special_tokens.iter().map(|(key, text)| (key.as_ref().to_owned(), text.as_ref().into()));
    let known = [
        ("messages", Value::from_serialize(messages)),
        ("tools", Value::from_serialize(&options.tools)),
        ("documents", Value::from(())),
        ("add_generation_prompt", options.add_generation_prompt.into()),
    ];
    let clock = options.now_seconds.map(|now| {
        let show = move |format: &str| strftime(now, format);
        ("strftime_now".to_owned(), Value::from_function(show))
    });
    let extra = options.variables.iter().map(|(key, v)| (key.clone(), Value::from_serialize(v)));
    special
        .chain(known.map(|(key, value)| (key.to_owned(), value)))
        .chain(clock)
        .chain(extra)
        .collect()
}

fn render_error(error: &minijinja::Error) -> Error {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(Refused(message)) = cause.downcast_ref() {
            return Error::TemplateRefused { message: message.clone() };
        }
        source = cause.source();
    }
    if error.kind() == ErrorKind::OutOfFuel {
        return Error::TemplateLimit { what: "the number of instructions", limit: FUEL };
    }
    Error::TemplateRender { line: error.line().unwrap_or(1), reason: reason(error) }
}

/// What went wrong, without the place, and what caused it.
fn reason(error: &minijinja::Error) -> String {
    let mut reason = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let mut source = error.source();
    while let Some(cause) = source {
        reason.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    reason
}

/// Keeps what is written, up to a limit.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_LIMIT {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
