//! Values as records: the types and resolutions of the Recognizers-Text specification.

use serde_json::{Map, Value as Json, json};

use super::number::{Form, write_number};
use super::value::Value;

/// The type of an expression and what it comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolution {
    /// `number`, `ordinal`, `percentage`, `numberrange`, `datetimeV2.date` …
    pub type_name: String,
    /// The fields that go with the type.
    pub fields: Map<String, Json>,
}

/// What `value` is called and what it comes to; nothing for a value that is no whole expression.
pub fn resolve(value: &Value) -> Option<Resolution> {
    let (type_name, fields) = match value {
        Value::Int(n) => ("number", json!({"subtype": "integer", "value": n.to_string()})),
        Value::Number(number) => match (number.form, number.relative_to) {
            (Form::Ordinal, Some(from)) => {
                let offset = format!("{}", number.value);
                let sign = if number.value < 0.0 { "" } else { "+" };
                let value = format!("{from}{sign}{offset}");
                let fields = json!({"offset": offset, "relativeTo": from, "value": value});
                ("ordinal.relative", fields)
            }
            (Form::Ordinal, None) => {
                let value = write_number(number.value);
                ("ordinal", json!({"offset": value, "relativeTo": "start", "value": value}))
            }
            (Form::Percent, _) if number.value.is_nan() => {
                ("percentage", json!({"value": "null"}))
            }
            (Form::Percent, _) => {
                ("percentage", json!({"value": format!("{}%", write_number(number.value))}))
            }
            (form, _) => {
                let value = write_number(number.value);
                let fields = match form.name() {
                    Some(name) => json!({"subtype": name, "value": value}),
                    None => json!({"value": value}),
                };
                ("number", fields)
            }
        },
        Value::Interval(interval) => ("numberrange", json!({"value": interval.to_string()})),
        _ => return None,
    };
    let Json::Object(fields) = fields else { return None };
    Some(Resolution { type_name: type_name.to_owned(), fields })
}
