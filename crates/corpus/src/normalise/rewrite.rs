//! The rewriting of whole texts into one form, and its undoing.
//!
//! A text is rewritten line by line. An expression is rewritten where it stands free: white space,
//! Han characters or a sentence's own punctuation on both sides, so that names, versions, addresses
//! and most code stay as they are. A line that a second pass would change again is left as it was,
//! so that normalising twice is normalising once.

use jiff::civil::DateTime;
use serde_json::{Map, Value as Json, json};

use super::calendar::{Sort, When};
use super::language::{Found, Lang, language};
use super::number::{Form, write_number};
use super::resolve::resolve;
use super::token::is_han;
use super::value::Value;

/// The rules whose expressions are rewritten; of equally long matches the first named wins.
const REWRITTEN: [&str; 7] =
    ["merged", "percent", "currency", "dimension", "temperature", "ordinal", "number"];

/// How a text is rewritten.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Its language.
    pub lang: Lang,
    /// The moment that *today* and *next year* are counted from.
    pub reference: DateTime,
    /// Whether full-width letters and digits become half-width everywhere.
    pub half_width: bool,
}

/// An expression in a rewritten text.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Its first byte in the rewritten text.
    pub start: usize,
    /// One past its last byte in the rewritten text.
    pub end: usize,
    /// What stood there.
    pub original: String,
    /// Its type: `datetimeV2.date`, `number`, `width` …
    pub type_name: String,
    /// What it comes to.
    pub resolution: Map<String, Json>,
}

/// A text in one form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Normalised {
    /// The rewritten text.
    pub text: String,
    /// Its expressions, from left to right; nothing overlaps.
    pub spans: Vec<Span>,
}

/// Rewrites `text`; [`undo`] takes it back.
pub fn normalise(text: &str, options: &Options) -> Normalised {
    let mut out = Normalised { text: String::with_capacity(text.len()), spans: Vec::new() };
    for line in text.split_inclusive('\n') {
        if is_source(line) {
            out.text.push_str(line);
            continue;
        }
        let first = one_pass(line, options);
        let stable = first.text == line || one_pass(&first.text, options).text == first.text;
        let line = if stable { first } else { unchanged(line) };
        let before = out.text.len();
        out.text.push_str(&line.text);
        out.spans.extend(line.spans.into_iter().map(|mut span| {
            span.start += before;
            span.end += before;
            span
        }));
    }
    out
}

/// The text as it was before: every span's original in its place. A span that does not lie within
/// the text, in order, is passed over.
pub fn undo(normalised: &Normalised) -> String {
    let text = &normalised.text;
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for span in &normalised.spans {
        let fits = span.start >= at && span.end >= span.start;
        let (Some(before), Some(_)) = (text.get(at..span.start), text.get(span.start..span.end))
        else {
            continue;
        };
        if fits {
            out.push_str(before);
            out.push_str(&span.original);
            at = span.end;
        }
    }
    out.push_str(&text[at..]);
    out
}

fn unchanged(line: &str) -> Normalised {
    Normalised { text: line.to_owned(), spans: Vec::new() }
}

/// One reading of a line from left to right.
fn one_pass(line: &str, options: &Options) -> Normalised {
    let language = language(options.lang);
    let found = language.find_free(&REWRITTEN, line, options.reference);
    let mut out = Normalised { text: String::with_capacity(line.len()), spans: Vec::new() };
    let mut at = 0;
    for Found { start, end, value } in found {
        if !stands_free(line, start, end) {
            continue;
        }
        let Some(resolution) = resolve(&value) else { continue };
        copy(&line[at..start], options, &mut out);
        let original = &line[start..end];
        let begin = out.text.len();
        match canonical(&value, options.lang) {
            Some(form) if !leaves_open(original, &form) => out.text.push_str(&form),
            _ => out.text.push_str(original),
        }
        out.spans.push(Span {
            start: begin,
            end: out.text.len(),
            original: original.to_owned(),
            type_name: resolution.type_name,
            resolution: resolution.fields,
        });
        at = end;
    }
    copy(&line[at..], options, &mut out);
    out
}

/// Text between expressions: as it is, or in half width.
fn copy(text: &str, options: &Options, out: &mut Normalised) {
    let is_wide = |c: char| matches!(c, '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ');
    if !options.half_width || !text.contains(is_wide) {
        out.text.push_str(text);
        return;
    }
    let mut rest = text;
    while let Some(start) = rest.find(is_wide) {
        out.text.push_str(&rest[..start]);
        let run = &rest[start..];
        let end = run.find(|c| !is_wide(c)).unwrap_or(run.len());
        let begin = out.text.len();
        out.text.extend(run[..end].chars().filter_map(|c| char::from_u32(c as u32 - 0xfee0)));
        out.spans.push(Span {
            start: begin,
            end: out.text.len(),
            original: run[..end].to_owned(),
            type_name: "width".to_owned(),
            resolution: Map::new(),
        });
        rest = &run[end..];
    }
    out.text.push_str(rest);
}

/// Whether digits alone, such as `5/1` or `2.0`, could as well be something else than the form says:
/// a fraction, a version. Only thousands and whole dates are rewritten from digits alone. One Han
/// character is more often part of a word, 同一, than a number.
fn leaves_open(original: &str, form: &str) -> bool {
    let mut chars = original.chars();
    if chars.next().is_some_and(is_han) && chars.next().is_none() {
        return true;
    }
    let by_digits = !original.chars().any(|c| c.is_alphabetic() || is_han(c));
    let marked = original.contains([',', '%', '$', '€', '£', '¥']);
    // `2016/10/2` has a form of ten characters, `2016-10-02`.
    by_digits && !marked && (form.len() < 10 || form.starts_with('X'))
}

/// Whether a line is one of a program: then nothing in it is an expression to rewrite.
fn is_source(line: &str) -> bool {
    const MARKS: [&str; 3] = ["</", "/>", " = "];
    is_statement(line) || MARKS.iter().any(|mark| line.contains(mark))
}

/// Whether a line is one of a program, and neither marked up prose nor an equation.
pub(crate) fn is_statement(line: &str) -> bool {
    const MARKS: [&str; 13] =
        ["==", "!=", "::", "->", "=>", "+=", "-=", "&&", "||", "();", "[]", "){", "(\""];
    let line = line.trim();
    let ends = line.ends_with([';', '{', '}']) && line.contains(['(', '=', '[', '{', '}', '"']);
    let calls = line.ends_with("),") || line.ends_with(");") || line.ends_with("):");
    ends || calls || MARKS.iter().any(|mark| line.contains(mark))
}

/// Whether nothing stands against an expression that would make it part of something larger.
fn stands_free(line: &str, start: usize, end: usize) -> bool {
    let before = line[..start].chars().next_back();
    let mut after = line[end..].chars();
    let (next, beyond) = (after.next(), after.next());
    let free_before = before.is_none_or(|c| {
        c.is_whitespace() || is_han(c) || "\"'“‘（(，。；：！？、《》【】".contains(c)
    });
    let free_after = match next {
        None => true,
        Some(c) if c.is_whitespace() || is_han(c) => true,
        Some(c) if "，。；：！？、（）“”’》《【】".contains(c) => true,
        Some(c) if ",.;:!?)\"'".contains(c) => {
            beyond.is_none_or(|c| c.is_whitespace() || is_han(c) || ")\"'".contains(c))
        }
        Some(_) => false,
    };
    free_before && free_after
}

/// The one form of a value, where it has one that says all that the words said.
fn canonical(value: &Value, lang: Lang) -> Option<String> {
    match value {
        Value::Int(n) => Some(n.to_string()),
        Value::Number(number) => match number.form {
            _ if !number.value.is_finite() || number.value.abs() >= 1e15 => None,
            Form::Percent => Some(format!("{}%", write_number(number.value))),
            Form::Ordinal if number.relative_to.is_some() => None,
            Form::Ordinal => Some(ordinal(number.value as i64, lang)),
            Form::Fraction | Form::Power => None,
            _ => Some(write_number(number.value)),
        },
        Value::When(when) => canonical_time(when),
        Value::Quantity(quantity) => {
            // Money alone has codes that everyone reads; other units stay as they were written.
            let code = quantity.code.as_deref().filter(|_| quantity.kind == "currency")?;
            Some(format!("{} {code}", write_number(quantity.number.as_ref()?.value)))
        }
        _ => None,
    }
}

fn ordinal(n: i64, lang: Lang) -> String {
    if lang == Lang::Zh {
        return format!("第{n}");
    }
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// The TIMEX of a time that is one: not of what is before or after, nor of a time of day that may be
/// of the morning or the afternoon.
fn canonical_time(when: &When) -> Option<String> {
    let plain = when.modifier.is_none() && !when.twelve_hours;
    let named = when.timex.ends_with("_REF") || when.timex.len() <= 3 || when.timex.contains('#');
    let by_letters = matches!(when.sort, Sort::TimeRange | Sort::DateRange | Sort::Set)
        && !when.timex.contains(|c: char| c.is_ascii_digit());
    (plain && !named && !by_letters).then(|| when.timex.clone())
}

/// The spans as JSON, as they go with a record.
pub fn spans_to_json(spans: &[Span]) -> Json {
    let span = |span: &Span| {
        json!({
            "start": span.start,
            "end": span.end,
            "original": span.original,
            "type": span.type_name,
            "resolution": span.resolution,
        })
    };
    spans.iter().map(span).collect()
}

/// The spans of a record; nothing where they are not of the form that [`spans_to_json`] writes.
pub fn spans_from_json(json: &Json) -> Option<Vec<Span>> {
    let span = |json: &Json| {
        Some(Span {
            start: usize::try_from(json["start"].as_u64()?).ok()?,
            end: usize::try_from(json["end"].as_u64()?).ok()?,
            original: json["original"].as_str()?.to_owned(),
            type_name: json["type"].as_str()?.to_owned(),
            resolution: json["resolution"].as_object()?.clone(),
        })
    };
    json.as_array()?.iter().map(span).collect()
}
