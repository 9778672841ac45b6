//! JSON as Python's `json.dumps` writes it: what models saw in training.

use std::fmt::Write as _;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use crate::python_text::python_float;

/// Values nested deeper than this are refused, for the sake of the stack.
const DEPTH_LIMIT: usize = 128;

/// The arguments of `json.dumps`.
#[derive(Debug, Clone)]
pub(crate) struct JsonStyle {
    pub(crate) ensure_ascii: bool,
    pub(crate) sort_keys: bool,
    pub(crate) item_separator: String,
    pub(crate) key_separator: String,
    pub(crate) indent: Option<String>,
}

impl Default for JsonStyle {
    fn default() -> Self {
        Self {
            ensure_ascii: false,
            sort_keys: false,
            item_separator: ", ".to_owned(),
            key_separator: ": ".to_owned(),
            indent: None,
        }
    }
}

impl JsonStyle {
    /// One item a line, each level further in. Python then leaves no space before a line end.
    pub(crate) fn set_indent(&mut self, indent: String) {
        self.indent = Some(indent);
        self.item_separator = ",".to_owned();
    }
}

/// Writes a value as JSON. Fails where Python does: on what JSON has no form for.
pub(crate) fn to_json(value: &Value, style: &JsonStyle) -> Result<String, Error> {
    let mut out = String::new();
    write_value(value, style, 0, &mut out)?;
    Ok(out)
}

fn write_value(
    value: &Value,
    style: &JsonStyle,
    depth: usize,
    out: &mut String,
) -> Result<(), Error> {
    if depth > DEPTH_LIMIT {
        let detail = format!("tojson: nested deeper than {DEPTH_LIMIT}");
        return Err(Error::new(ErrorKind::InvalidOperation, detail));
    }
    match value.kind() {
        ValueKind::String => write_string(value.as_str().unwrap_or_default(), style, out),
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Vec<Value> = value.try_iter()?.collect();
            write_items(['[', ']'], items.iter(), style, depth, out, |item, out| {
                write_value(item, style, depth + 1, out)
            })?;
        }
        ValueKind::Map => {
            let mut items = Vec::new();
            for key in value.try_iter()? {
                items.push((scalar(&key)?, value.get_item(&key)?));
            }
            if style.sort_keys {
                items.sort_by(|(a, _), (b, _)| a.cmp(b));
            }
            write_items(['{', '}'], items.iter(), style, depth, out, |(key, item), out| {
                write_string(key, style, out);
                out.push_str(&style.key_separator);
                write_value(item, style, depth + 1, out)
            })?;
        }
        _ => out.push_str(&scalar(value)?),
    }
    Ok(())
}

/// Writes a list or an object: brackets, separators and lines.
fn write_items<T>(
    [open, close]: [char; 2],
    items: impl ExactSizeIterator<Item = T>,
    style: &JsonStyle,
    depth: usize,
    out: &mut String,
    mut write: impl FnMut(T, &mut String) -> Result<(), Error>,
) -> Result<(), Error> {
    let new_line = |depth: usize, out: &mut String| {
        if let Some(indent) = &style.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    };
    let is_empty = items.len() == 0;
    out.push(open);
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push_str(&style.item_separator);
        }
        new_line(depth + 1, out);
        write(item, out)?;
    }
    if !is_empty {
        new_line(depth, out);
    }
    out.push(close);
    Ok(())
}

/// A value without parts, or the key of an object, without quotes.
fn scalar(value: &Value) -> Result<String, Error> {
    Ok(match value.kind() {
        ValueKind::None => "null".to_owned(),
        ValueKind::Bool => if value.is_true() { "true" } else { "false" }.to_owned(),
        ValueKind::String => value.to_string(),
        ValueKind::Number if value.is_integer() => value.to_string(),
        ValueKind::Number => {
            let number = f64::try_from(value.clone())?;
            if number.is_nan() {
                "NaN".to_owned()
            } else if number.is_infinite() {
                if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
            } else {
                python_float(number)
            }
        }
        other => {
            let detail = format!("tojson: {other} has no form in JSON");
            return Err(Error::new(ErrorKind::InvalidOperation, detail));
        }
    })
}

fn write_string(text: &str, style: &JsonStyle, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' => write_escape(c, out),
            '\u{7f}'.. if style.ensure_ascii => write_escape(c, out),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// `\uXXXX`, twice for a character above U+FFFF.
fn write_escape(c: char, out: &mut String) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        write!(out, "\\u{unit:04x}").expect("writing to a string does not fail");
    }
}
