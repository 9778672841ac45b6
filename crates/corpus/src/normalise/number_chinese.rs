//! Chinese numerals: characters of digits, of tens, hundreds, thousands, and of myriads.

use super::number::{Form, make};
use super::value::Value;

/// A numeral such as 四千零五万, as the values of its characters `[4, 1000, 0, 5, 10000]`; arabic
/// digits among them are one `Number`. A digit at the end after a unit stands for so many of the
/// next smaller unit: 四百五 is 450.
pub(crate) fn cardinal(values: &[Value]) -> Option<Value> {
    // Complete myriads, the part within the current one, a digit without its unit yet.
    let (mut total, mut part, mut digit) = (0.0_f64, 0.0_f64, None::<f64>);
    let mut last_unit = 0.0_f64;
    let mut after_zero = false;
    let mut written = Form::Integer;
    for (at, value) in values.iter().enumerate() {
        let n = value.real()?;
        if let Value::Number(number) = value {
            if digit.is_some() || (at > 0 && last_unit == 0.0) {
                return None;
            }
            if number.form == Form::Decimal {
                written = Form::Decimal;
            }
            digit = Some(n);
            continue;
        }
        match n {
            0.0 => {
                if digit.is_some() {
                    return None;
                }
                after_zero = true;
                if values.len() == 1 {
                    digit = Some(0.0);
                }
            }
            _ if n < 10.0 => {
                if digit.is_some() {
                    return None;
                }
                digit = Some(n);
            }
            _ if n < 10_000.0 => {
                if part > 0.0 && last_unit < 10_000.0 && n >= last_unit {
                    return None;
                }
                part += digit.take().unwrap_or(1.0) * n;
                last_unit = n;
                after_zero = false;
            }
            _ => {
                let lower = part + digit.take().unwrap_or(0.0);
                if lower == 0.0 && total == 0.0 {
                    return None;
                }
                // 二十万亿 multiplies all so far; 一亿二千万 adds a smaller myriad.
                if lower == 0.0 || total == 0.0 || n >= last_myriad(values, at) {
                    total = (total + lower) * n;
                } else {
                    total += lower * n;
                }
                part = 0.0;
                last_unit = n;
                after_zero = false;
            }
        }
    }
    if let Some(digit) = digit {
        let arabic = matches!(values.last(), Some(Value::Number(_)));
        let implied = last_unit >= 100.0 && !after_zero && !arabic;
        part += if implied { digit * last_unit / 10.0 } else { digit };
    }
    let value = total + part;
    if written == Form::Decimal && value.fract() == 0.0 {
        written = Form::Integer;
    }
    make(format!("{value:.14e}").parse().ok()?, written)
}

/// The largest myriad before the character at `at`.
fn last_myriad(values: &[Value], at: usize) -> f64 {
    values[..at]
        .iter()
        .filter_map(Value::int)
        .filter(|n| *n >= 10_000)
        .max()
        .map_or(0.0, |n| n as f64)
}

/// Digits one by one: 二零零八 is 2008.
pub(crate) fn digits(values: &[Value]) -> Option<Value> {
    let mut n = 0.0_f64;
    for value in values {
        let digit = value.int().filter(|digit| (0..10).contains(digit))?;
        n = n * 10.0 + digit as f64;
    }
    make(n, Form::Integer)
}

/// 七五折 and 三成半: two digits are per cent, one is tenths; a decimal is tenths.
pub(crate) fn tenths(args: &[Value]) -> Option<Value> {
    let value = args.first()?.real()?;
    let half = args.get(1).and_then(Value::int).unwrap_or(0) as f64;
    let whole_of_hundred = value > 10.0;
    let value = if whole_of_hundred { value } else { value * 10.0 };
    make(format!("{:.14e}", value + half * 5.0).parse().ok()?, Form::Percent)
}
