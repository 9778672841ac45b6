//! Values as records: the types and resolutions of the Recognizers-Text specification.

use serde_json::{Map, Value as Json, json};

use super::calendar::{Ends, Open, Period, Sort, Stretch, When, afternoon_of, hms};
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
            (Form::Percent, _) if number.value.is_nan() => ("percentage", json!({"value": "null"})),
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
        Value::Quantity(quantity) => {
            let value = quantity.number.as_ref().map(|number| write_number(number.value));
            let mut fields = json!({"value": value, "unit": &*quantity.unit});
            match (&quantity.code, quantity.kind) {
                (Some(code), "currency") => fields["isoCurrency"] = (**code).into(),
                (Some(family), _) => fields["subtype"] = (**family).into(),
                (None, _) => {}
            }
            (quantity.kind, fields)
        }
        Value::Place(place) => {
            let mut fields = json!({"value": place.code, "name": place.name});
            for (level, name) in ["province", "city", "county"].iter().zip(&place.parts) {
                fields[*level] = (*name).into();
            }
            ("place", fields)
        }
        Value::Money(money) => {
            let mut fields = json!({"value": write_number(money.amount), "unit": &*money.unit});
            if let Some(to) = money.to {
                fields["to"] = write_number(to).into();
            }
            fields["bound"] = money.bound.name().into();
            ("money", fields)
        }
        Value::Period(period) => ("period", of_period(period)),
        Value::Interval(interval) => ("numberrange", json!({"value": interval.to_string()})),
        Value::When(when) => {
            let fields = json!({"values": values(when)});
            let Json::Object(fields) = fields else { return None };
            let type_name = format!("datetimeV2.{}", when.sort.name());
            return Some(Resolution { type_name, fields });
        }
        _ => return None,
    };
    let Json::Object(fields) = fields else { return None };
    Some(Resolution { type_name: type_name.to_owned(), fields })
}

/// Every reading of an expression of time: the past one, the future one, and both again for the
/// afternoon where the words leave that open.
fn values(when: &When) -> Vec<Json> {
    let mut values = Vec::new();
    let halves =
        if when.twelve_hours { vec![when.clone(), afternoon_of(when)] } else { vec![when.clone()] };
    for half in &halves {
        for (at, ends) in [half.past, half.future].into_iter().enumerate() {
            if at == 1 && half.definite() {
                continue;
            }
            values.push(value(half, ends));
        }
    }
    values
}

fn value(when: &When, (start, end): Ends) -> Json {
    let mut fields = Map::new();
    fields.insert("timex".to_owned(), when.timex.clone().into());
    if let Some(modifier) = &when.modifier {
        fields.insert("Mod".to_owned(), modifier.clone().into());
    }
    // A time of day that is only about right is a stretch of time by its type.
    let about = when.modifier.as_deref() == Some("approx");
    let sort = if about && when.sort == Sort::Time { Sort::TimeRange } else { when.sort };
    fields.insert("type".to_owned(), sort.name().into());
    if let Some(source) = when.source {
        fields.insert("sourceEntity".to_owned(), source.into());
    }
    let write = |at: jiff::civil::DateTime| match when.sort {
        Sort::Date | Sort::DateRange => at.date().to_string(),
        Sort::Time | Sort::TimeRange => hms(at),
        _ => format!("{} {}", at.date(), hms(at)),
    };
    let mut put = |name: &str, value: String| fields.insert(name.to_owned(), value.into());
    match when.sort {
        Sort::Duration => put("value", write_number(when.seconds)),
        _ if !when.resolved => put("value", "not resolved".to_owned()),
        Sort::Date | Sort::Time | Sort::DateTime => put("value", write(start)),
        _ => {
            if when.open != Open::Start {
                put("start", write(start));
            }
            if when.open != Open::End {
                put("end", write(end));
            }
            None
        }
    };
    Json::Object(fields)
}

/// A time by its ends, `first` and `last`, or by its length in units; an open end is left out.
fn of_period(period: &Period) -> Json {
    let stretch = |stretch: &Stretch| {
        let mut fields = Map::new();
        for (name, at) in [("first", stretch.first), ("last", stretch.last)] {
            let Some(at) = at else { continue };
            fields.insert(name.to_owned(), format!("{} {}", at.date(), hms(at)).into());
        }
        Json::Object(fields)
    };
    let length = |parts: &Vec<(f64, String)>| -> Json {
        let unit = |unit: &str| match unit {
            "Y" => "years",
            "M" => "months",
            "W" => "weeks",
            "BD" => "working days",
            "H" => "hours",
            "TM" => "minutes",
            "S" => "seconds",
            _ => "days",
        };
        parts.iter().map(|(n, name)| (unit(name).to_owned(), Json::from(*n))).collect()
    };
    match period {
        Period::Stretch(between) => stretch(between),
        Period::Length(parts) => json!({"length": length(parts)}),
        Period::Lengths(low, high) => {
            json!({"shortest": low.as_ref().map(length), "longest": high.as_ref().map(length)})
        }
        Period::Cycle(every, at) => {
            json!({"every": length(every), "at": at.as_ref().map(stretch)})
        }
    }
}
