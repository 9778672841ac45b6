//! So many of a unit: money, lengths, temperatures, ages.

use std::rc::Rc;

use super::grammar::Constructor;
use super::number::{Form, make, number};
use super::value::{Quantity, Value};

/// The constructors of quantities, by their names in rule files.
pub(super) fn constructor(name: &str) -> Option<Constructor> {
    Some(match name {
        // currency(number, 'Unit|ISO 4217'), the number and the code may be missing
        "currency" => |_, args| {
            let (unit, code) = split(args.get(1)?.text()?);
            quantity("currency", args.first()?, unit, code)
        },
        // dimension(number, 'Family|Unit')
        "dimension" => |_, args| {
            let (family, unit) = args.get(1)?.text()?.split_once('|')?;
            quantity("dimension", args.first()?, unit, Some(family))
        },
        "temperature" => {
            |_, args| quantity("temperature", args.first()?, args.get(1)?.text()?, None)
        }
        "age" => |_, args| quantity("age", args.first()?, args.get(1)?.text()?, None),
        // add_parts(whole, part, parts of one): five yuan and three jiao
        "add_parts" => |_, args| {
            let (whole, part, of) =
                (args.first()?.real()?, args.get(1)?.real()?, args.get(2)?.real()?);
            let sum = format!("{:.14e}", whole + part / of).parse().ok()?;
            make(sum, Form::Decimal)
        },
        _ => return None,
    })
}

fn split(unit: &str) -> (&str, Option<&str>) {
    match unit.split_once('|') {
        Some((unit, code)) => (unit, Some(code)),
        None => (unit, None),
    }
}

fn quantity(kind: &'static str, n: &Value, unit: &str, code: Option<&str>) -> Option<Value> {
    let unit = unit.into();
    let code = code.map(Into::into);
    Some(Value::Quantity(Rc::new(Quantity { kind, number: number(n), unit, code })))
}
