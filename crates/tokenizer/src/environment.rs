//! The template engine, set up to behave as Hugging Face sets up Jinja2.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};

use crate::python_json::{JsonStyle, to_json};
use crate::python_text::python_str;

/// A template may run this many instructions, a second or so. Long conversations take a hundred a
/// message.
pub(crate) const FUEL: u64 = 20_000_000;

/// Macros may call each other this deep. The engine's own limit is for a larger stack than a
/// worker thread has.
const RECURSION_LIMIT: usize = 100;

/// What `raise_exception` raises; found again by its type.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// An engine without templates.
pub(crate) fn python_environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION_LIMIT);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    // `{{ true }}` is `True` in Python.
    environment.set_formatter(|out, _, value| {
        let text = python_str(value)?;
        out.write_fmt(format_args!("{text}")).map_err(Error::from)
    });
    environment.add_filter("string", |value: &Value| match value.as_str() {
        Some(_) => Ok(value.clone()),
        None => python_str(value).map(|text| Value::from(text.into_owned())),
    });
    environment.add_filter("tojson", tojson);
    environment.add_filter("from_json", from_json);
    environment.add_function("raise_exception", raise_exception);
    // Texts and mappings are sequences to Jinja2, which asks for a length and an index.
    environment.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::String)
    });
    environment.add_test("iterable", |value: &Value| {
        matches!(value.kind(), ValueKind::String | ValueKind::Undefined) || value.try_iter().is_ok()
    });
    environment
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.clone()).with_source(Refused(message)))
}

/// Hugging Face's `tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
fn tojson(value: &Value, options: Kwargs) -> Result<String, Error> {
    let indent: Option<Value> = options.get("indent")?;
    let separators: Option<Vec<String>> = options.get("separators")?;
    let mut style = JsonStyle {
        ensure_ascii: options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        sort_keys: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
        ..JsonStyle::default()
    };
    options.assert_all_used()?;
    if let Some(indent) = indent.filter(|indent| !indent.is_none()) {
        style.set_indent(match (indent.as_str(), indent.as_usize()) {
            (Some(text), _) => text.to_owned(),
            // Python writes its own indentation too, so a bound is generous.
            (None, Some(width @ 0..=64)) => " ".repeat(width),
            _ => {
                let detail = format!("tojson: indent is {indent}; expected a text or 0 to 64");
                return Err(Error::new(ErrorKind::InvalidOperation, detail));
            }
        });
    }
    match separators.as_deref() {
        None => {}
        Some([item, key]) => {
            style.item_separator.clone_from(item);
            style.key_separator.clone_from(key);
        }
        Some(other) => {
            let detail = format!("tojson: {} separators; expected two", other.len());
            return Err(Error::new(ErrorKind::InvalidOperation, detail));
        }
    }
    to_json(value, &style)
}

fn from_json(text: &str) -> Result<Value, Error> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| {
        Error::new(ErrorKind::InvalidOperation, "from_json: not JSON").with_source(error)
    })?;
    Ok(Value::from_serialize(value))
}
