//! The rewriting of whole texts into one form, and its undoing.
//!
//! A text is rewritten line by line. An expression is rewritten where it stands free: white space,
//! Han characters or a sentence's own punctuation on both sides, so that names, versions, addresses
//! and most code stay as they are. A line that a second pass would change again is left as it was,
//! so that normalising twice is normalising once.

use jiff::civil::DateTime;
use serde_json::{Map, Value as Json, json};

use super::cut::Cut;
use super::form::form;
use super::language::{Found, Lang, language};
use super::places;
use super::resolve::resolve;
use super::token::is_han;
use super::value::Value;

/// The rules whose expressions are rewritten; of equally long matches the first named wins.
const REWRITTEN: [&str; 8] = [
    "lunar_date",
    "merged",
    "percent",
    "currency",
    "dimension",
    "temperature",
    "ordinal",
    "number",
];

/// References of texts that name none: only what both agree on is shown.
const UNTOLD: [DateTime; 2] =
    [DateTime::constant(2001, 1, 31, 6, 0, 0, 0), DateTime::constant(2018, 8, 5, 18, 30, 0, 0)];

/// How a text is rewritten.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Its language.
    pub lang: Lang,
    /// The moment that *today* and *next year* are counted from. Where nothing tells, such
    /// expressions are found, but neither resolved nor rewritten.
    pub reference: Option<DateTime>,
    /// Whether full-width letters and digits become half-width everywhere.
    pub half_width: bool,
    /// Whether places are rewritten to their codes, `CN-440305`; found they are in any case.
    pub places: bool,
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
    let find = |reference| language.find_free(&REWRITTEN, line, reference);
    let found = find(options.reference.unwrap_or(UNTOLD[0]));
    let timed = found.iter().any(|found| found.value.when().is_some());
    let other = (options.reference.is_none() && timed).then(|| find(UNTOLD[1]));
    let cut = Cut::new(line);
    let found = together(found, places::find(line, &cut));
    let mut out = Normalised { text: String::with_capacity(line.len()), spans: Vec::new() };
    let mut at = 0;
    for found in found {
        let Found { start, end, .. } = found;
        if !stands_free(line, start, end) {
            continue;
        }
        let Some(mut resolution) = resolve(&found.value) else { continue };
        if let Some(other) = &other {
            agree(&found, other, &mut resolution.fields);
        }
        copy(&line[at..start], options, &mut out);
        let original = &line[start..end];
        let begin = out.text.len();
        let kept = matches!(found.value, Value::Place(_)) && !options.places;
        match form(line, &cut, &found, options.lang, options.reference.is_some()) {
            Some(form) if !kept => out.text.push_str(&form),
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

/// Times and quantities, and the places that none of them reaches into, from left to right.
fn together(found: Vec<Found>, places: Vec<Found>) -> Vec<Found> {
    if places.is_empty() {
        return found;
    }
    let (mut all, mut found) = (Vec::new(), found.into_iter().peekable());
    for place in places {
        let is_longer = |one: &Found| place.end - place.start > one.end - one.start;
        let mut kept = all.last().is_none_or(|last: &Found| last.end <= place.start);
        while let Some(one) = found.next_if(|one| one.start < place.end) {
            if one.end <= place.start {
                all.push(one);
            } else if !is_longer(&one) {
                kept = false;
                all.push(one);
            }
        }
        if kept {
            all.push(place);
        }
    }
    all.extend(found);
    all
}

/// What is said of a time whatever the reference: a reading keeps the fields that are the
/// same for both of two.
fn agree(found: &Found, other: &[Found], fields: &mut Map<String, Json>) {
    let same = other.iter().find(|other| other.start == found.start && other.end == found.end);
    let other = same.and_then(|same| resolve(&same.value)).map(|other| other.fields);
    let other = other.as_ref().and_then(|fields| fields.get("values"));
    let Some(readings) = fields.get_mut("values").and_then(Json::as_array_mut) else { return };
    for (at, reading) in readings.iter_mut().enumerate() {
        let other = other.and_then(|values| values.get(at));
        let Some(reading) = reading.as_object_mut() else { continue };
        reading.retain(|name, value| other.is_some_and(|other| other.get(name) == Some(value)));
    }
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
